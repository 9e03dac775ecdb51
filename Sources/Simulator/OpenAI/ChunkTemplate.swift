/// The unchanging bytes around the delta of one choice's chunks.
///
/// Every chunk of a stream is put together from these, so that a token costs a few copies and no JSON encoder.
///
/// All JSON here lacks its first brace: `EventFormat` writes it, because it may have to break the line there.
struct ChunkTemplate {
    /// Up to the delta object.
    let head: [UInt8]
    /// From behind the delta object to the end, with `finish_reason` null.
    let tail: [UInt8]

    private let flavour: Flavour
    private let index: Int
    private let usageText: String

    /// - Parameters:
    ///   - isShort: Leaves out the keys a client can do without, so that small events are possible.
    ///   - usageText: What stands behind the choices of an ordinary chunk: nothing, or `,"usage":null`.
    init(_ completion: Completion, _ flavour: Flavour, choice index: Int, isShort: Bool, usageText: String) {
        self.flavour = flavour
        self.index = index
        self.usageText = usageText
        let common = Self.common(completion, flavour, isShort: isShort)
        switch flavour {
        case .openAI, .openRouter:
            self.head = Array("\(common),\"choices\":[{\"index\":\(index),\"delta\":".utf8)
        case .azure:
            self.head = Array(
                "\(common),\"choices\":[{\"index\":\(index),\"content_filter_results\":{},\"delta\":".utf8
            )
        }
        self.tail = Self.tail(finish: nil, flavour: flavour, isShort: isShort, usageText: usageText)
    }

    /// The end of a chunk that says why the choice ended, with usage if it goes there.
    func tail(finish: String, usageText: String? = nil) -> [UInt8] {
        Self.tail(
            finish: finish,
            flavour: self.flavour,
            isShort: false,
            usageText: usageText ?? self.usageText
        )
    }

    /// The end of an ordinary chunk that carries usage all the same.
    func tail(usageText: String) -> [UInt8] {
        Self.tail(finish: nil, flavour: self.flavour, isShort: false, usageText: usageText)
    }

    private static func tail(finish: String?, flavour: Flavour, isShort: Bool, usageText: String) -> [UInt8] {
        let reason = finish.map { JSONText.quoted($0) } ?? "null"
        var text = isShort ? "" : ",\"logprobs\":null"
        text += ",\"finish_reason\":\(reason)"
        if flavour == .openRouter { text += ",\"native_finish_reason\":\(reason)" }
        return Array("\(text)}]\(usageText)}".utf8)
    }

    /// What every chunk begins with, without the first brace.
    static func common(_ completion: Completion, _ flavour: Flavour, isShort: Bool) -> String {
        let model = JSONText.quoted(completion.model)
        switch flavour {
        case .openRouter:
            return "\"id\":\"\(flavour.id(completion.sequence))\",\"provider\":\"Simulator\",\"model\":\(model),"
                + "\"object\":\"chat.completion.chunk\",\"created\":\(completion.created)"
        case .openAI, .azure:
            let more = isShort ? "" : ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_simulator\""
            return "\"id\":\"\(flavour.id(completion.sequence))\",\"object\":\"chat.completion.chunk\","
                + "\"created\":\(completion.created),\"model\":\(model)\(more)"
        }
    }

    /// A chunk without choices, as usage comes in.
    static func withoutChoices(_ completion: Completion, _ flavour: Flavour, usage: String) -> [UInt8] {
        Array("\(Self.common(completion, flavour, isShort: false)),\"choices\":[],\"usage\":\(usage)}".utf8)
    }

    /// Azure's first chunk, which has no choice and says nothing.
    static let azurePrelude = Array(
        """
        "choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,\
        "content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,\
        "severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,\
        "severity":"safe"}}}]}
        """.utf8
    )
}

/// The opening and closing bytes of a delta around a piece of text.
struct DeltaTemplate {
    let open: [UInt8]
    let close: [UInt8]
    /// Some deltas say the same text twice.
    ///
    /// What stands between.
    let between: [UInt8]?

    init(_ kind: Completion.Part.Kind, _ flavour: Flavour) {
        let role = flavour == .openRouter ? "\"role\":\"assistant\"," : ""
        switch kind {
        case .text:
            self.init("{\(role)\"content\":\"", "\"}")
        case .refusal:
            self.init("{\(role)\"refusal\":\"", "\"}")
        case .reasoning:
            self.init(
                "{\(role)\"content\":\"\",\"reasoning\":\"",
                "\",\"format\":null,\"index\":0}]}",
                between: "\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\""
            )
        case .tool(let index, _, _, let isCustom):
            let inside = isCustom ? "\"custom\":{\"input\":\"" : "\"function\":{\"arguments\":\""
            self.init("{\"tool_calls\":[{\"index\":\(index),\(inside)", "\"}}]}")
        }
    }

    private init(_ open: String, _ close: String, between: String? = nil) {
        self.open = Array(open.utf8)
        self.close = Array(close.utf8)
        self.between = between.map { Array($0.utf8) }
    }

    /// The delta that opens a choice.
    static func role(_ part: Completion.Part?, _ flavour: Flavour) -> String {
        if case .tool? = part?.kind {
            return "{\"role\":\"assistant\",\"content\":null,\(Self.toolMembers(part))}"
        }
        return flavour == .openRouter
            ? "{\"role\":\"assistant\",\"content\":\"\"}" : "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"
    }

    /// The delta that opens a tool call which is not a choice's first part.
    static func tool(_ part: Completion.Part) -> String { "{\(Self.toolMembers(part))}" }

    private static func toolMembers(_ part: Completion.Part?) -> String {
        guard case .tool(let index, let id, let name, let isCustom)? = part?.kind else { return "" }
        let type = isCustom ? "custom" : "function"
        let empty = isCustom ? "input" : "arguments"
        return "\"tool_calls\":[{\"index\":\(index),\"id\":\"\(id)\",\"type\":\"\(type)\","
            + "\"\(type)\":{\"name\":\(JSONText.quoted(name)),\"\(empty)\":\"\"}}]"
    }
}
