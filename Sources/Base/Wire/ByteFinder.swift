/// Finds one kind of byte, each only once, although it is asked for from one line after the other.
struct ByteFinder: Sendable {
    let byte: UInt8
    /// Where the byte was found; or up to where there is none.
    private var position = 0
    private var isFound = false

    init(byte: UInt8) { self.byte = byte }

    /// The first place at or after `start`, or `end`.
    @inline(__always)
    mutating func find(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        if self.isFound, self.position >= start { return self.position }
        let from = self.isFound ? start : max(start, self.position)
        if let hit = ByteClass.firstIndex(of: self.byte, base, from, end) {
            self.position = hit
            self.isFound = true
            return hit
        }
        self.position = end
        self.isFound = false
        return end
    }

    mutating func forget(_ offset: Int) {
        if self.position < offset { self.isFound = false }
        self.position = max(0, self.position - offset)
    }
}
