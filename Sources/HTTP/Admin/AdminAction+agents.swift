internal import Agents

/// What requests about agents may say.
extension AdminAction {
    private static let modes = BodyShape.Kind.choice(AgentProfile.Mode.allCases.map(\.rawValue))

    /// What people decide about an agent; in the order of `AgentProfile.authored`.
    private static let authored: [BodyShape.Property] = [
        .init("name", .text, isNullable: true, "Shown to people; the id if not given."),
        .init("description", .text, isNullable: true, "For people."),
        .init("provider", .text, isNullable: true, "Where the model is asked for; as its name says if not given."),
        .init("model", .text, isNullable: true, "An alias or a model; the default model if not given."),
        .init("prompt", .text, isNullable: true, "What the model is told first."),
        .init("character", .text, isNullable: true, "How it is to speak; stands behind the prompt."),
        .init(
            "parameters",
            .object,
            isNullable: true,
            "What counts where the client does not say it: temperature, topP, topK, frequencyPenalty, presencePenalty, "
                + "seed, maxOutputTokens (which caps too), stop, reasoningEffort, parallelToolCalls."
        ),
        .init("mode", Self.modes, isNullable: true, "tools, ai or both; both if there are intents, else ai."),
        .init("tools", .texts, isNullable: true, "server/tool, or server/* for all that only read."),
        .init(
            "intents",
            .objects,
            isNullable: true,
            "How plain requests become calls: tool, patterns, arguments, reply."
        ),
        .init("help", .text, isNullable: true, "What the mode tools answers to what matches nothing."),
        .init("limits", .object, isNullable: true, "rounds, timeMs, costUsd and parallel, for one answer."),
        .init("history", .object, isNullable: true, "How much of a conversation the model is told again."),
        .init("fallbackText", .object, isNullable: true, "What is said when no provider answers, by language."),
        .init("moderation", .object, isNullable: true, "Kept as it is."),
        .init("postProcessing", .object, isNullable: true, "Kept as it is."),
    ]

    private static let whose: [BodyShape.Property] = [
        .init("id", .text, isRequired: true, "1 to 64 letters, digits, '-', '_' and '.'; agent/<id> as a model."),
        .init("group", .text, "The group it belongs to; one's own if not given."),
    ]

    private static let version = BodyShape.Property(
        "version",
        .whole(1...Int(Int32.max)),
        "Refuses the change if the agent is at another one by now."
    )

    static let agentDraft = BodyShape(properties: Self.whose + Self.authored)

    static let agentChanges = BodyShape(properties: Self.authored + [Self.version], needsOne: true)

    static let agentGroup = BodyShape.Property("group", .text, "Whose agent; of one's own group if not given.")

    static let agentFilter: [BodyShape.Property] = [
        .init("group", .text, "Only what this group can use."),
        .init(
            "source",
            .choice(AgentProfile.Source.allCases.map(\.rawValue)),
            "Only those of the settings file, or only those made here."
        ),
    ]
}
