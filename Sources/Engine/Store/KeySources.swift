import Core
import KeyManagement
import NIOCore
import Net
import Transport
package import Vault

/// Reads the encryption keys that the settings name.
package struct KeySources: Sendable {
    /// What was read.
    package struct Found: Sendable {
        package var ring: Keyring
        /// Whether this call made the key file.
        package var isNew: Bool
    }

    private let encryption: Settings.Encryption
    private let standardPath: String
    private let mayCreate: Bool
    private let environment: [String: String]

    package init(_ settings: Settings, environment: [String: String] = SettingsEnvironment.all) {
        self.encryption = settings.encryption
        self.standardPath = settings.standardKeyPath
        self.mayCreate = settings.environment != .production
        self.environment = environment
    }

    /// Reads every key and checks it.
    ///
    /// - Parameter createsFile: Whether a missing key file in the data folder may be made: only for a store that has
    ///   nothing sealed yet.
    /// - Throws: `CommandFailure` with one line that says which key and why; never with any part of one (row 48).
    package func read(createsFile: Bool) async throws -> Found {
        do {
            guard let setting = self.encryption.key else { return try await self.readStandardFile(createsFile) }
            let primary = try await self.materials(setting, name: "credentials.encryption_key")
            return Found(ring: try await self.ring(primary), isNew: false)
        } catch let error as EncryptionKeyError {
            throw CommandFailure("\(error)")
        } catch let error as RemoteKeyError {
            throw CommandFailure("the encryption key cannot be fetched: \(error)")
        }
    }

    /// The file that holds the primary key, if it is one of this machine.
    package func keyFile() throws(EncryptionKeyError) -> KeyFile? {
        guard let setting = self.encryption.key else { return KeyFile(self.standardPath) }
        guard case .file(let path) = try EncryptionKeySource(setting, name: "credentials.encryption_key") else {
            return nil
        }
        return KeyFile(path)
    }

    /// The files that a change can be noticed in.
    var watchedFiles: [String] {
        let settings = [self.encryption.key].compactMap(\.self) + self.encryption.previous
        let named = settings.compactMap { setting -> String? in
            guard case .file(let path)? = try? EncryptionKeySource(setting, name: "") else { return nil }
            return path
        }
        return self.encryption.key == nil ? [self.standardPath] + named : named
    }

    private func readStandardFile(_ createsFile: Bool) async throws -> Found {
        let file = KeyFile(self.standardPath)
        guard createsFile, self.mayCreate else {
            return Found(ring: try await self.ring(try file.read()), isNew: false)
        }
        let (keys, isNew) = try file.readOrCreate()
        return Found(ring: try await self.ring(keys), isNew: isNew)
    }

    private func ring(_ primary: [KeyMaterial]) async throws -> Keyring {
        guard let first = primary.first else { throw CommandFailure("there is no encryption key") }
        var others = primary.dropFirst().map { SealingKey($0) }
        for (index, setting) in self.encryption.previous.enumerated() {
            let name = "credentials.previous_keys[\(index)]"
            others += try await self.materials(setting, name: name).map { SealingKey($0) }
        }
        return Keyring(primary: SealingKey(first), previous: others)
    }

    private func materials(_ setting: Secret<String>, name: String) async throws -> [KeyMaterial] {
        switch try EncryptionKeySource(setting, name: name) {
        case .key(let material): return [material]
        case .file(let path): return try KeyFile(path).read()
        case .remote(let scheme, let rest):
            let source = try RemoteKeySource(scheme: scheme, name: rest)
            return [try KeyMaterial(copying: try await self.fetch(source), source: source.label)]
        }
    }

    /// A loop of its own for some calls at start and on a reload.
    private func fetch(_ source: RemoteKeySource) async throws -> Secret<[UInt8]> {
        let runtime = try await NetRuntime(loopCount: 1)
        let keys = RemoteKeys(
            fetcher: runtime.fetcher,
            surroundings: RemoteKeys.Surroundings(
                environment: self.environment,
                allowPrivate: self.encryption.allowPrivate,
                readFile: { try SmallFile.read($0, bytesMax: 64 << 10) },
                now: { SystemClock.now }
            )
        )
        do {
            let key = try await keys.load(source)
            await runtime.shutdown()
            return key
        } catch {
            await runtime.shutdown()
            throw error
        }
    }
}
