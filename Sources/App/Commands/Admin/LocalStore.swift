import Core
import Vault

/// The store on this machine, for commands.
enum LocalStore {
    /// Lends the open store to `use` and closes it afterwards.
    static func with<Result: Sendable>(
        _ settings: Settings,
        _ use: (Store) async throws -> Result
    ) async throws -> Result {
        ProcessHardening.apply()
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
