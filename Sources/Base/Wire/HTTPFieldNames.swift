/// A set of names by their numbers, in two words: asking it is a comparison, a shift and an AND, whatever the name.
struct HTTPFieldNames: Sendable {
    /// How many names there may be.
    static let countMax = 128

    private var low: UInt64 = 0
    private var high: UInt64 = 0

    @inline(__always)
    func contains(_ name: HTTPFieldName) -> Bool { self.contains(name.rawValue) }

    @inline(__always)
    mutating func insert(_ name: HTTPFieldName) { self.insert(name.rawValue) }

    @inline(__always)
    func contains(_ number: UInt8) -> Bool { (number < 64 ? self.low : self.high) & Self.bit(number) != 0 }

    @inline(__always)
    mutating func insert(_ number: UInt8) {
        if number < 64 { self.low |= Self.bit(number) } else { self.high |= Self.bit(number) }
    }

    /// Where a name stands in its word: the shift takes the number modulo 64.
    @inline(__always)
    private static func bit(_ number: UInt8) -> UInt64 { 1 &<< UInt64(number) }
}
