/// The way to a place inside a JSON text, in the form `messages[0].role`.
///
/// Slow: for messages about what is wrong with a text, or is lost of it. The text may be broken; then the way ends
/// where it breaks.
package enum JSONPath {
    /// The longest path that is told, in bytes, but for its last step.
    private static let bytesMax = 256
    /// The longest name that is told whole, in bytes.
    private static let nameBytesMax = 64

    /// The path of the value, or of the member by its key, that stands at `place`; of the innermost one around it where
    /// none does, and empty for the whole text.
    ///
    /// - Parameter place: Of a key, a value or a fault, such as `JSONError.offset`.
    package static func find(_ place: Int, in bytes: UnsafeRawBufferPointer) -> String {
        Self.find([place], in: bytes).first ?? ""
    }

    /// The paths of all `places`, in their order; empty for negative ones.
    ///
    /// All in one walk, however many there are: only objects and lists with a place in them are entered, each once.
    package static func find(_ places: [Int], in bytes: UnsafeRawBufferPointer) -> [String] {
        var paths = [String](repeating: "", count: places.count)
        let order = places.indices.filter { places[$0] >= 0 }.sorted { places[$0] < places[$1] }
        var open = [Step(path: "", value: JSONSlice(start: 0, end: bytes.count), order: order[...])]
        while let step = open.popLast() {
            for next in Self.steps(from: step, to: places, bytes) {
                for index in next.order { paths[index] = next.path }
                let inside = next.order.drop { places[$0] <= next.value.start }
                guard !inside.isEmpty, next.path.utf8.count < Self.bytesMax else { continue }
                open.append(Step(path: next.path, value: next.value, order: inside))
            }
        }
        return paths
    }

    /// A value, the way to it, and which of the places are in it or its key, by their order in the text.
    private struct Step {
        var path: String
        var value: JSONSlice
        var order: ArraySlice<Int>
    }

    /// The values in one object or list that have places in them.
    private static func steps(from step: Step, to places: [Int], _ bytes: UnsafeRawBufferPointer) -> [Step] {
        var found: [Step] = []
        var rest = step.order
        var lexer = JSONLexer(bytes, from: step.value.start, to: step.value.end)
        lexer.skipWhitespace()
        let isObject = lexer.byte == 0x7B
        guard isObject || lexer.byte == 0x5B else { return [] }
        // Where it begins it is meant itself.
        rest = rest.drop { places[$0] <= lexer.index }
        var index = 0
        repeat {
            lexer.index += 1
            lexer.skipWhitespace()
            guard let place = rest.first.map({ places[$0] }) else { break }
            var key: JSONKey?
            if isObject {
                key = Self.key(&lexer)
                guard let key else { break }
                // The fault is behind the key, where no value is.
                if lexer.byte != 0x3A, place >= key.slice.end { break }
                lexer.index += 1
                lexer.skipWhitespace()
            }
            let start = min(lexer.index, step.value.end)
            // A value with the fault in it has no end that could be found; then the rest of the text is the value.
            let isWhole = (try? lexer.skipValue(outerDepth: 1)) != nil
            let value = JSONSlice(start: start, end: isWhole ? lexer.index : step.value.end)
            let inside = isWhole ? rest.prefix { places[$0] < value.end } : rest
            if !inside.isEmpty {
                rest = rest.dropFirst(inside.count)
                let dot = step.path.isEmpty ? "" : "."
                let name = key.map { dot + Self.name($0) } ?? "[\(index)]"
                found.append(Step(path: step.path + name, value: value, order: inside))
            }
            guard isWhole else { break }
            lexer.skipWhitespace()
            index += 1
        } while lexer.byte == 0x2C
        return found
    }

    /// Takes a key, and the white space behind it; nil if there is none.
    private static func key(_ lexer: inout JSONLexer) -> JSONKey? {
        let start = lexer.index
        guard let traits = try? lexer.skipKey() else { return nil }
        let slice = JSONSlice(start: start, end: lexer.index)
        lexer.skipWhitespace()
        return JSONKey(slice: slice, base: lexer.base, hasEscapes: traits.hasEscapes, end: lexer.end)
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
