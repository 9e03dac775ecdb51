import Core

/// Puts what the environment and the command line say over what the file says.
struct SettingsOverlay {
    private(set) var root: SettingsNode
    private(set) var mistakes: [SettingsMistake] = []
    /// Things that are probably slips but must not stop a start.
    private(set) var warnings: [String] = []

    /// Variables that begin like settings but are read elsewhere.
    private static let reservedNames: Set<String> = ["TURNPIKE_CONFIG", "TURNPIKE_KEY", "TURNPIKE_URL"]

    init(_ root: SettingsNode) { self.root = root }

    // MARK: - Environment

    /// Takes every `TURNPIKE_…` variable, then the names of the contract.
    ///
    /// An empty variable counts as unset.
    mutating func apply(environment: [String: String]) {
        var known: [String: Setting] = [:]
        for row in SettingsTable.rows where row.isFixed {
            if let name = row.environmentName { known[name] = row }
        }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TURNPIKE_") {
            guard !value.isEmpty, !Self.reservedNames.contains(name) else { continue }
            if let row = known[name] {
                self.set(SettingPath(stringLiteral: row.path), value, .environment(name))
            } else if let path = self.chosenPath(name.dropFirst("TURNPIKE_".count).lowercased()) {
                self.set(path, value, .environment(name))
            } else if let near = NearestName.find(name, in: known.keys.sorted()) {
                self.warnings.append("\(name) is not a setting; did you mean \(near)?")
            }
        }
        for row in SettingsTable.rows where row.isFixed {
            for alias in row.aliases {
                self.apply(alias, at: SettingPath(stringLiteral: row.path), environment)
            }
        }
    }

    /// Takes the variables that are about the default provider: they beat the file, and lose to all else.
    mutating func apply(environment: [String: String], defaultProvider: String) {
        for row in SettingsTable.rows where row.path.hasPrefix("providers.<name>.") {
            let key = SettingPath(stringLiteral: String(row.path.dropFirst("providers.<name>.".count)))
            let path = SettingPath(["providers", defaultProvider]).appending(key)
            for alias in row.aliases { self.apply(alias, at: path, environment) }
        }
    }

    /// Adds providers that were found on this machine.
    ///
    /// They count for less than anything that was said.
    mutating func add(_ discovered: [DiscoveredProvider]) {
        for provider in discovered {
            let path = SettingPath(["providers", provider.name])
            guard self.root[path] == nil else { continue }
            for (key, value) in [("base_url", provider.baseURL), ("allow_private", "true"), ("auth", "none")] {
                let node = SettingsNode(.scalar(value, shown: value), origin: .standard)
                self.root.set(path.child(key), to: node)
            }
        }
    }

    private mutating func apply(
        _ alias: Setting.EnvironmentAlias,
        at path: SettingPath,
        _ environment: [String: String]
    ) {
        guard let value = environment[alias.name], !value.isEmpty else { return }
        switch self.root[path]?.origin {
        case nil, .standard, .file: self.set(path, value + alias.unit, .environment(alias.name))
        case .environment, .flag: break  // The name made of the path says more about what is meant.
        }
    }

    private mutating func set(_ path: SettingPath, _ value: String, _ origin: SettingOrigin) {
        let content = value == "null" ? SettingsNode.Content.null : .scalar(value, shown: value)
        self.root.set(path, to: SettingsNode(content, origin: origin))
    }

    // MARK: - Flags

    /// Takes `--server-listen ADDRESS`, `--server-listen=ADDRESS` and, for what is true or false, `--simulator` alone.
    mutating func apply(flags arguments: [String]) {
        var known: [String: Setting] = [:]
        for row in SettingsTable.rows where row.isFixed {
            if let flag = row.flag { known[flag] = row }
        }
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument != "--" else {
                self.note(argument, "is not a flag (settings are written --name value)")
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let flag = String(parts[0])
            let chosen = self.chosenPath(String(flag.dropFirst(2).map { $0 == "-" ? "_" : $0 }).lowercased())
            guard let path = known[flag].map({ SettingPath(stringLiteral: $0.path) }) ?? chosen else {
                let near = NearestName.find(flag, in: known.keys.sorted() + ["--config", "--json", "--help"])
                self.note(flag, "unknown flag" + (near.map { "; did you mean \($0)?" } ?? ""))
                // Its value is not a second mistake.
                if parts.count == 1, rest.first?.hasPrefix("--") == false { rest.removeFirst() }
                continue
            }
            let kind = SettingsSchema.all.child(path)?.row?.kind
            if parts.count == 2 {
                self.set(path, String(parts[1]), .flag(flag))
            } else if case .bool = kind, rest.first.map({ (try? SettingKind.bool.parse($0)) == nil }) ?? true {
                self.set(path, "true", .flag(flag))
            } else if let value = rest.popFirst() {
                self.set(path, value, .flag(flag))
            } else {
                self.note(flag, "needs a value")
            }
        }
    }

    private mutating func note(_ flag: String, _ text: String) {
        self.mistakes.append(SettingsMistake(origin: .flag(flag), path: .root, text: text))
    }

    // MARK: - Names that the operator chose

    /// The path of `providers_my_local_base_url`: section, a name, and a key of the section.
    ///
    /// Names that exist are preferred, since `-` and `.` cannot be told from `_` here; a new name is taken as it is.
    private func chosenPath(_ text: String) -> SettingPath? {
        for section in ["providers", "models", "agents", "limits", "budgets", "prices"]
        where text.hasPrefix(section + "_") {
            let rest = text.dropFirst(section.count + 1)
            let rows = SettingsTable.rows.filter { $0.path.hasPrefix(section + ".<") && $0.isScalar }
            let keys = rows.map { $0.path.split(separator: ".").dropFirst(2).joined(separator: ".") }
            for key in keys.sorted(by: { $0.count > $1.count }) where !key.isEmpty {
                let suffix = "_" + Self.flat(key)
                guard rest.hasSuffix(suffix), rest.count > suffix.count else { continue }
                let flatName = String(rest.dropLast(suffix.count))
                let names = (self.root[SettingPath([section])]?.keys ?? []) + KnownProviders.names
                let name = names.first { Self.flat($0) == flatName } ?? flatName
                return SettingPath([section, name]).appending(SettingPath(stringLiteral: key))
            }
        }
        return nil
    }

    private static func flat(_ name: String) -> String {
        String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }
}
