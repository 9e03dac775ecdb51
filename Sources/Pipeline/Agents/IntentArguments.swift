internal import Core
internal import Dialects
internal import NIOCore

/// What an intent found, fitted to what its tool takes.
///
/// Words of a request are texts; where the tool's schema wants a number or a boolean and the text is one, it becomes
/// one, and the other way round.
struct IntentArguments {
    let members: [(String, JSONValue)]
    /// What is missing or does not fit, for a person; nil if the tool can be given them.
    let complaint: String?

    init(_ arguments: [(String, JSONValue)], for schema: JSONValue) {
        let members = arguments.map { ($0.0, Self.fitted($0.1, to: schema["properties"]?[$0.0])) }
        self.members = members
        self.complaint = Self.complaint(of: members, schema)
    }

    private static func fitted(_ value: JSONValue, to schema: JSONValue?) -> JSONValue {
        guard let schema else { return value }
        let types = schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? [schema["type"]?.stringValue ?? ""]
        switch value {
        case .string(let text) where !types.contains("string") && !types.contains(""):
            guard let parsed = try? JSONValue.parse(text) else { return value }
            switch parsed {
            case .integer where types.contains("integer") || types.contains("number"): return parsed
            case .number where types.contains("number"): return parsed
            case .bool where types.contains("boolean"): return parsed
            default: return value
            }
        case .integer, .number, .bool:
            return types == ["string"] ? .string(value.text) : value
        default:
            return value
        }
    }

    /// The names that are told, at most.
    private static let namesMax = 8

    private static func complaint(of members: [(String, JSONValue)], _ schema: JSONValue) -> String? {
        let wanted = schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let missing = wanted.filter { name in !members.contains { $0.0 == name } }
        if !missing.isEmpty {
            return "For that I also need: \(missing.prefix(Self.namesMax).joined(separator: ", "))."
        }
        var text = ByteBuffer()
        schema.write(into: &text)
        // A schema that cannot be checked is the server's own business: it will look at what it gets.
        guard let check = try? JSONSchemaCheck(text) else { return nil }
        var value = ByteBuffer()
        JSONValue.object(members).write(into: &value)
        guard case .invalid(let faults) = check.check(value, stepsMax: 100_000) else { return nil }
        let sentences = faults.map { fault in
            let name = fault.path.hasPrefix("$.") ? String(fault.path.dropFirst(2)) : "the request"
            return "\(name) \(fault.message)"
        }
        return "That cannot be done as it was said: \(sentences.joined(separator: "; "))."
    }
}
