package import Core

/// What a check of the whole ledger found.
package struct LedgerVerdict: Sendable, Equatable {
    /// One thing that is not as it was written, or does not add up.
    package struct Fault: Sendable, Equatable, CustomStringConvertible {
        /// What a fault can be.
        package enum Kind: String, Sendable {
            /// A row was changed, exchanged, inserted or taken out.
            case chain
            /// A row cannot be read, or holds a word that means nothing.
            case row
            /// The cost is not what the row's own rates and tokens make.
            case cost
            /// An attempt has more than one row.
            case attempt
            /// The sums of an hour are not those of its rows.
            case sums
            /// The end of the ledger is not the one that was noted.
            case end
        }

        package let kind: Kind
        /// The number of the row that is bad, or missing; nil where it is about sums.
        package let seq: Int64?
        /// In words.
        package let reason: String

        package var description: String { self.seq.map { "row \($0): \(self.reason)" } ?? self.reason }
    }

    /// The most faults that are kept; more are only counted.
    package static let faultsMax = 50

    /// Rows there are.
    package internal(set) var rows: Int64 = 0
    /// The end of the ledger; worth writing down elsewhere if it is good.
    package internal(set) var head: LedgerHead?
    /// What all rows cost together.
    package internal(set) var cost = MicroDollars.zero
    package internal(set) var charged = MicroDollars.zero
    /// The first ones, by kind of check and then by row.
    package private(set) var faults: [Fault] = []
    /// How many there are in all.
    package private(set) var faultCount = 0

    /// Whether nothing was found.
    package var isSound: Bool { self.faultCount == 0 }

    mutating func add(_ kind: Fault.Kind, _ seq: Int64?, _ reason: String) {
        self.faultCount += 1
        if self.faults.count < Self.faultsMax { self.faults.append(Fault(kind: kind, seq: seq, reason: reason)) }
    }
}

extension LedgerHead {
    /// `<rows>:<hash in hexadecimal>`, to be written down.
    package var text: String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = self.hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "\(self.seq):\(String(decoding: hex, as: UTF8.self))"
    }

    /// Reads `text`; nil for anything else.
    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let seq = Int64(parts[0]), seq > 0, parts[1].utf8.count == 64 else { return nil }
        let nibbles = parts[1].utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard nibbles.count == 64 else { return nil }
        self.init(
            seq: seq,
            hash: stride(from: 0, to: 64, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
        )
    }
}
