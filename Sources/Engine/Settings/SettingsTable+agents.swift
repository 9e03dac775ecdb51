import Agents
import Core
import NIOCore

/// The keys about agents.
extension SettingsTable {
    static let agents: [Setting] = Self.agentTerms + Self.agentParameters + Self.agentLimits + Self.agentIntents

    private static func agent(
        _ key: String,
        _ kind: SettingKind,
        _ help: String,
        _ example: String,
        standard: String? = nil,
        isRequired: Bool = false
    ) -> Setting {
        Setting(
            path: "agents.<name>.\(key)",
            kind: kind,
            standard: standard,
            help: help,
            example: example,
            isRequired: isRequired
        )
    }

    private static let block = SettingKind.text(expected: "a text", check: SettingRule.isBlock)

    private static let agentTerms: [Setting] = [
        Self.agent(
            "group",
            .text(expected: "a group's id", check: SettingRule.isGroupID),
            "The group it belongs to; every group's if not given.",
            "demo"
        ),
        Self.agent("name", .anyText("a name"), "What people call it.", "Tasks"),
        Self.agent("description", Self.block, "For people.", "Keeps tasks"),
        Self.agent(
            "provider",
            .text(expected: "a provider name", check: SettingRule.isProviderName),
            "Where the model is asked for.",
            "openai"
        ),
        Self.agent(
            "model",
            .text(expected: "a model name", check: SettingRule.isModelName),
            "An alias or a model; the default model if not given.",
            "fast"
        ),
        Self.agent("prompt", Self.block, "What the model is told before anything else.", "You keep tasks."),
        Self.agent("character", Self.block, "How it is to speak; stands behind the prompt.", "Be brief."),
        Self.agent(
            "mode",
            .choice(AgentProfile.Mode.allCases.map(\.rawValue)),
            "Who answers: intents alone (`tools`), the model (`ai`), or intents first (`both`).",
            "ai"
        ),
        Self.agent(
            "tools",
            .list(expected: "server/tool or server/*") { ToolGrant(parsing: $0) != nil },
            "The tools it may use; `server/*` is all of a server that only read.",
            "tasks/add_task, files/*"
        ),
        Self.agent("help", Self.block, "What the mode `tools` answers to what matches nothing.", "Say add task …"),
        Self.agent(
            "history.policy",
            .choice(["messages", "tokens", "summary"]),
            "How much of a conversation the model is told again.",
            "tokens"
        ),
        Self.agent("history.count", .integer(HistoryWish.messageLimits), "The last so many messages.", "10"),
        Self.agent("history.max", .integer(HistoryWish.tokenLimits), "At most so many tokens.", "4000"),
        Self.agent("history.keep", .integer(HistoryWish.keptLimits), "Messages beside a summary.", "6"),
        Self.agent("history.model", .anyText("a model name"), "What makes the summary.", "fast"),
        Self.agent("fallback_text", .tree, "What is said when nobody answers, by language.", "{ en: Later. }"),
        Self.agent("moderation", .tree, "Kept as it is.", "{ level: high }"),
        Self.agent("post_processing", .tree, "Kept as it is.", "{ trim: true }"),
    ]

    private static func number(_ range: ClosedRange<Double>) -> SettingKind {
        let (low, high) = (Int(range.lowerBound), Int(range.upperBound))
        return .text(expected: "a number from \(low) to \(high)") { text in
            (try? JSONValue.parse(text))?.doubleValue.map(range.contains) ?? false
        }
    }

    private static let agentParameters: [Setting] = [
        Self.agent("parameters.temperature", Self.number(0...2), "Where the client does not say it.", "0.2"),
        Self.agent("parameters.top_p", Self.number(0...1), "Where the client does not say it.", "0.9"),
        Self.agent("parameters.top_k", .integer(1...1_000_000), "Where the client does not say it.", "40"),
        Self.agent("parameters.frequency_penalty", Self.number(-2...2), "Where the client does not say it.", "0.5"),
        Self.agent("parameters.presence_penalty", Self.number(-2...2), "Where the client does not say it.", "0.5"),
        Self.agent("parameters.seed", .integer(.min ... .max), "Where the client does not say it.", "7"),
        Self.agent(
            "parameters.max_output_tokens",
            .integer(1...10_000_000),
            "Where the client does not say it; and no answer has more, whatever the client says.",
            "500"
        ),
        Self.agent(
            "parameters.stop",
            .list(expected: "a text") { (1...AgentBounds.stopBytesMax).contains($0.utf8.count) },
            "Texts that end an answer, four at most.",
            "END"
        ),
        Self.agent(
            "parameters.reasoning_effort",
            .choice(AgentParameters.efforts),
            "How long the model thinks, where the client does not say it.",
            "low"
        ),
        Self.agent(
            "parameters.parallel_tool_calls",
            .bool,
            "Whether several tools may be called in one turn.",
            "false"
        ),
    ]

    private static let agentLimits: [Setting] = [
        Self.agent(
            "limits.rounds",
            .integer(AgentLimits.rounds),
            "How often the model is asked again with what tools gave.",
            "3",
            standard: "8"
        ),
        Self.agent(
            "limits.time",
            .duration(.milliseconds(100)...(.hours(1))),
            "For the whole of an answer with tools.",
            "20s",
            standard: "60s"
        ),
        Self.agent(
            "limits.cost_usd",
            .text(expected: "an amount of dollars", check: SettingRule.isAmount),
            "What all rounds of an answer may cost, in dollars.",
            "0.50"
        ),
        Self.agent(
            "limits.parallel",
            .integer(AgentLimits.parallel),
            "Tools that run side by side.",
            "2",
            standard: "4"
        ),
    ]

    private static let agentIntents: [Setting] = [
        Self.agent(
            "intents[].tool",
            .text(expected: "server/tool") { ToolName(parsing: $0) != nil },
            "The tool that a plain request runs.",
            "tasks/add_task",
            isRequired: true
        ),
        Self.agent(
            "intents[].patterns",
            .list(expected: "a pattern") { (1...AgentBounds.patternBytesMax).contains($0.utf8.count) },
            "What such a request looks like: `add (a) task {title}`.",
            "\"add task {title}\"",
            isRequired: true
        ),
        Self.agent("intents[].arguments", .tree, "What the tool always gets.", "{ list: inbox }"),
        Self.agent(
            "intents[].reply",
            Self.block,
            "What is answered; the tool's own text if not given.",
            "Done."
        ),
    ]
}

extension SettingRule {
    /// A text of one line or many.
    static func isBlock(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 || $0 == 0x0D }
    }
}
