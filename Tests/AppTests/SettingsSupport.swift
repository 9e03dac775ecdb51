import Core
import Testing

@testable import Engine
@testable import turnpike

/// Settings from a text, variables and flags, without touching the machine.
enum Given {
    static func input(
        _ yaml: String? = nil,
        _ environment: [String: String] = [:],
        flags: [String] = [],
        discovered: [DiscoveredProvider] = []
    ) -> SettingsInput {
        SettingsInput(
            flags: flags,
            environment: environment,
            discovered: discovered,
            readFile: { $0 == SettingsInput.standardPath ? yaml : nil }
        )
    }

    static func settings(
        _ yaml: String? = nil,
        _ environment: [String: String] = [:],
        flags: [String] = [],
        discovered: [DiscoveredProvider] = []
    ) throws -> Settings {
        try Settings.load(Self.input(yaml, environment, flags: flags, discovered: discovered)).settings
    }

    /// The mistakes, one line each; empty if there are none.
    static func mistakes(
        _ yaml: String? = nil,
        _ environment: [String: String] = [:],
        flags: [String] = []
    ) -> [String] {
        do throws(SettingsMistakes) {
            _ = try Settings.load(Self.input(yaml, environment, flags: flags))
            return []
        } catch {
            return error.all.map(\.description)
        }
    }
}
