internal import Core
internal import Operations
internal import Wire

/// Reads the query of a request against what the action takes.
enum AdminQuery {
    /// The most that a query may have, in bytes.
    static let bytesMax = 4096

    /// Splits `a=1&b=2` and resolves escapes; `+` is a space, as forms and libraries write it.
    ///
    /// - Throws: `GatewayError` with `INVALID_REQUEST` for a query that is too long or no text.
    static func split(_ bytes: some Collection<UInt8>) throws(GatewayError) -> [(name: String, value: String)] {
        guard bytes.count <= Self.bytesMax else { throw .invalid("query", expected: "at most 4096 bytes") }
        var pairs: [(name: String, value: String)] = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let texts = halves.map { half in
                HTTPTarget.decoded(half.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
            }
            guard let name = texts[0], let value = texts.count > 1 ? texts[1] : "" else {
                throw .invalid("query", expected: "UTF-8 text with complete escapes")
            }
            pairs.append((name, value))
        }
        return pairs
    }

    /// Turns texts into the kinds that the shape names, and refuses what it does not name or what is there twice.
    static func read(_ pairs: [(name: String, value: String)], _ shape: BodyShape) throws(GatewayError) -> Body {
        var members: [(String, JSONValue)] = []
        for (name, text) in pairs {
            guard !members.contains(where: { $0.0.utf8.elementsEqual(name.utf8) }) else {
                throw .invalid(name, expected: "there once")
            }
            let property = shape.properties.first { $0.name.utf8.elementsEqual(name.utf8) }
            let value: JSONValue
            switch property?.kind {
            case .flag where text == "true": value = true
            case .flag where text == "false": value = false
            case .whole: value = Int64(text).map { .integer($0) } ?? .string(text)
            default: value = .string(text)
            }
            members.append((name, value))
        }
        return try shape.read(.object(members))
    }
}
