/// Writes a completion as one JSON body.
enum ChatBody {
    static func bytes(_ completion: Completion, flavour: Flavour, behaviour: Behaviour) -> [UInt8] {
        var text = "{\"id\":\"\(flavour.id(completion.sequence))\","
        if flavour == .openRouter { text += "\"provider\":\"Simulator\"," }
        text += "\"object\":\"chat.completion\",\"created\":\(completion.created),"
        text += "\"model\":\(JSONText.quoted(completion.model)),\"choices\":["
        for (index, choice) in completion.choices.enumerated() {
            if index > 0 { text += "," }
            text += Self.choice(choice, index: index, flavour: flavour)
        }
        text += "]"
        if let usage = ChatUsage.json(completion.usage, flavour, behaviour) { text += ",\"usage\":\(usage)" }
        if flavour != .openRouter {
            text += ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_simulator\""
        }
        if flavour == .azure {
            text += ",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]"
        }
        return Array("\(text)}".utf8)
    }

    private static func choice(_ choice: Completion.Choice, index: Int, flavour: Flavour) -> String {
        let reason = JSONText.quoted(choice.finish)
        var text = "{\"index\":\(index),\"message\":\(self.message(choice, flavour)),\"logprobs\":null,"
        text += "\"finish_reason\":\(reason)"
        switch flavour {
        case .openAI: break
        case .openRouter: text += ",\"native_finish_reason\":\(reason)"
        case .azure: text += ",\"content_filter_results\":{}"
        }
        return text + "}"
    }

    private static func message(_ choice: Completion.Choice, _ flavour: Flavour) -> String {
        func joined(_ kind: Completion.Part.Kind) -> String? {
            let parts = choice.parts.filter { $0.kind == kind }
            return parts.isEmpty ? nil : parts.map(\.pieces.joined).joined()
        }
        let content = joined(.text).map { JSONText.quoted($0) } ?? "null"
        let refusal = joined(.refusal).map { JSONText.quoted($0) } ?? "null"
        var text = "{\"role\":\"assistant\",\"content\":\(content),\"refusal\":\(refusal)"
        if flavour == .openRouter, let reasoning = joined(.reasoning) {
            let quoted = JSONText.quoted(reasoning)
            text += ",\"reasoning\":\(quoted),\"reasoning_details\":[{\"type\":\"reasoning.text\","
            text += "\"text\":\(quoted),\"format\":null,\"index\":0}]"
        }
        if flavour == .openAI { text += ",\"annotations\":[]" }
        let calls = choice.parts.compactMap { part -> String? in
            guard case .tool(_, let id, let name, let isCustom) = part.kind else { return nil }
            let type = isCustom ? "custom" : "function"
            return "{\"id\":\"\(id)\",\"type\":\"\(type)\",\"\(type)\":{\"name\":\(JSONText.quoted(name)),"
                + "\"\(isCustom ? "input" : "arguments")\":\(JSONText.quoted(part.pieces.joined))}}"
        }
        if !calls.isEmpty { text += ",\"tool_calls\":[\(calls.joined(separator: ","))]" }
        return text + "}"
    }
}

extension Flavour {
    /// The id of the answer to a call.
    func id(_ sequence: Int) -> String { "\(self == .openRouter ? "gen" : "chatcmpl")-sim\(sequence)" }
}
