import Agents
import Core
import Engine
import Yams

/// A file that describes an agent: YAML or JSON, with the members that the API has.
///
/// Members may be written as the settings write them, too: `max_output_tokens` is `maxOutputTokens`.
enum AgentFile {
    /// The largest file, in bytes.
    static let bytesMax = 1_000_000

    /// The text of a file, or of standard input for `-`.
    static func text(_ path: String) throws -> String {
        if path == "-" {
            var lines: [String] = []
            while let line = readLine(strippingNewline: false) { lines.append(line) }
            return lines.joined()
        }
        do {
            return try SmallFile.read(path, bytesMax: Self.bytesMax)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    /// The members of the agent in it.
    static func read(_ text: String, name: String) throws -> [(String, JSONValue)] {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure("\(name) is neither YAML nor JSON: \(error)")
        }
        guard let node, let members = Self.value(node, path: [], depth: 0).objectValue else {
            throw CommandFailure("\(name) does not hold an agent: a map of names and values is wanted")
        }
        return members
    }

    /// How deep a file may be nested.
    private static let depthMax = 32
    /// Whose members have names of people's own choice.
    private static let opaque: Set<String> = ["arguments", "fallbackText", "moderation", "postProcessing"]

    private static func value(_ node: Node, path: [String], depth: Int) -> JSONValue {
        guard depth < Self.depthMax else { return .null }
        switch node {
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            if ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .null }
            switch try? JSONValue.parse(scalar.string) {
            case let value?:
                switch value {
                case .bool, .integer, .number: return value
                default: return .string(scalar.string)
                }
            case nil: return .string(scalar.string)
            }
        case .sequence(let sequence):
            return .array(sequence.map { Self.value($0, path: path, depth: depth + 1) })
        case .mapping(let mapping):
            let isOpaque = path.contains(where: Self.opaque.contains)
            return .object(
                mapping.map { key, value in
                    let written = key.scalar?.string ?? ""
                    let name = isOpaque ? written : SettingName.camelCase(written)
                    return (name, Self.value(value, path: path + [name], depth: depth + 1))
                }
            )
        case .alias: return .null
        }
    }
}
