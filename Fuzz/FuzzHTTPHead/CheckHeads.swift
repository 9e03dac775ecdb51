import Wire

/// The first byte says what to parse; the rest is the message.
///
/// A head must be judged the same however it is cut.
func checkHeads(_ input: UnsafeRawBufferPointer) throws {
    guard let kind = input.first else { return }
    let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    let limits = kind & 4 == 0 ? HTTPLimits() : HTTPLimits(headBytesMax: 200, fieldCountMax: 5, startLineBytesMax: 60)
    let isRequest = kind & 1 == 0
    var head = HTTPHead()
    let whole = outcome(&head, bytes, isRequest, limits)
    try checkOffsets(head, bytes, whole)
    var pieces = HTTPHead()
    var cut: Outcome = .incomplete
    let step = max(1, Int(kind >> 3))
    for end in stride(from: 0, to: bytes.count, by: step) where cut == .incomplete {
        cut = outcome(&pieces, UnsafeRawBufferPointer(rebasing: bytes[..<end]), isRequest, limits)
    }
    if cut == .incomplete { cut = outcome(&pieces, bytes, isRequest, limits) }
    try require(cut == whole, "cut \(cut), whole \(whole)")
    if whole == .complete {
        try require(pieces.fields == head.fields && pieces.framing == head.framing, "fields differ")
    }
    if isRequest { try checkTarget(bytes) }
}

private enum Outcome: Equatable { case complete, incomplete, refused(HTTPParseError) }

private func outcome(
    _ head: inout HTTPHead,
    _ bytes: UnsafeRawBufferPointer,
    _ isRequest: Bool,
    _ limits: HTTPLimits
) -> Outcome {
    do throws(HTTPParseError) {
        let isComplete =
            isRequest
            ? try head.parseRequest(bytes, limits: limits)
            : try head.parseResponse(bytes, toHead: false, limits: limits)
        return isComplete ? .complete : .incomplete
    } catch {
        return .refused(error)
    }
}

/// All offsets lie in the head, and no line end lies in a name or a value.
private func checkOffsets(_ head: HTTPHead, _ bytes: UnsafeRawBufferPointer, _ outcome: Outcome) throws {
    guard outcome == .complete else { return }
    try require(head.byteCount <= bytes.count, "the head is longer than its bytes")
    for field in head.fields {
        try require(Int(field.lineEnd) <= head.byteCount, "a field ends behind the head")
        try require(!bytes[field.nameRange].contains { $0 <= 0x20 || $0 == 0x3A || $0 >= 0x7F }, "bad name")
        try require(!bytes[field.value].contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }, "bad value")
        _ = head.isHopByHop(field, in: bytes)
    }
    if case .length(let count) = head.framing { try require(count >= 0, "negative length") }
}

private func checkTarget(_ bytes: UnsafeRawBufferPointer) throws {
    for method in [HTTPMethod.get, .options] {
        guard let target = try? HTTPTarget.parse(bytes, method: method) else { continue }
        let path = bytes[target.path]
        if target.form == .asterisk { continue }
        try require(path.first == 0x2F, "a path begins with a slash")
        for segment in path.split(separator: 0x2F) {
            try require(!segment.elementsEqual([0x2E]) && !segment.elementsEqual([0x2E, 0x2E]), "a dot segment")
        }
        _ = HTTPTarget.decoded(path)
    }
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
