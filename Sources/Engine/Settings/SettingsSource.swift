import FoundationEssentials
import Glibc

/// Where a running gateway reads its settings again.
package struct SettingsSource: Sendable {
    package var input: SettingsInput
    /// What a start adds to what was said: the first key.
    ///
    /// Applied after each load.
    package var finish: @Sendable (inout Settings) -> Void

    package init(input: SettingsInput, finish: @escaping @Sendable (inout Settings) -> Void = { _ in }) {
        self.input = input
        self.finish = finish
    }

    /// Reads and checks everything; see `Settings.load`.
    package func load(over running: LoadedSettings? = nil) throws(SettingsMistakes) -> LoadedSettings {
        var loaded = try Settings.load(self.input, over: running)
        self.finish(&loaded.settings)
        return loaded
    }

    /// The process's own environment and files.
    package static func ofProcess(flags: [String] = [], configPath: String? = nil) -> SettingsInput {
        SettingsInput(
            flags: flags,
            configPath: configPath,
            environment: ProcessInfo.processInfo.environment,
            readFile: { try Self.read($0) }
        )
    }

    /// A file of up to 4 MiB and one byte as text; nil if there is none.
    @Sendable package static func read(_ path: String) throws -> String? {
        do {
            return try SmallFile.read(path, bytesMax: SettingsFile.bytesMax + 1)
        } catch let error where error.code == ENOENT {
            return nil
        }
    }
}

/// What the process's environment says that is no setting.
package enum SettingsEnvironment {
    /// The process's own variables.
    package static var all: [String: String] { ProcessInfo.processInfo.environment }

    /// Whether colours are wanted where a person looks (https://no-color.org).
    package static var allowsColours: Bool {
        let environment = Self.all
        return (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}
