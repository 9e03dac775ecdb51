/// Reasoning that a client carries for the provider, which alone can read it: `encrypted_content`.
///
/// It holds nothing here; but one that has been changed on the way is noticed.
enum SealedReasoning {
    private static let prefix = "gAAAAAsim."

    /// A seal for the reasoning of a call.
    static func seal(_ sequence: Int) -> String { "\(Self.prefix)\(sequence).\(Self.check("\(sequence)"))" }

    /// Whether a seal is one of ours, unchanged.
    static func isIntact(_ text: String) -> Bool {
        guard text.hasPrefix(Self.prefix) else { return false }
        let parts = text.dropFirst(Self.prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[1] == Self.check(String(parts[0]))
    }

    private static func check(_ text: String) -> String {
        String(Wording.fingerprint("sealed \(text) sealed"), radix: 36)
    }
}
