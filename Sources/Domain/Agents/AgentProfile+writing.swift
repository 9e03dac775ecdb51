package import Core

/// Profiles as JSON.
extension AgentProfile {
    /// What people decided, in the form that `init(authored:)` reads: what has its standard value is left out.
    package var authoredJSON: JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(self.name))]
        func add(_ name: String, _ text: String) {
            if !text.isEmpty { members.append((name, .string(text))) }
        }
        add("description", self.description)
        add("provider", self.provider ?? "")
        add("model", self.model)
        add("prompt", self.prompt)
        add("character", self.character)
        let parameters = self.parameters.members
        if !parameters.isEmpty { members.append(("parameters", .object(parameters))) }
        members.append(("mode", .string(self.mode.rawValue)))
        if !self.tools.isEmpty { members.append(("tools", .array(self.tools.map { .string($0.text) }))) }
        if !self.intents.isEmpty { members.append(("intents", .array(self.intents.map(\.json)))) }
        add("help", self.help)
        if self.limits != AgentLimits() { members.append(("limits", .object(self.limits.members))) }
        if let history = self.history { members.append(("history", history.json)) }
        if !self.fallbackText.isEmpty {
            let texts = self.fallbackText.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
            members.append(("fallbackText", .object(texts)))
        }
        if let moderation = self.moderation { members.append(("moderation", moderation)) }
        if let postProcessing = self.postProcessing { members.append(("postProcessing", postProcessing)) }
        return .object(members)
    }

    /// The whole profile as the API gives it: every member is there.
    package var json: JSONValue {
        let texts = self.fallbackText.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        let identity: [(String, JSONValue)] = [
            ("id", .string(self.id)),
            ("group", Self.optional(self.group?.text)),
            ("name", .string(self.name)),
            ("description", .string(self.description)),
            ("provider", Self.optional(self.provider)),
            ("model", Self.optional(self.model.isEmpty ? nil : self.model)),
            ("prompt", .string(self.prompt)),
            ("character", .string(self.character)),
        ]
        let terms: [(String, JSONValue)] = [
            ("parameters", .object(self.parameters.members)),
            ("mode", .string(self.mode.rawValue)),
            ("tools", .array(self.tools.map { .string($0.text) })),
            ("intents", .array(self.intents.map(\.json))),
            ("help", Self.optional(self.help.isEmpty ? nil : self.help)),
            ("limits", .object(self.limits.members)),
            ("history", self.history?.json ?? .null),
            ("fallbackText", .object(texts)),
            ("moderation", self.moderation ?? .null),
            ("postProcessing", self.postProcessing ?? .null),
        ]
        let origin: [(String, JSONValue)] = [
            ("source", .string(self.source.rawValue)),
            ("version", .integer(Int64(self.version))),
            ("createdBy", Self.optional(self.createdBy)),
            ("createdAt", Self.optional(self.createdAt?.rfc3339)),
            ("updatedAt", Self.optional(self.updatedAt?.rfc3339)),
        ]
        return .object(identity + terms + origin)
    }

    private static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// What changes make of what people decided: a JSON merge patch (RFC 7396).
    ///
    /// `null` takes a member away, objects are merged member by member. Only what is one value in spite of its form,
    /// such as a history policy, is replaced whole.
    package static func merge(_ changes: JSONValue, into authored: JSONValue) -> JSONValue {
        Self.merge(changes, into: authored, depth: 0)
    }

    private static let wholes = ["history", "moderation", "postProcessing"]

    private static func merge(_ changes: JSONValue, into target: JSONValue, depth: Int) -> JSONValue {
        guard let changed = changes.objectValue, depth < 8 else { return changes }
        var members = target.objectValue ?? []
        for (name, value) in changed {
            let index = members.firstIndex { $0.0.utf8.elementsEqual(name.utf8) }
            if value.isNull {
                if let index { members.remove(at: index) }
                continue
            }
            let isWhole = depth == 0 && Self.wholes.contains(name)
            let old = index.map { members[$0].1 } ?? .null
            let new = isWhole ? value : Self.merge(value, into: old, depth: depth + 1)
            if let index { members[index].1 = new } else { members.append((name, new)) }
        }
        return .object(members)
    }
}

extension AgentParameters {
    /// What is said, and nothing else.
    var members: [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        func add(_ name: String, _ number: Double?) {
            guard let number else { return }
            members.append((name, Int64(exactly: number).map { .integer($0) } ?? .number("\(number)")))
        }
        func add(_ name: String, _ number: Int?) {
            if let number { members.append((name, .integer(Int64(number)))) }
        }
        add("temperature", self.temperature)
        add("topP", self.topP)
        add("topK", self.topK)
        add("frequencyPenalty", self.frequencyPenalty)
        add("presencePenalty", self.presencePenalty)
        add("seed", self.seed)
        add("maxOutputTokens", self.maxOutputTokens)
        if !self.stop.isEmpty { members.append(("stop", .array(self.stop.map { .string($0) }))) }
        if let effort = self.reasoningEffort { members.append(("reasoningEffort", .string(effort))) }
        if let isParallel = self.parallelToolCalls { members.append(("parallelToolCalls", .bool(isParallel))) }
        return members
    }
}

extension AgentLimits {
    var members: [(String, JSONValue)] {
        [
            ("rounds", .integer(Int64(self.roundsMax))),
            ("timeMs", .integer(Int64(self.timeMaxMilliseconds))),
            ("costUsd", self.costMax.map { .number($0.dollars) } ?? .null),
            ("parallel", .integer(Int64(self.parallelMax))),
        ]
    }
}
