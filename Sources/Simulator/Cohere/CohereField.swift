/// What a field of Cohere's API holds.
///
/// The API knows its fields: one more, anywhere, is an error, and so is a value of another type. `null` is absent.
indirect enum CohereField: Sendable {
    case text, flag, whole, number
    case list(CohereField)
    case object([String: CohereField])
    /// An object whose fields depend on the word in the field `tag`.
    case tagged(by: String, [String: [String: CohereField]])
    /// A text, or a list of these.
    case textOrList(CohereField)
    /// An object of any fields.
    case anyObject
    case anything

    /// How error messages name the type.
    var name: String {
        switch self {
        case .text, .textOrList: return "string"
        case .flag: return "bool"
        case .whole: return "int"
        case .number: return "float"
        case .list(let element):
            switch element {
            case .text, .flag, .whole, .number: return "[]\(element.name)"
            default: return "[]Object"
            }
        case .object, .tagged, .anyObject, .anything: return "Object"
        }
    }

    /// Checks the body of a request.
    ///
    /// `page` is the page of Cohere's reference that errors point to.
    ///
    /// - Throws: `APIFailure` for the first field that is unknown or of another type.
    static func check(_ body: JSONValue, _ fields: [String: CohereField], page: String) throws(APIFailure) {
        try Self.object(fields).check(body, at: "", page: page)
    }

    private func check(_ value: JSONValue, at place: String, page: String) throws(APIFailure) {
        switch (self, value) {
        case (.anything, _), (_, .null), (.text, .string), (.flag, .bool), (.anyObject, .object),
            (.textOrList, .string):
            return
        case (.whole, _) where value.integer != nil, (.number, _) where value.number != nil: return
        case (.list(let element), .array(let elements)), (.textOrList(let element), .array(let elements)):
            for (index, one) in elements.enumerated() { try element.check(one, at: "\(place)[\(index)]", page: page) }
        case (.object(let fields), .object(let members)):
            try Self.check(members, fields, at: place, page: page)
        case (.tagged(let tag, let kinds), .object(let members)):
            guard let word = value[tag]?.string else {
                throw CohereErrors.invalid("missing required field '\(tag)' in '\(place)'")
            }
            guard let fields = kinds[word] else {
                let known = kinds.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
                throw CohereErrors.invalid("invalid \(tag) '\(word)' in '\(place)': must be one of \(known)")
            }
            try Self.check(members, fields, at: place, page: page)
        default:
            throw CohereErrors.unprocessable(
                "invalid type: parameter '\(place)' is of type \(value.goType) but should be of type \(self.name).",
                page: page
            )
        }
    }

    private static func check(
        _ members: [JSONValue.Member],
        _ fields: [String: CohereField],
        at place: String,
        page: String
    ) throws(APIFailure) {
        for member in members {
            guard let field = fields[member.key] else {
                throw CohereErrors.unprocessable(
                    "unknown field: parameter '\(member.key)' is not a valid field.",
                    page: page
                )
            }
            try field.check(member.value, at: place.isEmpty ? member.key : "\(place).\(member.key)", page: page)
        }
    }
}

extension JSONValue {
    /// How Cohere's errors name this kind of value.
    fileprivate var goType: String {
        switch self {
        case .null: return "null"
        case .bool: return "bool"
        case .integer: return "int"
        case .number: return "float"
        case .string: return "string"
        case .array: return "array"
        case .object: return "Object"
        }
    }
}

// MARK: - The requests

extension CohereField {
    /// `POST /v2/chat`.
    static let chat: [String: CohereField] = [
        "model": .text, "messages": .list(.tagged(by: "role", Self.messages)), "stream": .flag,
        "tools": .list(.object(Self.tool)), "strict_tools": .flag, "tool_choice": .text, "documents": .list(.anything),
        "citation_options": .object(["mode": .text]), "safety_mode": .text, "logprobs": .flag,
        "response_format": .object(["type": .text, "json_schema": .anyObject, "schema": .anyObject]),
        "thinking": .object(["type": .text, "token_budget": .whole]), "priority": .whole,
        "max_tokens": .whole, "stop_sequences": .list(.text), "temperature": .number, "seed": .whole,
        "frequency_penalty": .number, "presence_penalty": .number, "k": .whole, "p": .number,
    ]

    private static let textPart: [String: CohereField] = ["type": .text, "text": .text]
    private static let imagePart: [String: CohereField] = [
        "type": .text, "image_url": .object(["url": .text, "detail": .text]),
    ]
    private static let thoughtPart: [String: CohereField] = ["type": .text, "thinking": .text]
    private static let documentPart: [String: CohereField] = [
        "type": .text, "document": .object(["id": .text, "data": .anything]),
    ]
    private static let call: [String: CohereField] = [
        "id": .text, "type": .text, "function": .object(["name": .text, "arguments": .text]),
    ]
    private static let tool: [String: CohereField] = [
        "type": .text, "function": .object(["name": .text, "description": .text, "parameters": .anyObject]),
    ]

    private static let messages: [String: [String: CohereField]] = [
        "system": ["role": .text, "content": .textOrList(.tagged(by: "type", ["text": Self.textPart]))],
        "user": [
            "role": .text,
            "content": .textOrList(.tagged(by: "type", ["text": Self.textPart, "image_url": Self.imagePart])),
        ],
        "assistant": [
            "role": .text,
            "content": .textOrList(.tagged(by: "type", ["text": Self.textPart, "thinking": Self.thoughtPart])),
            "tool_calls": .list(.object(Self.call)), "tool_plan": .text, "citations": .list(.anything),
        ],
        "tool": [
            "role": .text, "tool_call_id": .text,
            "content": .textOrList(.tagged(by: "type", ["text": Self.textPart, "document": Self.documentPart])),
        ],
    ]

    /// `POST /v2/embed`.
    static let embed: [String: CohereField] = [
        "model": .text, "input_type": .text, "texts": .list(.text), "images": .list(.text),
        "inputs": .list(
            .object(["content": .list(.tagged(by: "type", ["text": Self.textPart, "image_url": Self.imagePart]))])
        ),
        "max_tokens": .whole, "output_dimension": .whole, "embedding_types": .list(.text), "truncate": .text,
        "priority": .whole,
    ]

    /// `POST /v2/rerank`.
    static let rerank: [String: CohereField] = [
        "model": .text, "query": .text, "documents": .list(.text), "top_n": .whole, "max_tokens_per_doc": .whole,
        "relevant_spans": .anyObject, "priority": .whole,
    ]
}
