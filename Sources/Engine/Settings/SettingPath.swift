/// Where a value stands: `server.listen`, `models.fast.targets[0].provider`.
///
/// Segments are kept apart because chosen names may contain dots (`gpt-4.1`).
package struct SettingPath: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let segments: [String]

    package init(_ segments: [String]) { self.segments = segments }

    package init(stringLiteral text: String) { self.init(text.split(separator: ".").map(String.init)) }

    /// The whole file.
    package static let root = SettingPath([])

    /// The value `name` inside this map.
    package func child(_ name: String) -> SettingPath { SettingPath(self.segments + [name]) }

    /// The value at `index` of this list.
    package func element(_ index: Int) -> SettingPath { self.child("[\(index)]") }

    /// The value at `path` inside this map.
    package func appending(_ path: SettingPath) -> SettingPath { SettingPath(self.segments + path.segments) }

    package var description: String {
        self.segments.reduce(into: "") { text, segment in
            text += text.isEmpty || segment.hasPrefix("[") ? segment : "." + segment
        }
    }
}

/// Who said so.
package enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    /// Nobody: the value in the table.
    case standard
    case file(String, line: Int)
    case environment(String)
    case flag(String)

    package var description: String {
        switch self {
        case .standard: "default"
        case .file(let name, let line): "\(name):\(line)"
        case .environment(let name): name
        case .flag(let name): name
        }
    }
}

/// What was written, before anything is known about its meaning.
package struct SettingsNode: Sendable {
    package enum Content: Sendable {
        case null
        /// `shown` is the text before `${…}` was expanded: what mistakes and reports may show.
        case scalar(String, shown: String)
        case list([SettingsNode])
        case map([Entry])
    }

    package struct Entry: Sendable {
        package let key: String
        /// Where the key stands.
        package let origin: SettingOrigin
        package var node: SettingsNode
    }

    package var content: Content
    package var origin: SettingOrigin

    package init(_ content: Content, origin: SettingOrigin) {
        self.content = content
        self.origin = origin
    }

    /// What stands at `path`, or nil.
    package subscript(path: SettingPath) -> SettingsNode? {
        var node = self
        for segment in path.segments {
            guard case .map(let entries) = node.content, let entry = entries.first(where: { $0.key == segment })
            else { return nil }
            node = entry.node
        }
        return node
    }

    /// The keys of this map, in order; none if it is not a map.
    package var keys: [String] {
        guard case .map(let entries) = self.content else { return [] }
        return entries.map(\.key)
    }

    /// Puts `node` at `path`, making maps on the way.
    ///
    /// A scalar on the way is left alone, for the check to refuse.
    package mutating func set(_ path: SettingPath, to node: SettingsNode) {
        guard let first = path.segments.first else {
            self = node
            return
        }
        var entries: [Entry]
        switch self.content {
        case .map(let existing): entries = existing
        case .null: entries = []
        case .scalar, .list: return
        }
        let index = entries.firstIndex { $0.key == first }
        let rest = SettingPath(Array(path.segments.dropFirst()))
        if let index {
            entries[index].node.set(rest, to: node)
        } else {
            var fresh = SettingsNode(.map([]), origin: node.origin)
            fresh.set(rest, to: node)
            entries.append(Entry(key: first, origin: node.origin, node: fresh))
        }
        self.content = .map(entries)
    }
}
