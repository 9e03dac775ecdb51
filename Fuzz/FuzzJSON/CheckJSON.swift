import Core
import NIOCore

/// Scanner and tree must agree on what is JSON, and what a tree writes must read back as the same tree.
func checkJSON(_ input: UnsafeRawBufferPointer) throws {
    let bytes = input
    var isValid = true
    var offset = 0
    do throws(JSONError) {
        try JSONScanner.validate(bytes)
    } catch {
        isValid = false
        offset = error.offset
        _ = JSONPath.find(error.offset, in: bytes)
    }
    try require(offset >= 0 && offset <= bytes.count, "an error outside of the text")
    let reader = JSONScanner(bytes)
    var finding: (any Error)?
    var members = 0
    var hasMembers = true
    do throws(JSONError) {
        var scanner = JSONScanner(bytes)
        try scanner.members { key, slice in
            members += 1
            do { try read(reader, key, slice) } catch { finding = error }
        }
    } catch {
        hasMembers = false
        _ = JSONPath.find(error.offset, in: bytes)
    }
    if let finding { throw finding }
    try require(isValid || !hasMembers, "walked what is not valid")
    guard let tree = try? JSONValue.parse(bytes) else { return }
    try require(isValid, "the tree accepts what the scanner does not")
    if let object = tree.objectValue { try require(hasMembers && object.count == members, "members differ") }
    try require((try? JSONValue.parse(tree.text)) == tree, "written and read back another tree")
}

private func read(_ reader: JSONScanner, _ key: JSONKey, _ slice: JSONSlice) throws {
    try require(reader.kind(slice) != nil, "a value outside of the text")
    try require(!key.equals("model") || key.text == "model", "a key equals what it is not")
    if let text = reader.string(slice) { try require(reader.kind(slice) == .string, "read \(text) from no string") }
    _ = reader.equals(slice, "user")
    if let number = reader.int(slice), let double = reader.double(slice), number.magnitude < 1 << 53 {
        try require(Double(number) == double, "\(number) is not \(double)")
    }
    _ = reader.bool(slice)
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
