/// How much of one HTTP message its sender may make us hold.
///
/// Every limit is a number of bytes or of fields.
package struct HTTPLimits: Sendable, Equatable {
    /// The longest head: start line, all fields and the blank line.
    package var headBytesMax: Int
    /// The most field lines in a head, and again in a trailer section.
    package var fieldCountMax: Int
    /// The longest start line, its line end included.
    package var startLineBytesMax: Int
    /// The longest chunk-size line with its extensions, its line end included.
    package var chunkLineBytesMax: Int
    /// The most bytes of chunk extensions in one body, so that a sender cannot hide work in them.
    package var chunkExtensionBytesMax: Int
    /// The longest trailer section.
    package var trailerBytesMax: Int

    /// The limits of RELIABILITY row 4, and small ones for what nobody needs.
    package init(
        headBytesMax: Int = 32 * 1024,
        fieldCountMax: Int = 100,
        startLineBytesMax: Int = 8 * 1024,
        chunkLineBytesMax: Int = 256,
        chunkExtensionBytesMax: Int = 4 * 1024,
        trailerBytesMax: Int = 8 * 1024
    ) {
        precondition(
            headBytesMax > 0 && headBytesMax <= Int(Int32.max),
            "headBytesMax must be in 1...Int32.max, is \(headBytesMax)"
        )
        self.headBytesMax = headBytesMax
        self.fieldCountMax = fieldCountMax
        self.startLineBytesMax = startLineBytesMax
        self.chunkLineBytesMax = chunkLineBytesMax
        self.chunkExtensionBytesMax = chunkExtensionBytesMax
        self.trailerBytesMax = trailerBytesMax
    }
}
