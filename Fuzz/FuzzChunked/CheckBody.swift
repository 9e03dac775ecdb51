import Wire

/// The first byte says how to cut; the rest is a chunked body and what follows it.
func checkBody(_ input: UnsafeRawBufferPointer) throws {
    guard let cut = input.first else { return }
    let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    let whole = try decode(bytes, step: bytes.count)
    let pieces = try decode(bytes, step: max(1, Int(cut & 15)))
    try require(whole == pieces, "cut \(pieces), whole \(whole)")
    try require(whole.used <= bytes.count, "used more than there is")
    try require(whole.payload.count <= bytes.count, "made payload from nothing")
}

private struct Decoded: Equatable {
    var payload: [UInt8] = []
    var used = 0
    var isComplete = false
    var error: HTTPParseError?
}

private func decode(_ bytes: UnsafeRawBufferPointer, step: Int) throws -> Decoded {
    var decoder = HTTPBodyDecoder(.chunked)
    var result = Decoded()
    var isInside = true
    var isAllUsed = true
    while result.used < bytes.count, !decoder.isComplete {
        let end = min(bytes.count, result.used + step)
        let piece = UnsafeRawBufferPointer(rebasing: bytes[result.used..<end])
        do throws(HTTPParseError) {
            let used = try decoder.decode(piece, limits: HTTPLimits()) { start, count in
                isInside = isInside && count > 0 && start >= 0 && start + count <= piece.count
                result.payload.append(contentsOf: piece[start..<(start + count)])
            }
            isAllUsed = isAllUsed && (used == piece.count || decoder.isComplete)
            result.used += used
        } catch {
            result.error = error
            result.used = 0
            break
        }
    }
    try require(isInside, "payload outside of the bytes")
    try require(isAllUsed, "left bytes of the body unused")
    result.isComplete = decoder.isComplete
    return result
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
