import FoundationEssentials

/// Answers embedding requests with vectors that depend on nothing but the text: texts that share words are near.
enum Embeddings {
    /// The length of a vector unless the request says otherwise.
    static let usualDimensions = 1536
    /// Words beyond this do not count, so that a huge input costs little.
    private static let wordLimit = 256

    struct Answer {
        var body: [UInt8]
        var promptTokens: Int
    }

    /// The answer to the request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func answer(_ body: JSONValue, model: String) throws(APIFailure) -> Answer {
        let inputs = try Self.inputs(body)
        let dimensions = try Self.dimensions(body)
        let isBase64 = try Self.isBase64(body)
        let tokens = inputs.reduce(0) { $0 + $1.tokens }
        var text = "{\"object\":\"list\",\"data\":["
        for (index, input) in inputs.enumerated() {
            if index > 0 { text += "," }
            let vector = Self.vector(input.words, dimensions: dimensions)
            text += "{\"object\":\"embedding\",\"index\":\(index),\"embedding\":"
            text += isBase64 ? "\"\(Self.base64(vector))\"" : "[\(vector.map { "\($0)" }.joined(separator: ","))]"
            text += "}"
        }
        text += "],\"model\":\(JSONText.quoted(model)),"
        text += "\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)}}"
        return Answer(body: Array(text.utf8), promptTokens: tokens)
    }

    private struct Input {
        var words: [String]
        var tokens: Int
    }

    private static func inputs(_ body: JSONValue) throws(APIFailure) -> [Input] {
        switch body.present("input") {
        case nil: throw .missing("input")
        case .string(let text): return [try Self.input(text)]
        case .array(let elements):
            guard let first = elements.first else { throw .emptyArray("input") }
            guard elements.count <= 2048 else {
                throw .invalid(
                    "input",
                    "Invalid 'input': at most 2048 inputs are allowed.",
                    code: "array_above_max_length"
                )
            }
            if first.integer != nil { return [try Self.tokenInput(elements)] }
            var inputs: [Input] = []
            for element in elements {
                switch element {
                case .string(let text): inputs.append(try Self.input(text))
                case .array(let tokens): inputs.append(try Self.tokenInput(tokens))
                default: throw .wrongType("input", wants: "strings or arrays of tokens", got: element)
                }
            }
            return inputs
        case .some(let other): throw .wrongType("input", wants: "a string or an array", got: other)
        }
    }

    private static func input(_ text: String) throws(APIFailure) -> Input {
        guard !text.isEmpty else { throw .invalid("input", "Invalid 'input': input cannot be an empty string.") }
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }.prefix(Self.wordLimit).map { String($0) }
        return Input(words: words.isEmpty ? [text] : words, tokens: Tokenizer.count(text))
    }

    private static func tokenInput(_ tokens: [JSONValue]) throws(APIFailure) -> Input {
        var words: [String] = []
        for token in tokens {
            guard let number = token.integer else { throw .wrongType("input", wants: "integers", got: token) }
            if words.count < Self.wordLimit { words.append("#\(number)") }
        }
        guard !words.isEmpty else { throw .emptyArray("input") }
        return Input(words: words, tokens: tokens.count)
    }

    private static func dimensions(_ body: JSONValue) throws(APIFailure) -> Int {
        guard let field = body.present("dimensions") else { return Self.usualDimensions }
        guard let count = field.integer else { throw .wrongType("dimensions", wants: "an integer", got: field) }
        guard 1...4096 ~= count else {
            throw .invalid("dimensions", "Invalid 'dimensions': expected a value from 1 to 4096.")
        }
        return count
    }

    private static func isBase64(_ body: JSONValue) throws(APIFailure) -> Bool {
        switch body.present("encoding_format") {
        case nil, .string("float"): return false
        case .string("base64"): return true
        default:
            throw .invalid("encoding_format", "Invalid 'encoding_format'. Supported values are: 'float' and 'base64'.")
        }
    }

    // MARK: - Vectors

    /// The sum of one pseudo-random vector for each word, one unit long.
    static func vector(_ words: [String], dimensions: Int) -> [Float] {
        var vector = [Float](repeating: 0, count: dimensions)
        for word in words {
            var state = Wording.fingerprint(word)
            for index in vector.indices {
                // SplitMix64: a good spread from any start, the same on every machine.
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = state
                mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                vector[index] += Float(Int32(truncatingIfNeeded: (mixed ^ (mixed >> 31)) >> 32)) / Float(Int32.max)
            }
        }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }

    /// Little-endian 32-bit floats in base64, as the official clients ask for.
    private static func base64(_ vector: [Float]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * 4)
        for value in vector {
            let bits = value.bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return Data(bytes).base64EncodedString()
    }
}
