import NIOCore
import Wire

/// The first byte says how to cut; the rest is a stream.
///
/// Cutting must not matter, and writing what was read must give the same events again.
func checkEvents(_ input: UnsafeRawBufferPointer) throws {
    guard let cut = input.first else { return }
    let bytes = Array(input.dropFirst())
    let whole = read(bytes, step: max(1, bytes.count))
    let pieces = read(bytes, step: max(1, Int(cut & 15)))
    try require(whole == pieces, "cut \(pieces), whole \(whole)")
    var wire = ByteBuffer()
    var types = 0
    for event in whole.events where !event.isComment {
        types += (try? SSEWriter.write(data: event.data, foreignType: event.type, into: &wire)) == nil ? 0 : 1
    }
    // Written lines are longer by a space, and data of several lines by their names.
    let again = read(Array(wire.readableBytesView), step: max(1, wire.readableBytes), limits: SSELimits())
    try require(again.events.count == types, "wrote \(types) events, read \(again.events.count)")
}

private struct Stream: Equatable {
    var events: [ServerSentEvent] = []
    var error: SSEError?
    var isCut = false
}

private func read(
    _ bytes: [UInt8],
    step: Int,
    limits: SSELimits = SSELimits(lineBytesMax: 64, eventBytesMax: 128)
) -> Stream {
    var reader = SSEReader(limits: limits, surfacesComments: true)
    var stream = Stream()
    do throws(SSEError) {
        for start in stride(from: 0, to: bytes.count, by: step) {
            reader.feed(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + step)]))
            while let event = try reader.next() { stream.events.append(event) }
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
