/// Reads JSON as protocol buffers' JSON form: names in camel or snake case, `null` as absent, and everything that the
/// message does not know is an error.
///
/// What comes out has names in camel case and words in the spelling of the table, so that the rest of the dialect need
/// not know how they came.
struct ProtoReader {
    private static let package = "type.googleapis.com/google.ai.generativelanguage.v1beta."

    /// What is wrong, each with its place in the names of the API: `contents[0].parts[1]`.
    private var violations: [String] = []

    private init() {}

    /// The message that `json` holds.
    ///
    /// - Throws: `APIFailure` that names everything that is wrong.
    static func read(_ json: JSONValue, as message: ProtoMessage) throws(APIFailure) -> JSONValue {
        var reader = ProtoReader()
        let value = reader.message(json, message, at: "")
        guard reader.violations.isEmpty else { throw GeminiErrors.invalid(reader.violations) }
        return value
    }

    private mutating func message(_ json: JSONValue, _ message: ProtoMessage, at path: String) -> JSONValue {
        guard let members = json.members else {
            self.wrongValue(json, type: Self.package + message.rawValue, at: path)
            return .object([])
        }
        let fields = message.fields
        let oneOf = message.oneOf
        var set: String?
        var result: [JSONValue.Member] = []
        for member in members {
            guard let (name, field) = Self.field(member.key, in: fields) else {
                self.unknown(member.key, at: path)
                continue
            }
            if member.value == .null { continue }
            let place = path.isEmpty ? Self.snake(name) : "\(path).\(Self.snake(name))"
            if oneOf.contains(name) {
                if set != nil {
                    self.note(
                        "Invalid value at '\(path)' (oneof), oneof field 'data' is already set. Cannot set '\(name)'"
                    )
                }
                set = name
            }
            result.removeAll { $0.key == name }
            result.append(.init(name, self.value(member.value, field, at: place)))
        }
        return .object(result)
    }

    private mutating func value(_ json: JSONValue, _ field: ProtoField, at path: String) -> JSONValue {
        if json.array != nil {
            switch field {
            case .list, .anything: break
            default:
                self.note("Invalid value at '\(path)': Proto field is not repeating, cannot start list.")
                return .null
            }
        }
        switch field {
        case .text:
            if json.string == nil { self.wrongValue(json, type: "TYPE_STRING", at: path) }
        case .bytes:
            if json.string.map(Base64.isValid) != true { self.wrongValue(json, type: "TYPE_BYTES", at: path) }
        case .flag:
            if json.bool == nil { self.wrongValue(json, type: "TYPE_BOOL", at: path) }
        case .whole:
            guard let count = json.integer ?? json.string.flatMap({ Int($0) }) else {
                self.wrongValue(json, type: "TYPE_INT32", at: path)
                return .null
            }
            return .integer(count)
        case .number:
            guard let number = json.number ?? json.string.flatMap({ Double($0) }) else {
                self.wrongValue(json, type: "TYPE_FLOAT", at: path)
                return .null
            }
            return .number(number)
        case .word(let words):
            let given = json.string?.lowercased()
            guard let word = words.first(where: { $0.lowercased() == given }) else {
                self.wrongValue(json, type: "TYPE_ENUM", at: path)
                return .null
            }
            return .string(word)
        case .message(let message): return self.message(json, message, at: path)
        case .list(let element):
            guard let elements = json.array else { return .array([self.value(json, element, at: "\(path)[0]")]) }
            var read: [JSONValue] = []
            for (index, one) in elements.enumerated() { read.append(self.value(one, element, at: "\(path)[\(index)]")) }
            return .array(read)
        case .map(let element): return self.map(json, element, at: path)
        case .object:
            if json.members == nil { self.wrongValue(json, type: "google.protobuf.Struct", at: path) }
        case .anything: break
        }
        return json
    }

    private mutating func map(_ json: JSONValue, _ element: ProtoField, at path: String) -> JSONValue {
        guard let members = json.members else {
            self.wrongValue(json, type: "Map", at: path)
            return .object([])
        }
        var read: [JSONValue.Member] = []
        for (index, member) in members.enumerated() {
            read.append(.init(member.key, self.value(member.value, element, at: "\(path)[\(index)].value")))
        }
        return .object(read)
    }

    // MARK: - What is wrong

    private mutating func unknown(_ name: String, at path: String) {
        let place = path.isEmpty ? "" : " at '\(path)'"
        self.note("Invalid JSON payload received. Unknown name \"\(name)\"\(place): Cannot find field.")
    }

    private mutating func wrongValue(_ json: JSONValue, type: String, at path: String) {
        let shown = String(json.text.prefix(100))
        self.note("Invalid value at '\(path)' (\(type)), \(shown)")
    }

    private mutating func note(_ description: String) {
        // A hostile body must not make an answer larger than itself.
        if self.violations.count < 50 { self.violations.append(description) }
    }

    // MARK: - Names

    private static func field(_ key: String, in fields: [String: ProtoField]) -> (String, ProtoField)? {
        if let field = fields[key] { return (key, field) }
        let camel = Self.camel(key)
        return fields[camel].map { (camel, $0) }
    }

    /// `max_output_tokens` as `maxOutputTokens`.
    static func camel(_ name: String) -> String {
        guard name.contains("_") else { return name }
        var result = ""
        for (index, word) in name.split(separator: "_", omittingEmptySubsequences: false).enumerated() {
            result += index == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
        }
        return result
    }

    /// `maxOutputTokens` as `max_output_tokens`.
    static func snake(_ name: String) -> String {
        var result = ""
        for letter in name {
            if letter.isUppercase {
                result += "_" + letter.lowercased()
            } else {
                result.append(letter)
            }
        }
        return result
    }
}
