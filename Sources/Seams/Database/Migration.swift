/// One step from a version of the schema to the next.
///
/// Once released it never changes: databases remember its checksum. What was wrong in it is mended by a later one.
package struct Migration: Sendable {
    /// Counts up from 1 without gaps.
    package let version: Int
    /// Says what it brings, in a few words.
    package let name: String
    /// Run in this order, all or nothing.
    package let statements: [SQL]

    package init(version: Int, name: String, statements: [SQL]) {
        self.version = version
        self.name = name
        self.statements = statements
    }

    /// A number that changes when any statement does (64-bit FNV-1a over the text, words in their neutral form).
    ///
    /// Against accidents, not against attackers: who can write the table can write anything.
    package var checksum: Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for statement in self.statements {
            let text = statement.text(placeholder: { "?\($0)" }, word: { "<\($0.rawValue)>" })
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            hash = (hash ^ 0x3B) &* 0x0000_0100_0000_01B3
        }
        return Int64(bitPattern: hash)
    }
}
