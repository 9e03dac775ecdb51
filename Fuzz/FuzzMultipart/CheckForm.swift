import Wire

/// The first byte says how to cut, the line behind it is a content type; the rest is a form.
func checkForm(_ input: UnsafeRawBufferPointer) throws {
    guard let cut = input.first, let lineEnd = input.firstIndex(of: 0x0A) else { return }
    let boundary: MultipartBoundary
    do throws(MultipartError) {
        boundary = try MultipartBoundary(contentType: input[1..<max(1, lineEnd)])
    } catch {
        return
    }
    let bytes = UnsafeRawBufferPointer(rebasing: input[(lineEnd + 1)...])
    let whole = try read(bytes, boundary, step: max(1, bytes.count))
    let pieces = try read(bytes, boundary, step: max(1, Int(cut & 15)))
    try require(whole == pieces, "cut \(pieces), whole \(whole)")
}

private struct ReadForm: Equatable {
    var heads: [MultipartHead] = []
    var values: [[UInt8]] = []
    var ranges: [Range<Int>] = []
    var isComplete = false
    var error: MultipartError?
}

private func read(_ bytes: UnsafeRawBufferPointer, _ boundary: MultipartBoundary, step: Int) throws -> ReadForm {
    var scanner = MultipartScanner(boundary)
    var result = ReadForm()
    var begin = 0
    var isInOrder = true
    var start = 0
    while start < bytes.count {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + step)])
        do throws(MultipartError) {
            try scanner.scan(piece) { event in
                switch event {
                case .part(let head, let at):
                    isInOrder = isInOrder && !result.isComplete && result.heads.count == result.ranges.count
                    result.heads.append(head)
                    result.values.append([])
                    begin = at
                case .data(let data):
                    isInOrder = isInOrder && result.heads.count == result.ranges.count + 1
                    result.values[result.values.count - 1].append(contentsOf: data)
                case .partEnd(let at):
                    isInOrder = isInOrder && at >= begin && at <= bytes.count
                    result.ranges.append(begin..<max(begin, at))
                case .end:
                    isInOrder = isInOrder && result.heads.count == result.ranges.count
                    result.isComplete = true
                }
            }
        } catch {
            result.error = error
            break
        }
        start += piece.count
    }
    try require(isInOrder, "events out of order")
    for (range, value) in zip(result.ranges, result.values) {
        try require(bytes[range].elementsEqual(value), "data is not what stands at the told place")
    }
    // What had come of an unfinished value depends on the cut where a delimiter is unfinished too.
    if result.values.count > result.ranges.count { result.values.removeLast() }
    return result
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
