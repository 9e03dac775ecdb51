/// The keys of one object, to notice the second of a name.
///
/// Allocates only beyond 32 keys.
struct JSONKeySet: ~Copyable {
    static let inlineMax = 32

    /// Half fingerprint, half where the key begins.
    ///
    /// Memory of the stack, lent by whoever walks the object.
    private let entries: UnsafeMutableBufferPointer<UInt64>
    private var count = 0
    /// All keys, once there are too many to compare each with each.
    ///
    /// Hashed with a secret seed.
    private var spilled: Set<[UInt8]> = []

    /// - Parameter entries: Room for `inlineMax` entries, of any content.
    init(_ entries: UnsafeMutableBufferPointer<UInt64>) { self.entries = entries }

    /// Adds a key.
    ///
    /// - Returns: False if there was a key of this name already.
    @inline(__always)
    mutating func insert(_ key: JSONKey) -> Bool {
        guard self.count < Self.inlineMax else { return self.insertSpilled(key) }
        let fingerprint = Self.fingerprint(of: key)
        for index in 0..<self.count where UInt32(truncatingIfNeeded: self.entries[index]) == fingerprint {
            if Self.areEqual(key, at: Int(self.entries[index] &>> 32)) { return false }
        }
        self.entries[self.count] = UInt64(truncatingIfNeeded: key.slice.start) &<< 32 | UInt64(fingerprint)
        self.count &+= 1
        return true
    }

    private mutating func insertSpilled(_ key: JSONKey) -> Bool {
        if self.spilled.isEmpty {
            for index in 0..<Self.inlineMax {
                self.spilled.insert(Self.bytes(key.base, at: Int(self.entries[index] >> 32)))
            }
        }
        return self.spilled.insert(Self.bytes(key.base, at: key.slice.start)).inserted
    }

    /// A number that is the same for equal keys, whatever is escaped in them.
    @inline(__always)
    private static func fingerprint(of key: JSONKey) -> UInt32 {
        guard !key.hasEscapes else { return self.escapedFingerprint(of: key) }
        let count = key.slice.count &- 2
        var last: UInt64 = 0
        if count > 8 {
            let place = UnsafeRawPointer(key.base + (key.slice.end &- 9))
            last = UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
        }
        return self.mixed(key.word, last)
    }

    private static func escapedFingerprint(of key: JSONKey) -> UInt32 {
        var reader = JSONUnescaper(key.base, key.slice)
        var first: UInt64 = 0
        var last: UInt64 = 0
        var count: UInt64 = 0
        while let byte = reader.next() {
            if count < 8 { first |= UInt64(byte) &<< (count &* 8) }
            last = last &>> 8 | UInt64(byte) &<< 56
            count &+= 1
        }
        return self.mixed(first, count > 8 ? last : 0)
    }

    @inline(__always)
    private static func mixed(_ first: UInt64, _ last: UInt64) -> UInt32 {
        let mixed = (first ^ (last &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: mixed &>> 32)
    }

    private static func areEqual(_ key: JSONKey, at start: Int) -> Bool {
        var left = JSONUnescaper(key.base, key.slice)
        var right = JSONUnescaper(key.base, self.slice(key.base, at: start))
        while true {
            let (one, other) = (left.next(), right.next())
            guard one == other else { return false }
            if one == nil { return true }
        }
    }

    private static func bytes(_ base: UnsafePointer<UInt8>, at start: Int) -> [UInt8] {
        IteratorSequence(JSONUnescaper(base, self.slice(base, at: start))).map { $0 }
    }

    /// The string that begins at `start`; it has been checked, so that its end must come.
    private static func slice(_ base: UnsafePointer<UInt8>, at start: Int) -> JSONSlice {
        var index = start + 1
        while base[index] != 0x22 { index += base[index] == 0x5C ? 2 : 1 }
        return JSONSlice(start: start, end: index + 1)
    }
}
