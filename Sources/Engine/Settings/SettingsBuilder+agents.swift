import Agents
import Core
import NIOCore

extension SettingsBuilder {
    /// The agents of `agents:`.
    mutating func agents() -> [AgentProfile] {
        var agents: [AgentProfile] = []
        for name in self.values.names(under: "agents") {
            let path = SettingPath(["agents", name])
            let group = self.values.optionalText(path.child("group")).map { GroupID($0) }
            do throws(ValueFault) {
                var agent = try AgentProfile(authored: self.authored(path), id: name, group: group)
                agent.source = .settings
                agents.append(agent)
            } catch {
                self.note(Self.place(error.field, in: path), "must be \(error.expected)")
            }
        }
        return agents
    }

    /// The entry in the form of the API, so that both are checked alike.
    private func authored(_ path: SettingPath) -> JSONValue {
        var members = self.members(
            ["name", "description", "provider", "model", "prompt", "character", "mode", "help", "tools"]
                + ["fallback_text", "moderation", "post_processing"],
            of: path
        )
        let parameters = self.members(
            ["temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "max_output_tokens"]
                + ["stop", "reasoning_effort", "parallel_tool_calls"],
            of: path.child("parameters")
        )
        members.append(("parameters", .object(parameters)))
        var limits = self.members(["rounds", "cost_usd", "parallel"], of: path.child("limits"))
        let time = self.values.duration(path.child("limits").child("time"))
        limits.append(("timeMs", .integer(time.nanoseconds / 1_000_000)))
        members.append(("limits", .object(limits)))
        let history = self.members(["policy", "count", "max", "keep", "model"], of: path.child("history"))
        if !history.isEmpty { members.append(("history", .object(history))) }
        let intents = path.child("intents")
        let rules = (0..<self.values.count(intents)).map { index in
            JSONValue.object(self.members(["tool", "patterns", "arguments", "reply"], of: intents.element(index)))
        }
        if !rules.isEmpty { members.append(("intents", .array(rules))) }
        return .object(members)
    }

    private static let numbers: Set<String> = ["temperature", "top_p", "frequency_penalty", "presence_penalty"]

    /// What was said of some keys, by their names in the API.
    private func members(_ keys: [String], of path: SettingPath) -> [(String, JSONValue)] {
        keys.compactMap { key in
            let value: JSONValue
            switch self.values[path.child(key)] {
            case .null: return nil
            case .bool(let flag): value = .bool(flag)
            case .integer(let number): value = .integer(Int64(number))
            case .duration: return nil
            case .text(let text):
                value = Self.numbers.contains(key) ? (try? JSONValue.parse(text)) ?? .string(text) : .string(text)
            case .list(let texts): value = .array(texts.map { .string($0) })
            case .tree(let tree): value = tree
            }
            return (SettingName.camelCase(key), value)
        }
    }

    /// Where a fault of the API's form stands in the file: `intents[0].patterns[1]`, `limits.timeMs`.
    private static func place(_ field: String, in path: SettingPath) -> SettingPath {
        field.split(separator: ".").reduce(path) { path, part in
            let key = part.prefix { $0 != "[" }
            let snake = key.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
            let names = ["id": nil, "time_ms": "time"] as [String: String?]
            guard let name = names[snake] ?? snake else { return path }
            let index = part.dropFirst(key.count).dropFirst().dropLast()
            let child = path.child(name)
            // A list of texts is one value.
            return Int(index).map { name == "intents" ? child.element($0) : child } ?? child
        }
    }
}

/// Names as the settings write them, and as JSON does.
package enum SettingName {
    /// `max_output_tokens` as `maxOutputTokens`.
    package static func camelCase(_ key: String) -> String {
        let words = key.split(separator: "_")
        return (words.prefix(1) + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }).joined()
    }
}
