/// The names of the members that a reader wants, prepared to be found fast.
///
/// A key is compared with all of them by one word and its length, so that most are passed over in two instructions.
package struct JSONNames: Sendable {
    private struct Name {
        /// As `JSONKey.word`.
        let word: UInt64
        let count: Int
        let text: StaticString
    }

    private let names: [Name]
    /// One more than the position of the first name whose word falls into each slot, or 0; four slots to a name at
    /// least, so that few fall into one.
    private let slots: [UInt8]
    private let shift: UInt64
    /// A bit for each length that a name has; lengths from 63 on share one.
    private let lengths: UInt64

    /// - Parameter names: At most 64, each once.
    package init(_ names: StaticString...) {
        precondition(names.count <= 64, "there may be 64 names, not \(names.count)")
        self.names = names.map { text in
            let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            let word = bytes.prefix(8).reversed().reduce(0) { $0 &<< 8 | UInt64($1) }
            return Name(word: word, count: bytes.count, text: text)
        }
        let slotBits = max(3, UInt64.bitWidth - UInt64(max(self.names.count * 4 - 1, 1)).leadingZeroBitCount)
        let shift = UInt64(UInt64.bitWidth - slotBits)
        var slots = [UInt8](repeating: 0, count: 1 << slotBits)
        for (index, name) in self.names.enumerated().reversed() {
            slots[Self.slot(name.word, name.count, shift)] = UInt8(index + 1)
        }
        self.slots = slots
        self.shift = shift
        self.lengths = self.names.reduce(0) { $0 | 1 &<< UInt64(min($1.count, 63)) }
    }

    /// The position of the name that a key is, with its escapes resolved (row 17).
    @inline(__always)
    package func position(of key: JSONKey) -> Int? {
        guard !key.hasEscapes else { return self.escapedPosition(of: key) }
        let count = key.slice.count &- 2
        guard self.lengths & (1 &<< UInt64(truncatingIfNeeded: min(count, 63))) != 0 else { return nil }
        return self.plainPosition(of: key, count)
    }

    @inline(__always)
    private static func slot(_ word: UInt64, _ count: Int, _ shift: UInt64) -> Int {
        Int(truncatingIfNeeded: ((word &+ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15) &>> shift)
    }

    private func plainPosition(of key: JSONKey, _ count: Int) -> Int? {
        let first = Int(self.slots[Self.slot(key.word, count, self.shift)])
        guard first > 0 else { return nil }
        // Those before it fall elsewhere.
        for index in (first &- 1)..<self.names.count {
            let name = self.names[index]
            guard name.word == key.word, name.count == count else { continue }
            if count <= 8 || key.equals(name.text) { return index }
        }
        return nil
    }

    private func escapedPosition(of key: JSONKey) -> Int? { self.names.firstIndex { key.equals($0.text) } }
}

/// Where a member stands that was asked for by name.
package struct JSONMemberSlices: Sendable {
    package let value: JSONSlice
    /// The bytes to leave out so that the member is gone, with one comma where there is another member.
    package let cut: Range<Int>
}
