package import Core

/// Profiles out of JSON: what people write in the API, in a file of an agent, or in the settings.
extension AgentProfile {
    /// The members that people decide on.
    package static let authored = [
        "name", "description", "provider", "model", "prompt", "character", "parameters", "mode", "tools", "intents",
        "help", "limits", "history", "fallbackText", "moderation", "postProcessing",
    ]

    /// Reads a profile.
    ///
    /// - Parameter json: An object of `authored` members; what is left out has its standard value.
    /// - Throws: `ValueFault` for the first member that is wrong.
    package init(authored json: JSONValue, id: String, group: GroupID?) throws(ValueFault) {
        guard AgentBounds.isID(id) else { throw ValueFault("id", expected: AgentBounds.idExpectation) }
        let reader = try ObjectReader(json, at: "", known: Self.authored)
        self.init(id: id, group: group, name: try reader.text("name", bytesMax: AgentBounds.nameBytesMax))
        let most = AgentBounds.self
        self.description =
            try reader.text("description", bytesMax: most.descriptionBytesMax, isBlock: true) ?? ""
        self.provider = try reader.text("provider", bytesMax: 64)
        self.model = try reader.text("model", bytesMax: most.modelBytesMax) ?? ""
        if self.provider != nil, self.model.isEmpty {
            throw ValueFault("model", expected: "the name of a model, since provider is given")
        }
        if self.model.hasPrefix(Self.modelPrefix) {
            throw ValueFault("model", expected: "an alias or a model, not another agent")
        }
        self.prompt = try reader.text("prompt", bytesMax: most.promptBytesMax, isBlock: true) ?? ""
        self.character = try reader.text("character", bytesMax: most.characterBytesMax, isBlock: true) ?? ""
        self.parameters = try AgentParameters(reader.value("parameters"), at: "parameters")
        self.tools = try Self.grants(reader)
        self.intents = try Self.intents(reader)
        self.mode = self.intents.isEmpty ? .ai : .both
        if let word = try reader.choice("mode", of: Mode.allCases.map(\.rawValue)), let mode = Mode(rawValue: word) {
            self.mode = mode
        }
        if self.mode != .ai, self.intents.isEmpty {
            throw ValueFault("intents", expected: "at least one rule in the mode \(self.mode.rawValue)")
        }
        self.help = try reader.text("help", bytesMax: most.helpBytesMax, isBlock: true) ?? ""
        self.limits = try AgentLimits(reader.value("limits"), at: "limits")
        if let value = reader.value("history") {
            guard let history = HistoryWish(json: value) else {
                throw ValueFault("history", expected: HistoryWish.expectation)
            }
            self.history = history
        }
        self.fallbackText = try Self.fallbacks(reader)
        self.moderation = try reader.object("moderation")
        self.postProcessing = try reader.object("postProcessing")
        // Compiled once here, so that no profile is kept whose patterns cannot be read.
        _ = try IntentMatcher(self.intents)
    }

    private static func grants(_ reader: ObjectReader) throws(ValueFault) -> [ToolGrant] {
        let texts = try reader.texts("tools", atMost: AgentBounds.grantsMax, bytesMax: 256, of: "tools")
        var grants: [ToolGrant] = []
        for (index, text) in texts.enumerated() {
            guard let grant = ToolGrant(parsing: text), !grants.contains(grant) else {
                throw ValueFault("tools[\(index)]", expected: "server/tool or server/*, each once")
            }
            grants.append(grant)
        }
        return grants
    }

    private static func intents(_ reader: ObjectReader) throws(ValueFault) -> [IntentRule] {
        var rules: [IntentRule] = []
        for (index, json) in try reader.list("intents", atMost: AgentBounds.intentsMax, of: "rules").enumerated() {
            rules.append(try IntentRule(json, at: "intents[\(index)]"))
        }
        return rules
    }

    private static func fallbacks(_ reader: ObjectReader) throws(ValueFault) -> [String: String] {
        guard let value = reader.value("fallbackText") else { return [:] }
        guard let members = value.objectValue, members.count <= AgentBounds.languagesMax else {
            throw ValueFault("fallbackText", expected: "an object of texts by language, such as en or pt-BR")
        }
        let inner = try ObjectReader(value, at: "fallbackText", known: members.map(\.0))
        var texts: [String: String] = [:]
        for (name, _) in members {
            guard Self.isLanguage(name) else {
                throw ValueFault("fallbackText", expected: "an object of texts by language, such as en or pt-BR")
            }
            texts[name.lowercased()] = try inner.text(name, bytesMax: AgentBounds.fallbackBytesMax, isBlock: true)
        }
        return texts
    }

    /// Whether a text has the form of a language tag (RFC 5646 §2.1): letters, digits and hyphens.
    private static func isLanguage(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return text.utf8.count <= 35
            && parts.allSatisfy { part in
                (1...8).contains(part.utf8.count) && part.utf8.allSatisfy { $0 < 0x80 }
                    && part.allSatisfy { $0.isLetter || $0.isNumber }
            }
    }
}

extension AgentParameters {
    private static let known = [
        "temperature", "topP", "topK", "frequencyPenalty", "presencePenalty", "seed", "maxOutputTokens", "stop",
        "reasoningEffort", "parallelToolCalls",
    ]

    init(_ json: JSONValue?, at path: String) throws(ValueFault) {
        self.init()
        guard let json else { return }
        let reader = try ObjectReader(json, at: path, known: Self.known)
        self.temperature = try reader.number("temperature", 0...2)
        self.topP = try reader.number("topP", 0...1)
        self.topK = try reader.whole("topK", 1...1_000_000)
        self.frequencyPenalty = try reader.number("frequencyPenalty", -2...2)
        self.presencePenalty = try reader.number("presencePenalty", -2...2)
        self.seed = try reader.whole("seed", Int.min...Int.max)
        self.maxOutputTokens = try reader.whole("maxOutputTokens", 1...10_000_000)
        self.stop = try reader.texts("stop", atMost: 4, bytesMax: AgentBounds.stopBytesMax)
        self.reasoningEffort = try reader.choice("reasoningEffort", of: Self.efforts)
        self.parallelToolCalls = try reader.flag("parallelToolCalls")
    }
}

extension AgentLimits {
    init(_ json: JSONValue?, at path: String) throws(ValueFault) {
        self.init()
        guard let json else { return }
        let reader = try ObjectReader(json, at: path, known: ["rounds", "timeMs", "costUsd", "parallel"])
        if let rounds = try reader.whole("rounds", Self.rounds) { self.roundsMax = rounds }
        if let time = try reader.whole("timeMs", Self.milliseconds) { self.timeMaxMilliseconds = time }
        if let parallel = try reader.whole("parallel", Self.parallel) { self.parallelMax = parallel }
        guard let cost = reader.value("costUsd") else { return }
        let written: String? =
            switch cost {
            case .integer(let value): "\(value)"
            case .number(let text), .string(let text): text
            default: nil
            }
        guard let amount = written.flatMap({ MicroDollars(dollars: $0) }), amount >= .zero,
            amount <= MicroDollars(1_000_000_000_000)
        else { throw ValueFault(reader.place("costUsd"), expected: "an amount of dollars from 0 to 1000000") }
        self.costMax = amount
    }
}
