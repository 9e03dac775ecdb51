/// What came in a multipart body, of which the files are not kept.
struct Upload: Sendable {
    struct Field: Sendable {
        var name: String
        var text: String
    }

    struct File: Sendable {
        /// The name of the form's field.
        var field: String
        var name: String
        var contentType: String
        var size: Int
        /// SHA-256 in hexadecimal.
        var digest: String
    }

    var fields: [Field] = []
    var files: [File] = []
    /// Why the rest could not be read, if it could not.
    var problem: String?

    /// The fields as the members of an object, the files by their names.
    var json: JSONValue {
        .object(
            self.fields.map { .init($0.name, .string($0.text)) }
                + self.files.map { .init($0.field, .string($0.name)) }
        )
    }
}
