package import Core
package import NIOCore
internal import Synchronization

/// One provider key of a group, kept sealed; it is readable only in the buffer that it is opened into.
///
/// Safe to use from any thread. What changes about it, such as when it was used last, it keeps itself, so that a call
/// costs no write to the store.
package final class Credential: Sendable {
    /// Appends the key's bytes to a buffer, or throws and appends nothing.
    package typealias Opener = @Sendable (inout ByteBuffer) throws -> Void

    /// The store's name for it; safe to log.
    package let id: String
    /// Whether it is sealed under another key than the store seals with: who comes across it has it re-sealed.
    package let isStale: Bool
    private let prefix: StaticString?
    let open: Opener
    private let rejected: Atomic<Bool>
    private let lastUseSecond = Atomic<Int64>(0)

    init(id: String, style: AuthStyle, isRejected: Bool, isStale: Bool, open: @escaping Opener) {
        self.id = id
        self.isStale = isStale
        self.prefix = style.linePrefix
        self.open = open
        self.rejected = Atomic(isRejected)
    }

    /// Appends the header line that carries the key, opened right into the buffer.
    ///
    /// - Returns: Where the key stands now, counted from the beginning of the buffer's memory: whoever owns the buffer
    ///   wipes it there after the write. Empty for a provider that takes no key.
    /// - Throws: `CredentialUnreadable` if it cannot be opened, or has a byte that could end the line (row 2); then
    ///   nothing was appended.
    package func writeLine(into buffer: inout ByteBuffer) throws(CredentialUnreadable) -> Range<Int> {
        let start = buffer.writerIndex
        guard let prefix = self.prefix else { return start..<start }
        buffer.writeStaticString(prefix)
        let keyStart = buffer.writerIndex
        do {
            try self.open(&buffer)
        } catch {
            buffer.moveWriterIndex(to: start)
            throw CredentialUnreadable(id: self.id, cause: error)
        }
        let range = keyStart..<buffer.writerIndex
        guard Self.isUsable(buffer, range) else {
            buffer.wipe(range)
            buffer.moveWriterIndex(to: start)
            throw CredentialUnreadable(id: self.id, cause: nil)
        }
        buffer.writeStaticString("\r\n")
        return range
    }

    /// `text` without anything that is, or looks like, a key; for a provider's words on their way to a client.
    package func scrub(_ text: String) -> String {
        var key = ByteBuffer()
        // What cannot be opened was not sent, so that nobody can repeat it.
        try? self.open(&key)
        defer { key.wipe(0..<key.writerIndex) }
        return key.withUnsafeReadableBytes { Scrubber.scrub(text, credential: $0) }
    }

    /// Lends the opened key to `use`, for calls beside the road.
    ///
    /// - Throws: What opening throws, or `use`.
    package func withKey<Result>(_ use: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        var key = ByteBuffer()
        defer { key.wipe(0..<key.writerIndex) }
        try self.open(&key)
        return try key.withUnsafeReadableBytes(use)
    }

    /// 1 to 4096 visible ASCII characters.
    static func isUsable(_ buffer: ByteBuffer, _ range: Range<Int>) -> Bool {
        guard (1...4096).contains(range.count) else { return false }
        return buffer.withUnsafeReadableBytes { bytes in
            let offset = buffer.readerIndex
            return range.allSatisfy { bytes[$0 - offset] > 0x20 && bytes[$0 - offset] < 0x7F }
        }
    }

    // MARK: - What calls bring back

    /// Whether the provider refused it and has not taken it since; other targets are tried first then.
    package var isRejected: Bool { self.rejected.load(ordering: .relaxed) }

    /// Notes that the provider refused it.
    ///
    /// - Returns: Whether that is news.
    package func reject() -> Bool { !self.rejected.exchange(true, ordering: .relaxed) }

    /// Notes that the provider took it.
    ///
    /// - Returns: Whether that is news: true after a refusal, and once a second otherwise.
    package func accept(at time: UnixTime) -> (isReadmitted: Bool, isFirstThisSecond: Bool) {
        let isReadmitted = self.isRejected && self.rejected.exchange(false, ordering: .relaxed)
        let second = Int64(time.seconds)
        guard self.lastUseSecond.load(ordering: .relaxed) != second else { return (isReadmitted, false) }
        self.lastUseSecond.store(second, ordering: .relaxed)
        return (isReadmitted, true)
    }
}

/// A stored key that cannot be used: its encryption key is missing, or the row was changed.
package struct CredentialUnreadable: Error {
    /// The credential; safe to log.
    package let id: String
    package let cause: (any Error)?
}

extension ByteBuffer {
    /// Overwrites bytes with zeros, where they stand.
    ///
    /// Works on the memory itself only while nobody else holds the buffer; else on a copy.
    package mutating func wipe(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        self.setRepeatingByte(0, count: range.count, at: range.lowerBound)
    }
}
