import Core

extension SettingsNode {
    /// What was written as JSON, for values that are kept as they are.
    ///
    /// YAML's plain words for numbers, `true` and `false` are taken as what they mean, quoted ones too.
    var tree: JSONValue {
        switch self.content {
        case .null: .null
        case .scalar(let text, _): Self.value(of: text)
        case .list(let elements): .array(elements.map(\.tree))
        case .map(let entries): .object(entries.map { ($0.key, $0.node.tree) })
        }
    }

    private static func value(of text: String) -> JSONValue {
        guard let value = try? JSONValue.parse(text) else { return .string(text) }
        return switch value {
        case .bool, .integer, .number: value
        default: .string(text)
        }
    }
}
