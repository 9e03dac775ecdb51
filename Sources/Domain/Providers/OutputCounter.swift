package import Chat
package import Core
internal import Glibc
package import NIOCore

/// Counts what an answer says while it passes, for the case that nobody else says how much it was.
///
/// Only what the model wrote counts: text, refusals, reasoning that is shown, and calls of tools. The text of an error
/// does not (A+.3, rule 5), whatever is in it: inside a JSON string, quotes are escaped, so that nothing in there can
/// pass for the key of a delta.
///
/// A chunk whose delta is plain text costs some 50 ns; every other takes a walk through its structure.
package struct OutputCounter: Sendable, Equatable {
    package private(set) var measure = TextMeasure()

    package init() {}

    /// Adds what the model said, as an event of the canonical answer has it.
    package mutating func add(_ text: JSONString) {
        text.content.withUnsafeReadableBytes { self.measure.add(jsonString: $0) }
    }

    /// Adds one chunk of a stream.
    ///
    /// - Parameter data: Checked JSON. What is none counts for nothing.
    package mutating func add(_ data: ByteBuffer) {
        data.withUnsafeReadableBytes { bytes in
            if let quick = DeltaReader.measure(bytes) {
                self.measure += quick
            } else {
                self.measure += TextMeasure(answer: bytes)
            }
        }
    }
}

/// Reads the one delta of a chunk without a look at what stands around it.
private struct DeltaReader {
    let bytes: UnsafeRawBufferPointer
    var index: Int
    var measure = TextMeasure()

    /// What the only delta says; nil where there is none, or more than one, or more in it than plain text.
    static func measure(_ bytes: UnsafeRawBufferPointer) -> TextMeasure? {
        guard let key = self.findDelta(bytes, from: 0) else { return nil }
        var reader = DeltaReader(bytes: bytes, index: key + 7)
        guard reader.readDelta(), self.findDelta(bytes, from: reader.index) == nil else { return nil }
        return reader.measure
    }

    /// Where `"delta"` stands at or after `start`, quotes included.
    private static func findDelta(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let key: StaticString = "\"delta\""
        let quote = SIMD16<UInt8>(repeating: 0x22)
        let letter = SIMD16(repeating: UInt8(ascii: "d"))
        var index = start
        // Sixteen places a step, each by its first two bytes.
        while index + 22 <= bytes.count {
            let first = base.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let second = base.loadUnaligned(fromByteOffset: index + 1, as: SIMD16<UInt8>.self)
            let hits = (first .== quote) .& (second .== letter)
            let isHit = withUnsafeBytes(of: hits) { mask in
                mask.load(as: UInt64.self) | mask.load(fromByteOffset: 8, as: UInt64.self) != 0
            }
            if isHit {
                for place in index..<(index + 16) where memcmp(base + place, key.utf8Start, 7) == 0 { return place }
            }
            index += 16
        }
        while index + 7 <= bytes.count {
            if bytes[index] == 0x22, memcmp(base + index, key.utf8Start, 7) == 0 { return index }
            index += 1
        }
        return nil
    }

    /// Steps over the delta that follows, and adds what it says; false if there is more to it than plain text.
    private mutating func readDelta() -> Bool {
        guard self.skip(UInt8(ascii: ":")), self.skip(UInt8(ascii: "{")) else { return false }
        if self.skip(UInt8(ascii: "}")) { return true }
        var hasReasoning = false
        repeat {
            guard self.skip(0x22), let name = self.takeName(), self.skip(UInt8(ascii: ":")) else { return false }
            if self.skipNull() { continue }
            guard self.skip(0x22) else { return false }
            let start = self.index
            if name == .role {
                var ignored = TextMeasure()
                self.index = ignored.add(jsonStringFrom: start, in: self.bytes)
                continue
            }
            self.index = self.measure.add(jsonStringFrom: start, in: self.bytes)
            guard name == .reasoning, self.index > start + 1 else { continue }
            // Some send it under both names.
            if hasReasoning { return false }
            hasReasoning = true
        } while self.skip(UInt8(ascii: ","))
        return self.skip(UInt8(ascii: "}"))
    }

    private enum Name { case role, text, reasoning }

    /// Steps over a key that is known, and its closing quote.
    private mutating func takeName() -> Name? {
        for (text, name) in Self.names where self.follows(text) {
            self.index += text.utf8CodeUnitCount
            return name
        }
        return nil
    }

    private static let names: [(StaticString, Name)] = [
        ("content\"", .text), ("role\"", .role), ("reasoning\"", .reasoning), ("reasoning_content\"", .reasoning),
        ("refusal\"", .text),
    ]

    private func follows(_ text: StaticString) -> Bool {
        guard let base = self.bytes.baseAddress, self.index + text.utf8CodeUnitCount <= self.bytes.count else {
            return false
        }
        return memcmp(base + self.index, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    private mutating func skipNull() -> Bool {
        self.skipSpace()
        guard self.follows("null") else { return false }
        self.index += 4
        return true
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        self.skipSpace()
        guard self.index < self.bytes.count, self.bytes[self.index] == byte else { return false }
        self.index += 1
        return true
    }

    private mutating func skipSpace() {
        while self.index < self.bytes.count, self.bytes[self.index] <= 0x20 { self.index += 1 }
    }
}
