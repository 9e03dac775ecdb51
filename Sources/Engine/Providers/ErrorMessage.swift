import Core
package import NIOCore

/// What the error bodies of others say.
package enum ErrorMessage {
    /// The message of an error body in any of the usual shapes.
    package static func find(in body: ByteBuffer) -> String? {
        guard let value = try? JSONValue.parse(body) else { return nil }
        return value["error"]?["message"]?.stringValue ?? value["error"]?.stringValue ?? value["message"]?.stringValue
    }
}
