internal import Core
package import NIOCore

/// What a client said and a target cannot be told, or only in a changed way.
///
/// Told to the client in `x-turnpike-dropped`, or the reason to refuse the request where the group wants it `strict`.
package struct Losses: Sendable, Equatable {
    /// How many are kept; of more only the number is known.
    package static let placesMax = 64

    /// Where in the client's body the lost values stand, in the order they were met, each once.
    package private(set) var places: [Int] = []
    /// All of them, also those beyond `placesMax`.
    package private(set) var count = 0
    /// Where the values stand that the target is told by other means than a field of its own.
    ///
    /// Such as a schema for the answer that becomes a tool to call: not lost, but to be marked. Each once, `placesMax`
    /// at most.
    package private(set) var emulated: [Int] = []

    package init() {}

    package var isEmpty: Bool { self.count == 0 }

    /// Notes a value that the target is not told, or not as it was meant.
    ///
    /// - Parameter place: Where it stands in the client's body; nil or negative for what the client did not write,
    ///   which cannot be lost.
    package mutating func drop(at place: Int?) {
        guard let place, place >= 0, !self.places.contains(place) else { return }
        self.count += 1
        if self.places.count < Self.placesMax { self.places.append(place) }
    }

    /// Notes a value that the target is told by other means than a field of its own.
    ///
    /// Passes over nil and negative places.
    package mutating func emulate(at place: Int?) {
        guard let place, place >= 0, !self.emulated.contains(place) else { return }
        if self.emulated.count < Self.placesMax { self.emulated.append(place) }
    }

    /// Notes a value that the client gave, if it gave one.
    package mutating func drop<Value>(_ given: Given<Value>?) { self.drop(at: given?.place) }

    /// Notes all members of a remainder.
    package mutating func drop(_ rest: [RestMember]) {
        for member in rest { self.drop(at: member.place) }
    }

    /// The lost values as JSON paths in the client's body, such as `messages[0].content[1].cache_control`.
    ///
    /// Slow: for the calls in which something is lost.
    ///
    /// - Parameter body: The client's body, which the places were taken from.
    package func paths(in body: ByteBuffer) -> [String] { Self.paths(of: self.places, in: body) }

    /// The values told by other means, as JSON paths in the client's body.
    package func emulatedPaths(in body: ByteBuffer) -> [String] { Self.paths(of: self.emulated, in: body) }

    private static func paths(of places: [Int], in body: ByteBuffer) -> [String] {
        let paths = body.withUnsafeReadableBytes { JSONPath.find(places, in: $0) }
        return paths.filter { !$0.isEmpty }
    }
}

/// The way to a value inside a JSON text.
package enum JSONPath {
    /// The longest path that is told, in bytes, but for its last step.
    private static let bytesMax = 256
    /// The longest name that is told whole, in bytes.
    private static let nameBytesMax = 64

    /// The path of the value that begins at `place`, or of the innermost one around it; empty for the whole text.
    package static func find(_ place: Int, in bytes: UnsafeRawBufferPointer) -> String {
        Self.find([place], in: bytes).first ?? ""
    }

    /// The paths of the values that begin at `places`, in their order.
    ///
    /// All in one walk, however many there are: only objects and lists with a place in them are entered, each once.
    static func find(_ places: [Int], in bytes: UnsafeRawBufferPointer) -> [String] {
        var paths = [String](repeating: "", count: places.count)
        let order = places.indices.sorted { places[$0] < places[$1] }
        var open = [Step(path: "", value: JSONSlice(start: 0, end: bytes.count), order: order[...])]
        while let step = open.popLast() {
            for next in Self.steps(from: step, to: places, bytes) {
                for index in next.order { paths[index] = next.path }
                let inside = next.order.drop { places[$0] == next.value.start }
                guard !inside.isEmpty, next.path.utf8.count < Self.bytesMax else { continue }
                open.append(Step(path: next.path, value: next.value, order: inside))
            }
        }
        return paths
    }

    /// A value, the way to it, and which of the places are inside of it, by their order in the text.
    private struct Step {
        var path: String
        var value: JSONSlice
        var order: ArraySlice<Int>
    }

    /// The values in one object or list that have places in them.
    private static func steps(from step: Step, to places: [Int], _ bytes: UnsafeRawBufferPointer) -> [Step] {
        var found: [Step] = []
        var rest = step.order
        func take(_ value: JSONSlice, _ name: () -> String) {
            rest = rest.drop { places[$0] < value.start }
            let inside = rest.prefix { places[$0] < value.end }
            guard !inside.isEmpty else { return }
            rest = rest.dropFirst(inside.count)
            found.append(Step(path: step.path + name(), value: value, order: inside))
        }
        let kind = JSONScanner(bytes).kind(step.value)
        let dot = step.path.isEmpty ? "" : "."
        var index = 0
        var scanner = JSONScanner(bytes, at: step.value)
        do throws(JSONError) {
            if kind == .array {
                try scanner.elements { element in
                    take(element) { "[\(index)]" }
                    index += 1
                }
            } else if kind == .object || step.value.start == 0 {
                try scanner.members { key, value in take(value) { dot + Self.name(key) } }
            }
        } catch {
            // The text was checked when it was read; what is broken here has no path.
            return []
        }
        return found
    }

    /// A member's name such that it can stand in a header field: short, on one line, and no list by itself.
    private static func name(_ key: JSONKey) -> String {
        guard key.slice.count <= 6 * Self.nameBytesMax else { return "…" }
        let text = key.text
        let isShort = text.utf8.count <= Self.nameBytesMax
        if isShort, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2C && $0 != 0x7F }) { return text }
        var name = ""
        for character in text.unicodeScalars {
            guard name.utf8.count < Self.nameBytesMax else { return name + "…" }
            let isPlain = character.value > 0x20 && character != "," && character.value != 0x7F
            name.unicodeScalars.append(isPlain ? character : "_")
        }
        return name
    }
}
