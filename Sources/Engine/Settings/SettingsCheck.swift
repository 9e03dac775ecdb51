import Core
import NIOCore

/// Holds what was written against the table: unknown keys, types, units, limits, what is missing.
struct SettingsCheck {
    private(set) var values = SettingsValues()
    private(set) var mistakes: [SettingsMistake] = []
    /// Where reading the file found a mistake: what is missing there is not a second one.
    private let noted: Set<SettingPath>

    init(after mistakes: [SettingsMistake] = []) { self.noted = Set(mistakes.map(\.path)) }

    /// Checks everything below `root`.
    mutating func check(_ root: SettingsNode) {
        self.check(root, SettingsSchema.all, .root)
    }

    private mutating func note(_ origin: SettingOrigin, _ path: SettingPath, _ text: String) {
        self.mistakes.append(SettingsMistake(origin: origin, path: path, text: text))
    }

    private mutating func check(_ node: SettingsNode, _ schema: SettingsSchema, _ path: SettingPath) {
        if let row = schema.row, !schema.isMap(node) {
            self.check(node, row, path)
        } else if let element = schema.element {
            self.check(list: node, of: element, path)
        } else {
            self.check(map: node, schema, path)
        }
    }

    // MARK: - Maps and lists

    private mutating func check(map node: SettingsNode, _ schema: SettingsSchema, _ path: SettingPath) {
        let entries: [SettingsNode.Entry]
        switch node.content {
        case .map(let found): entries = found
        case .null: entries = []
        case .scalar, .list:
            let keys = schema.fixed.map(\.key).joined(separator: ", ")
            self.note(node.origin, path, "must be a map" + (keys.isEmpty ? " of names" : " (\(keys))"))
            return
        }
        for entry in entries {
            let childPath = path.child(entry.key)
            guard let child = schema.child(entry.key) else {
                self.note(entry.origin, childPath, "unknown key" + Self.hint(childPath, among: schema))
                continue
            }
            if schema.hasChosenNames {
                guard self.isGoodName(entry, childPath) else { continue }
                self.values.addName(entry.key, entry.origin, under: path)
            }
            self.check(entry.node, child, childPath)
        }
        for (key, child) in schema.fixed where child.row?.isRequired == true {
            let isGiven = entries.contains { entry in
                if entry.key != key { return false }
                if case .null = entry.node.content { return false }
                return true
            }
            if !isGiven, !self.noted.contains(path.child(key)) {
                self.note(node.origin, path, "needs \(key): \(child.row?.help ?? "")")
            }
        }
    }

    private mutating func isGoodName(_ entry: SettingsNode.Entry, _ path: SettingPath) -> Bool {
        let isProvider = path.segments.first == "providers"
        let isGood = isProvider ? SettingRule.isProviderName(entry.key) : SettingRule.isModelName(entry.key)
        if !isGood {
            let rule = isProvider ? "letters, digits, '-', '_' and '.', at most 64" : "visible ASCII, at most 256"
            self.note(entry.origin, path, "is not a name (\(rule))")
        }
        return isGood
    }

    private mutating func check(list node: SettingsNode, of element: SettingsSchema, _ path: SettingPath) {
        switch node.content {
        case .list(let elements):
            self.values.setCount(elements.count, at: path)
            for (index, child) in elements.enumerated() {
                self.values.setOrigin(child.origin, at: path.element(index))
                self.check(child, element, path.element(index))
            }
        case .null:
            self.values.setCount(0, at: path)
        case .map, .scalar:
            let keys = element.fixed.map(\.key).joined(separator: ", ")
            self.note(node.origin, path, "must be a list of maps (\(keys))")
        }
    }

    /// The nearest key beside the unknown one, else the place where a key of that name is known.
    private static func hint(_ path: SettingPath, among schema: SettingsSchema) -> String {
        guard let key = path.segments.last else { return "" }
        let parent = SettingPath(path.segments.dropLast())
        if let near = NearestName.find(key, in: schema.fixed.map(\.key)) {
            return "; did you mean \(parent.child(near))?"
        }
        let elsewhere = SettingsTable.rows.filter(\.isFixed).first { $0.path.hasSuffix("." + key) }
        if let elsewhere { return "; did you mean \(elsewhere.path)?" }
        guard !schema.fixed.isEmpty else { return "" }
        return "; known here: \(schema.fixed.map(\.key).joined(separator: ", "))"
    }

    // MARK: - Values

    private mutating func check(_ node: SettingsNode, _ row: Setting, _ path: SettingPath) {
        switch node.content {
        case .null:
            if self.noted.contains(path) { return }
            if row.standard != nil {
                self.note(node.origin, path, "has no value (expected: \(row.kind.name.replacing("\\|", with: "or")))")
            } else {
                self.values.set(.null, shown: "null", node.origin, at: path)
            }
        case .scalar(let text, let shown):
            do throws(BadValue) {
                self.accept(try row.kind.parse(text), shown: shown, node.origin, row, path)
            } catch {
                self.note(node.origin, path, (row.isSecret ? "the value " : "\"\(shown)\" ") + error.complaint)
            }
        case .list(let elements):
            self.check(list: elements, node.origin, row, path)
        case .map where row.kind.isTree:
            self.values.set(.tree(node.tree), shown: "{…}", node.origin, at: path)
        case .map(let entries):
            guard case .opaque(isList: false) = row.kind else {
                self.note(node.origin, path, "is one value, not a map (expected: \(row.kind.name))")
                return
            }
            if !entries.isEmpty { self.refuseLater(node.origin, path) }
        }
    }

    private mutating func check(
        list elements: [SettingsNode],
        _ origin: SettingOrigin,
        _ row: Setting,
        _ path: SettingPath
    ) {
        if case .opaque(let isList) = row.kind {
            if !isList {
                self.note(origin, path, "must be a map, not a list")
            } else if !elements.isEmpty {
                self.refuseLater(origin, path)
            }
            return
        }
        var texts: [String] = []
        var shown: [String] = []
        for element in elements {
            guard case .scalar(let text, let written) = element.content else {
                self.note(element.origin, path, "must be a list of plain values")
                return
            }
            texts.append(text)
            shown.append(written)
        }
        do throws(BadValue) {
            let value = try row.kind.parse(list: texts)
            self.accept(value, shown: shown.joined(separator: ", "), origin, row, path)
        } catch {
            self.note(origin, path, error.complaint)
        }
    }

    private mutating func accept(
        _ value: SettingValue,
        shown: String,
        _ origin: SettingOrigin,
        _ row: Setting,
        _ path: SettingPath
    ) {
        if case .later = row.availability {
            let isStandard = row.standard.map { (try? row.kind.parse($0)) == value } ?? (value == .list([]))
            guard isStandard else {
                self.refuseLater(origin, path)
                return
            }
        }
        self.values.set(value, shown: row.isSecret ? "<secret>" : shown, origin, at: path)
    }

    private mutating func refuseLater(_ origin: SettingOrigin, _ path: SettingPath) {
        self.note(origin, path, "not available in this version; leave it out")
    }
}

/// Checked values by path.
///
/// What was not said has the value of the table.
package struct SettingsValues: Sendable {
    /// One value that somebody wrote.
    package struct Entry: Sendable {
        package let value: SettingValue
        /// For reports; secrets hidden, `${…}` not expanded.
        package let shown: String
        package let origin: SettingOrigin
    }

    package private(set) var entries: [SettingPath: Entry] = [:]
    private var names: [SettingPath: [String]] = [:]
    private var counts: [SettingPath: Int] = [:]
    private var origins: [SettingPath: SettingOrigin] = [:]

    mutating func set(_ value: SettingValue, shown: String, _ origin: SettingOrigin, at path: SettingPath) {
        self.entries[path] = Entry(value: value, shown: shown, origin: origin)
    }

    mutating func addName(_ name: String, _ origin: SettingOrigin, under path: SettingPath) {
        self.names[path, default: []].append(name)
        self.origins[path.child(name)] = origin
    }

    mutating func setCount(_ count: Int, at path: SettingPath) { self.counts[path] = count }

    mutating func setOrigin(_ origin: SettingOrigin, at path: SettingPath) { self.origins[path] = origin }

    /// Takes the value at `path` from `other`, or removes it if there is none.
    mutating func keep(_ path: SettingPath, from other: SettingsValues) { self.entries[path] = other.entries[path] }

    /// The names chosen under `path`, in order.
    package func names(under path: SettingPath) -> [String] { self.names[path] ?? [] }

    /// The number of elements of the list at `path`.
    package func count(_ path: SettingPath) -> Int { self.counts[path] ?? 0 }

    /// Who said what is at `path`, or who opened the map that it stands in.
    package func origin(_ path: SettingPath) -> SettingOrigin {
        var segments = path.segments
        while !segments.isEmpty {
            let here = SettingPath(segments)
            if let origin = self.entries[here]?.origin ?? self.origins[here] { return origin }
            segments.removeLast()
        }
        return .standard
    }

    /// What was written at `path`, or the standard value.
    package subscript(path: SettingPath) -> SettingValue {
        if let entry = self.entries[path] { return entry.value }
        let row = SettingsSchema.all.child(path)?.row
        precondition(row != nil, "no setting \(path)")
        guard let row, let standard = row.standard else { return .null }
        return (try? row.kind.parse(standard)) ?? .null
    }

    func bool(_ path: SettingPath) -> Bool { if case .bool(let value) = self[path] { value } else { false } }

    func integer(_ path: SettingPath) -> Int { self.optionalInteger(path) ?? 0 }

    func optionalInteger(_ path: SettingPath) -> Int? {
        if case .integer(let value) = self[path] { value } else { nil }
    }

    func duration(_ path: SettingPath) -> TimeAmount { self.optionalDuration(path) ?? .zero }

    func optionalDuration(_ path: SettingPath) -> TimeAmount? {
        if case .duration(let value) = self[path] { value } else { nil }
    }

    /// Nil if nobody said it and the table does not either.
    func optionalBool(_ path: SettingPath) -> Bool? { if case .bool(let value) = self[path] { value } else { nil } }

    func list(_ path: SettingPath) -> [String] { if case .list(let value) = self[path] { value } else { [] } }

    func text(_ path: SettingPath) -> String { self.optionalText(path) ?? "" }

    func optionalText(_ path: SettingPath) -> String? { if case .text(let value) = self[path] { value } else { nil } }

}
