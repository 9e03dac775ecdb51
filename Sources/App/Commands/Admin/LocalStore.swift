import Core
import Engine
import Vault

/// The store on this machine, for commands.
enum LocalStore {
    /// Lends the open store to `use` and closes it afterwards.
    ///
    /// - Parameter creates: Whether a store that is not there is made: a look in the wrong folder must leave nothing.
    static func with<Result: Sendable>(
        _ settings: Settings,
        creates: Bool = false,
        _ use: (Store) async throws -> Result
    ) async throws -> Result {
        ProcessHardening.apply()
        guard creates || SmallFile.stamp(settings.storage.path) != nil else {
            throw CommandFailure("there is no store at \(settings.storage.path) yet; turnpike serve makes one")
        }
        do {
            try SmallFile.makeFolder(settings.dataDirectory)
        } catch {
            throw CommandFailure("data_dir \(error)")
        }
        let store = try await Store.open(settings)
        do {
            let result = try await use(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw Store.failure(error, store.path)
        }
    }

    /// The settings of this folder.
    static func settings(config: String?) throws -> Settings {
        try Settings.load(SettingsSource.ofProcess(configPath: config)).settings
    }
}
