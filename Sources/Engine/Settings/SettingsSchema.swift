/// The settings table as a tree, to walk a file against it.
struct SettingsSchema: Sendable {
    /// The whole table.
    static let all = SettingsSchema(SettingsTable.rows)

    private(set) var row: Setting?
    /// Keys of a map whose keys are known, in the order of the table.
    private(set) var fixed: [(key: String, schema: SettingsSchema)] = []
    /// What stands under a name that the operator chooses.
    private var wildcard: [SettingsSchema] = []
    /// What the elements of a list are.
    private var elements: [SettingsSchema] = []

    private init() {}

    init(_ rows: [Setting]) {
        for row in rows {
            var parts: [Substring] = []
            for part in row.path.split(separator: ".") {
                if part.hasSuffix("[]") { parts += [part.dropLast(2), "[]"] } else { parts.append(part) }
            }
            self.insert(row, at: parts[...])
        }
    }

    private mutating func insert(_ row: Setting, at parts: ArraySlice<Substring>) {
        guard let part = parts.first else {
            self.row = row
            return
        }
        let rest = parts.dropFirst()
        if part == "[]" {
            if self.elements.isEmpty { self.elements = [SettingsSchema()] }
            self.elements[0].insert(row, at: rest)
        } else if part.hasPrefix("<") {
            if self.wildcard.isEmpty { self.wildcard = [SettingsSchema()] }
            self.wildcard[0].insert(row, at: rest)
        } else {
            if !self.fixed.contains(where: { $0.key == part }) { self.fixed.append((String(part), SettingsSchema())) }
            let index = self.fixed.firstIndex { $0.key == part } ?? 0
            self.fixed[index].schema.insert(row, at: rest)
        }
    }

    /// Whether what was written is a map with these keys, also where one value may stand in its place.
    func isMap(_ node: SettingsNode) -> Bool {
        guard case .map = node.content else { return false }
        return !self.fixed.isEmpty
    }

    /// What the elements of this list are; nil if it is no list.
    var element: SettingsSchema? { self.elements.first }

    /// Whether the operator chooses the keys of this map.
    var hasChosenNames: Bool { !self.wildcard.isEmpty }

    /// What stands under `key`, or nil if there is no such key.
    func child(_ key: String) -> SettingsSchema? {
        self.fixed.first { $0.key == key }?.schema ?? self.wildcard.first
    }

    /// What stands at `path`, or nil.
    func child(_ path: SettingPath) -> SettingsSchema? {
        var schema = self
        for segment in path.segments {
            guard let next = segment.hasPrefix("[") ? schema.element : schema.child(segment) else { return nil }
            schema = next
        }
        return schema
    }
}
