import Core
import Providers
import Transport

/// Where settings come from: flags, environment, file.
///
/// A value, so that loading is a function of it.
package struct SettingsInput: Sendable {
    /// Settings of the command line, `--name value`; without `--config`.
    package var flags: [String]
    /// `--config`, or nil.
    package var configPath: String?
    package var environment: [String: String]
    /// Providers found on this machine, which are there unless something else was said.
    package var discovered: [DiscoveredProvider]
    /// The text of a file, nil if there is none.
    package var readFile: @Sendable (String) throws -> String?

    package init(
        flags: [String] = [],
        configPath: String? = nil,
        environment: [String: String] = [:],
        discovered: [DiscoveredProvider] = [],
        readFile: @escaping @Sendable (String) throws -> String?
    ) {
        self.flags = flags
        self.configPath = configPath
        self.environment = environment
        self.discovered = discovered
        self.readFile = readFile
    }

    /// The file that is looked for where nobody names one.
    package static let standardPath = "turnpike.yaml"

    /// The file that was asked for by flag or environment, or nil.
    package var namedPath: String? {
        if let path = self.configPath { return path }
        guard let path = self.environment["TURNPIKE_CONFIG"], !path.isEmpty else { return nil }
        return path
    }

    /// The file to read, whether it exists or not.
    package var path: String { self.namedPath ?? Self.standardPath }
}

/// A provider that answered on this machine although nobody configured it.
package struct DiscoveredProvider: Sendable, Equatable {
    package var name: String
    package var baseURL: String
    /// A model it has, for the first call.
    package var model: String?

    package init(name: String, baseURL: String, model: String?) {
        self.name = name
        self.baseURL = baseURL
        self.model = model
    }
}

/// Settings that hold, and how they came about.
package struct LoadedSettings: Sendable {
    package var settings: Settings
    /// What was said, for the report and for the next reload.
    package let values: SettingsValues
    /// Things that are probably slips but do not stop a start.
    package let warnings: [String]
    /// The file that was read; nil if there is none.
    package let file: String?
    /// Settings whose change waits for the next start.
    package let waiting: [SettingPath]
}

extension Settings {
    /// Reads and checks everything.
    ///
    /// - Parameters:
    ///   - input: Flags beat environment, environment beats file.
    ///   - running: What is in force; settings that only a start can change are kept from it.
    /// - Throws: `SettingsMistakes` with all that is wrong.
    package static func load(
        _ input: SettingsInput,
        over running: LoadedSettings? = nil
    ) throws(SettingsMistakes) -> LoadedSettings {
        var mistakes: [SettingsMistake] = []
        let file = Self.readFile(input, &mistakes)
        var overlay = SettingsOverlay(file.root)
        overlay.apply(environment: input.environment)
        overlay.apply(flags: input.flags)
        overlay.add(input.discovered)
        // Only a start turns the simulator on or off.
        let hasSimulator = running?.settings.simulator ?? Self.isSimulatorOn(overlay.root)
        let provider = Self.defaultProvider(overlay.root, input, hasSimulator: hasSimulator)
        overlay.apply(environment: input.environment, defaultProvider: provider)
        mistakes += overlay.mistakes
        var check = SettingsCheck(after: mistakes)
        check.check(overlay.root)
        mistakes += check.mistakes
        var values = check.values
        let waiting = running.map { Self.keepWhatOnlyAStartChanges(&values, from: $0.values) } ?? []
        var builder = SettingsBuilder(values: values, input: input)
        let settings = builder.build(defaultProvider: provider)
        // A value that was refused is missing afterwards; complaints about that would be about the same mistake.
        for mistake in builder.mistakes where !mistakes.contains(where: { Self.isAbout($0.path, mistake.path) }) {
            mistakes.append(mistake)
        }
        guard mistakes.isEmpty else { throw SettingsMistakes(all: Self.sorted(mistakes)) }
        return LoadedSettings(
            settings: settings,
            values: values,
            warnings: overlay.warnings + builder.warnings,
            file: file.name,
            waiting: waiting
        )
    }

    private static func readFile(
        _ input: SettingsInput,
        _ mistakes: inout [SettingsMistake]
    ) -> (root: SettingsNode, name: String?) {
        let nothing = SettingsNode(.map([]), origin: .standard)
        let named: SettingOrigin =
            input.configPath != nil ? .flag("--config") : .environment("TURNPIKE_CONFIG")
        let text: String
        do {
            guard let found = try input.readFile(input.path) else {
                if input.namedPath != nil {
                    mistakes.append(SettingsMistake(origin: named, path: .root, text: "no such file: \(input.path)"))
                }
                return (nothing, nil)
            }
            text = found
        } catch {
            mistakes.append(
                SettingsMistake(origin: .file(input.path, line: 1), path: .root, text: "cannot be read: \(error)")
            )
            return (nothing, nil)
        }
        guard text.utf8.count <= SettingsFile.bytesMax else {
            mistakes.append(
                SettingsMistake(origin: .file(input.path, line: 1), path: .root, text: "is larger than 4 MiB")
            )
            return (nothing, nil)
        }
        var file = SettingsFile(name: input.path, environment: input.environment)
        let root = file.read(text)
        mistakes += file.mistakes
        return (root, input.path)
    }

    /// Where a model goes that names no provider: what was said; else the provider of `AI_GATEWAY_URL`'s host; else the
    /// first that has a key in the environment; else the first of the file, or one found on this machine; else the
    /// simulator if it is on; else openrouter.
    private static func defaultProvider(
        _ root: SettingsNode,
        _ input: SettingsInput,
        hasSimulator: Bool
    ) -> String {
        let environment = input.environment
        if case .scalar(let name, _) = root["defaults.provider"]?.content { return name }
        let standard = SettingsTable.row("defaults.provider")?.standard ?? "openrouter"
        if let url = environment["AI_GATEWAY_URL"], !url.isEmpty {
            // A key must not go to another provider's address just because the address was set.
            let host = (try? Endpoint(url: url, allowPrivate: true))?.host
            let row = host.map { Family.row(named: "", host: $0).name } ?? standard
            return KnownProviders.withoutEntry.contains { $0.name == row } ? row : standard
        }
        let configured = root["providers"]?.keys.filter(SettingRule.isProviderName) ?? []
        let withKey = KnownProviders.keyVariables.first { variable in
            let hasKey = environment[variable.name].map { !$0.isEmpty } ?? false
            let exists =
                configured.contains(variable.provider)
                || KnownProviders.withoutEntry.contains { $0.name == variable.provider }
            return hasKey && exists
        }
        return withKey?.provider ?? configured.first ?? (hasSimulator ? Self.simulatorName : standard)
    }

    private static func isSimulatorOn(_ root: SettingsNode) -> Bool {
        guard case .scalar(let text, _) = root["simulator"]?.content else { return false }
        return (try? SettingKind.bool.parse(text)) == .bool(true)
    }

    private static func keepWhatOnlyAStartChanges(
        _ values: inout SettingsValues,
        from running: SettingsValues
    ) -> [SettingPath] {
        var waiting: [SettingPath] = []
        for row in SettingsTable.rows where row.reload == .boot {
            let path = SettingPath(stringLiteral: row.path)
            guard values[path] != running[path] else { continue }
            waiting.append(path)
            values.keep(path, from: running)
        }
        return waiting
    }

    private static func isAbout(_ first: SettingPath, _ second: SettingPath) -> Bool {
        let shorter = min(first.segments.count, second.segments.count)
        return shorter > 0 && first.segments.prefix(shorter) == second.segments.prefix(shorter)
    }

    /// Command line, environment, then the file from top to bottom, then what has no place.
    private static func sorted(_ mistakes: [SettingsMistake]) -> [SettingsMistake] {
        func rank(_ origin: SettingOrigin) -> (Int, Int) {
            switch origin {
            case .flag: (0, 0)
            case .environment: (1, 0)
            case .file(_, let line): (2, line)
            case .standard: (3, 0)
            }
        }
        return mistakes.enumerated().sorted { left, right in
            let (a, b) = (rank(left.element.origin), rank(right.element.origin))
            return a == b ? left.offset < right.offset : a < b
        }.map(\.element)
    }
}
