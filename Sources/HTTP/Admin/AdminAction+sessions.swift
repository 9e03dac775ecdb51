internal import Conversations

/// What requests about sessions may say.
extension AdminAction {
    private static let seqs = BodyShape.Kind.whole(0...SessionRule.messagesMax)

    static let sessionDraft = BodyShape(properties: [
        .init("title", .text, isNullable: true, "Shown to people; made from the first message if not given."),
        .init("agentId", .text, isNullable: true, "The agent that answers."),
        .init("model", .text, isNullable: true, "The model that answers; the agent's or the default one if not given."),
        .init("system", .text, isNullable: true, "What the model is told before everything else; at most 64 KiB."),
        .init("history", .history, isNullable: true, "What goes along with each message; the last 20 if not given."),
    ])

    static let sessionChanges = BodyShape(
        properties: [
            .init("title", .text, isNullable: true, "Shown to people; null takes it away."),
            .init("agentId", .text, isNullable: true, "The agent that answers; null for none."),
            .init("model", .text, isNullable: true, "The model that answers; null for the agent's or the default one."),
            .init("system", .text, isNullable: true, "What the model is told first; null for nothing."),
            .init("history", .history, isNullable: true, "What goes along with each message; null for the standard."),
        ],
        needsOne: true
    )

    static let sessionFork = BodyShape(properties: [
        .init("seq", Self.seqs, "The last message to copy; all if not given, 0 for none."),
        .init("title", .text, "Shown to people; the other's if not given."),
    ])

    static let sessionFilter: [BodyShape.Property] = [
        .init("user", .text, "Only of this person, or * for everybody; for administrators."),
        .init("key", .text, "Only of this gateway key, which is nobody's; for administrators."),
        .init("group", .text, "Only of this group; for administrators."),
        .init("agent", .text, "Only with this agent."),
    ]

    static let messageRange: [BodyShape.Property] = [
        .init("order", .choice(["asc", "desc"]), "The oldest or the newest first; asc if not given."),
        .init("after", Self.seqs, "Only messages with a greater number."),
        .init("before", Self.seqs, "Only messages with a smaller number."),
    ]
}
