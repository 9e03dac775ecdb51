/// The shapes of what people may name, and how long it may be.
package enum TenantRule {
    /// Characters of an id.
    package static let idLength = 1...64
    /// Characters of a name.
    package static let nameLength = 1...200
    /// Entries in a list of models or routes.
    package static let listLength = 1...200
    /// Bytes of an entry.
    package static let entryLength = 1...256

    /// Whether `text` may be an id: ASCII letters, digits, `-`, `_`, beginning with a letter or digit.
    ///
    /// The same as ids in the configuration file.
    package static func isID(_ text: String) -> Bool {
        guard Self.idLength.contains(text.utf8.count), let first = text.utf8.first else { return false }
        return Self.isLetterOrDigit(first)
            && text.utf8.allSatisfy { Self.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    static func checkID(_ text: String, field: String) throws(TenantError) {
        guard Self.isID(text) else {
            throw .invalid(
                field: field,
                expected: "1 to 64 letters, digits, - and _, beginning with a letter or digit"
            )
        }
    }

    /// Gives a name back without white space around it.
    ///
    /// Characters that could forge a line or hide text are refused (row 52).
    static func name(_ text: String, field: String = "name") throws(TenantError) -> String {
        let name = Self.trimmed(text)
        guard Self.nameLength.contains(name.count), name.utf8.count <= 4 * Self.nameLength.upperBound,
            name.unicodeScalars.allSatisfy(Self.isHarmless)
        else {
            throw .invalid(field: field, expected: "1 to 200 characters on one line")
        }
        return name
    }

    /// Gives an address back without white space around it; nothing is nil.
    static func email(_ text: String?) throws(TenantError) -> String? {
        guard let text else { return nil }
        let address = Self.trimmed(text)
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard (3...254).contains(address.utf8.count), parts.count == 2, parts.allSatisfy({ !$0.isEmpty }),
            address.unicodeScalars.allSatisfy({ Self.isHarmless($0) && $0 != " " })
        else {
            throw .invalid(field: "email", expected: "an address like name@example.com, at most 254 bytes")
        }
        return address
    }

    static func check(_ identity: User.Identity) throws(TenantError) {
        for (field, text, length) in [("issuer", identity.issuer, 1...512), ("subject", identity.subject, 1...255)] {
            guard length.contains(text.utf8.count), text.unicodeScalars.allSatisfy(Self.isHarmless) else {
                throw .invalid(field: field, expected: "1 to \(length.upperBound) bytes on one line")
            }
        }
    }

    /// Models and routes: visible ASCII; a `*` at the end alone.
    static func checkPatterns(_ patterns: [String]?, field: String) throws(TenantError) {
        guard let patterns else { return }
        let areGood = patterns.allSatisfy { pattern in
            Self.entryLength.contains(pattern.utf8.count)
                && pattern.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                && !pattern.dropLast().contains("*")
        }
        guard Self.listLength.contains(patterns.count), areGood else {
            throw .invalid(
                field: field,
                expected: "1 to 200 texts of visible ASCII, each at most 256 long, with * at the end alone"
            )
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            false
        }
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }

    static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        // Joiners make letters and emoji; the rest of the format characters turn or hide text.
        case .format: return scalar.value == 0x200C || scalar.value == 0x200D
        default: return true
        }
    }
}
