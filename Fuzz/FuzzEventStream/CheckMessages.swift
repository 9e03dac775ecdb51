import NIOCore
import Wire

/// The first byte says how to cut, and in its highest bit whether to put the checksums right; the rest is a stream.
///
/// Cutting must not matter, and what is read must lie inside what was sent.
func checkMessages(_ input: UnsafeRawBufferPointer) throws {
    guard let first = input.first else { return }
    var bytes = Array(input.dropFirst())
    // Without this no mutation would ever get past a checksum.
    if first & 0x80 != 0 { correctChecksums(&bytes) }
    let whole = read(bytes, step: max(1, bytes.count))
    let pieces = read(bytes, step: max(1, Int(first & 15)))
    try require(whole == pieces, "cut \(pieces), whole \(whole)")
    let payloads = whole.messages.reduce(0) { $0 + $1.payload.readableBytes + $1.type.readableBytes + 16 }
    try require(payloads <= bytes.count, "\(payloads) bytes of messages out of \(bytes.count)")
    try require(!whole.isCut || !bytes.isEmpty, "cut without bytes")
}

/// Writes the right checksums into every message that has room for them.
private func correctChecksums(_ bytes: inout [UInt8]) {
    var start = 0
    while bytes.count - start >= 16 {
        write(checksum(bytes[start..<(start + 8)]), at: start + 8, into: &bytes)
        let total = bytes[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
        guard total >= 16, total <= bytes.count - start else { return }
        write(checksum(bytes[start..<(start + total - 4)]), at: start + total - 4, into: &bytes)
        start += total
    }
}

private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.withUnsafeBytes { CRC32.checksum($0) } }

private func write(_ number: UInt32, at index: Int, into bytes: inout [UInt8]) {
    for offset in 0..<4 { bytes[index + offset] = UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * offset)) }
}

private struct Stream: Equatable {
    var messages: [EventStreamMessage] = []
    var error: EventStreamError?
    var isCut = false
}

private func read(_ bytes: [UInt8], step: Int) -> Stream {
    var reader = EventStreamReader(limits: EventStreamLimits(messageBytesMax: 512, headerBytesMax: 128))
    var stream = Stream()
    do throws(EventStreamError) {
        for start in stride(from: 0, to: bytes.count, by: step) {
            reader.feed(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + step)]))
            while let message = try reader.next() { stream.messages.append(message) }
        }
    } catch {
        stream.error = error
        return stream
    }
    stream.isCut = reader.finish()
    return stream
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
