package import Core
package import Transport

/// Fetches credential encryption keys from where they are kept, at start and for a rotation.
///
/// Nothing is remembered: every call asks anew. Who asks moves the bytes into guarded memory and lets go of them; what
/// the HTTP answer and its parsing left in ordinary memory is not wiped, which is why core dumps are off.
package struct RemoteKeys: Sendable {
    /// What the world around says, passed in so that tests can say something else.
    package struct Surroundings: Sendable {
        package var environment: [String: String]
        /// Whether loopback, private and link-local addresses may be dialled: an emulator, a private endpoint, and the
        /// metadata services that hand out the credentials of a role.
        package var allowPrivate: Bool
        /// A file's content; at most 64 KiB.
        package var readFile: @Sendable (String) throws -> String
        package var now: @Sendable () -> UnixTime
        /// Waits between two attempts.
        package var pause: @Sendable (Duration) async throws -> Void

        package init(
            environment: [String: String],
            allowPrivate: Bool,
            readFile: @escaping @Sendable (String) throws -> String,
            now: @escaping @Sendable () -> UnixTime,
            pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
        ) {
            self.environment = environment
            self.allowPrivate = allowPrivate
            self.readFile = readFile
            self.now = now
            self.pause = pause
        }

        /// A variable that is set and not empty.
        func value(_ name: String) -> String? {
            self.environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    private let caller: ServiceCaller

    package init(fetcher: Fetcher, surroundings: Surroundings) {
        self.caller = ServiceCaller(fetcher: fetcher, surroundings: surroundings)
    }

    /// The 32 bytes of the key.
    ///
    /// Waits for some calls of at most 10 s each; what may pass by itself is tried three times.
    ///
    /// - Throws: `RemoteKeyError`, `CancellationError`.
    package func load(_ source: RemoteKeySource) async throws -> Secret<[UInt8]> {
        let key: Secret<[UInt8]>?
        switch source {
        case .awsSecret(let id, let member, let region):
            key = try await AWSSecretsManager(self.caller).key(id, member: member, region: region)
        case .awsKMS(let sealed):
            key = try await AWSKeyManagementService(self.caller).unseal(sealed)
        case .azureVault(let url, let name, let version):
            key = try await AzureKeyVault(self.caller).key(vaultURL: url, name: name, version: version)
        }
        guard let key else { throw RemoteKeyError.notAKey(source: source.label) }
        return key
    }

    /// A new data key, made and sealed by the KMS key; `sealed.place` is not looked at.
    ///
    /// - Returns: The sealed form in base64, to be put where `sealed.place` says, and the key itself.
    /// - Throws: `RemoteKeyError`, `CancellationError`.
    package func newDataKey(
        _ sealed: RemoteKeySource.SealedDataKey
    ) async throws -> (sealedBase64: String, key: Secret<[UInt8]>) {
        try await AWSKeyManagementService(self.caller).newDataKey(sealed)
    }
}
