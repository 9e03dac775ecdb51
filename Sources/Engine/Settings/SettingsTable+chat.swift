import NIOCore
import Pipeline

extension SettingsTable {
    /// How `/api/chat` answers.
    static let chat: [Setting] = [
        Setting(
            path: "chat.agent",
            kind: .text(expected: "the id of an agent", check: SettingRule.isProviderName),
            standard: nil,
            help: "The agent that answers in new conversations of `/api/chat`; without one the default model does.",
            example: "helper"
        ),
        Setting(
            path: "chat.timeout",
            kind: .duration(.milliseconds(100)...(.minutes(10))),
            standard: "10s",
            help: "When `/api/chat` has answered; if no provider has by then, with the fallback text.",
            example: "20s"
        ),
        Setting(
            path: "chat.fallback.<language>",
            kind: .text(expected: "a text of at most 4,000 bytes") { (1...4_000).contains($0.utf8.count) },
            standard: nil,
            help: "What people who write in this language are told when no provider answers; `en` for all others.",
            example: "Please call us. We cannot answer here right now."
        ),
    ]
}

extension SettingsBuilder {
    /// `chat:`.
    func chat() -> ChatRule {
        var texts: [String: String] = [:]
        let path: SettingPath = "chat.fallback"
        for language in self.values.names(under: path) {
            texts[language.lowercased()] = self.values.optionalText(path.child(language))
        }
        return ChatRule(
            agent: self.values.optionalText("chat.agent"),
            timeout: self.values.duration("chat.timeout"),
            fallback: texts
        )
    }
}
