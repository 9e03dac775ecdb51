import FoundationEssentials

/// Base64 as requests and answers use it.
enum Base64Text {
    /// Whether `text` is base64 of at least one byte.
    static func isValid(_ text: String) -> Bool {
        guard !text.isEmpty else { return false }
        return Data(base64Encoded: text) != nil
    }

    /// `bytes` in base64.
    static func encoded(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
