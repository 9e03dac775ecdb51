import Yams

/// Reads the text of `turnpike.yaml` into nodes that know their lines.
struct SettingsFile {
    /// The name that mistakes give to the file.
    let name: String
    let environment: [String: String]
    /// What was wrong so far.
    private(set) var mistakes: [SettingsMistake] = []
    private var nodeCount = 0
    private var references = HiddenReferences()

    /// More than any sane file, and a bound on what aliases of aliases can cost.
    private static let nodeCountMax = 100_000
    private static let depthMax = 32
    /// Largest file that is read, in bytes.
    static let bytesMax = 4 << 20

    init(name: String, environment: [String: String]) {
        self.name = name
        self.environment = environment
    }

    /// The file as nodes.
    ///
    /// What cannot be read is left out and noted in `mistakes`.
    mutating func read(_ text: String) -> SettingsNode {
        let empty = SettingsNode(.map([]), origin: .file(self.name, line: 1))
        do {
            guard let root = try Yams.compose(yaml: self.references.hide(in: text), .basic) else { return empty }
            let node = self.node(root, path: .root, depth: 0)
            switch node.content {
            case .map: return node
            case .null: return empty
            case .scalar, .list:
                self.note(.root, line: root.mark?.line, "must be a map of settings (server:, providers:, …)")
                return empty
            }
        } catch {
            self.noteSyntax(error)
            return empty
        }
    }

    private mutating func noteSyntax(_ error: any Error) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            self.note(.root, line: mark.line, "is not YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            self.note(.root, line: context.mark.line, "has the key \(names) twice in one map")
        case YamlError.reader(let problem, _, _, _):
            self.note(.root, line: 1, "is not YAML: \(problem)")
        default:
            self.note(.root, line: 1, "is not YAML")
        }
    }

    private mutating func note(_ path: SettingPath, line: Int?, _ text: String) {
        let origin = SettingOrigin.file(self.name, line: line ?? 1)
        self.mistakes.append(SettingsMistake(origin: origin, path: path, text: text))
    }

    private mutating func node(_ node: Node, path: SettingPath, depth: Int) -> SettingsNode {
        let origin = SettingOrigin.file(self.name, line: node.mark?.line ?? 1)
        self.nodeCount += 1
        guard self.nodeCount <= Self.nodeCountMax, depth <= Self.depthMax else {
            if self.nodeCount <= Self.nodeCountMax + 1 {
                self.note(path, line: node.mark?.line, "the file is too large or nested too deeply")
                self.nodeCount = Self.nodeCountMax + 1
            }
            return SettingsNode(.null, origin: origin)
        }
        switch node {
        case .scalar(let scalar):
            return SettingsNode(self.scalar(scalar, path: path, line: node.mark?.line), origin: origin)
        case .sequence(let sequence):
            var elements: [SettingsNode] = []
            for (index, element) in sequence.enumerated() {
                elements.append(self.node(element, path: path.element(index), depth: depth + 1))
            }
            return SettingsNode(.list(elements), origin: origin)
        case .mapping(let mapping):
            var entries: [SettingsNode.Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    self.note(path, line: key.mark?.line, "has a key that is not a plain word")
                    continue
                }
                let text = self.references.restore(in: name.string)
                let child = self.node(value, path: path.child(text), depth: depth + 1)
                let keyOrigin = SettingOrigin.file(self.name, line: key.mark?.line ?? 1)
                entries.append(.init(key: text, origin: keyOrigin, node: child))
            }
            return SettingsNode(.map(entries), origin: origin)
        case .alias:
            self.note(path, line: node.mark?.line, "has an alias to nothing")
            return SettingsNode(.null, origin: origin)
        }
    }

    private mutating func scalar(_ scalar: Node.Scalar, path: SettingPath, line: Int?) -> SettingsNode.Content {
        if scalar.style == .plain || scalar.style == .any, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
            return .null
        }
        do throws(BadValue) {
            let written = self.references.restore(in: scalar.string)
            let text = try EnvironmentExpansion.expand(written, self.environment)
            // An empty default, as in ${NAME:-}, says that there is no value.
            if text.isEmpty, !written.isEmpty { return .null }
            return .scalar(text, shown: written)
        } catch {
            self.note(path, line: line, error.complaint)
            return .null
        }
    }
}
