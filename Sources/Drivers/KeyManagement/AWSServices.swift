import Core
import NIOCore

/// AWS Secrets Manager: `GetSecretValue`.
struct AWSSecretsManager: Sendable {
    private let client: AWSClient

    init(_ caller: ServiceCaller) {
        self.client = AWSClient(
            caller: caller,
            title: "AWS Secrets Manager",
            service: "secretsmanager",
            environmentName: "SECRETS_MANAGER"
        )
    }

    /// The key, or nil if what is kept there is none.
    func key(_ id: String, member: String?, region: String?) async throws -> Secret<[UInt8]>? {
        let input = JSONValue.object([("SecretId", .string(id))])
        let answer = try await self.client.call("secretsmanager.GetSecretValue", input, region: region)
        if let text = answer["SecretString"]?.stringValue {
            guard let member else { return KeyText.hexKey(text) }
            guard let value = try? JSONValue.parse(text) else { return nil }
            return value[member]?.stringValue.flatMap(KeyText.hexKey)
        }
        guard member == nil else { return nil }
        return answer["SecretBinary"]?.stringValue.flatMap(KeyText.base64Key)
    }
}

/// AWS KMS: `Decrypt` and `GenerateDataKey`.
struct AWSKeyManagementService: Sendable {
    private let client: AWSClient

    init(_ caller: ServiceCaller) {
        self.client = AWSClient(caller: caller, title: "AWS KMS", service: "kms", environmentName: "KMS")
    }

    /// Has KMS open a data key; nil if what comes out is no key of 256 bits.
    func unseal(_ key: RemoteKeySource.SealedDataKey) async throws -> Secret<[UInt8]>? {
        let text: String
        switch key.place {
        case .inline(let base64): text = base64
        case .file(let path):
            do {
                text = try self.client.caller.surroundings.readFile(path)
            } catch {
                throw RemoteKeyError.unreadable(path: path)
            }
        }
        guard let blob = KeyText.base64(text), !blob.isEmpty else { return nil }
        var input: [(String, JSONValue)] = [
            ("CiphertextBlob", .string(KeyText.base64Text(blob))), ("KeyId", .string(key.keyID)),
        ]
        input += Self.context(key)
        let answer = try await self.client.call("TrentService.Decrypt", .object(input), region: key.region)
        guard let plaintext = answer["Plaintext"]?.stringValue else {
            throw RemoteKeyError.badAnswer(service: self.client.title)
        }
        return Self.dataKey(plaintext)
    }

    /// Has KMS make a data key.
    func newDataKey(
        _ key: RemoteKeySource.SealedDataKey
    ) async throws -> (sealedBase64: String, key: Secret<[UInt8]>) {
        let input = [("KeyId", .string(key.keyID)), ("KeySpec", "AES_256")] + Self.context(key)
        let answer = try await self.client.call("TrentService.GenerateDataKey", .object(input), region: key.region)
        guard let blob = answer["CiphertextBlob"]?.stringValue, KeyText.base64(blob)?.isEmpty == false,
            let plaintext = answer["Plaintext"]?.stringValue, let made = Self.dataKey(plaintext)
        else { throw RemoteKeyError.badAnswer(service: self.client.title) }
        return (blob, made)
    }

    private static func dataKey(_ plaintext: String) -> Secret<[UInt8]>? {
        guard let bytes = KeyText.base64(plaintext), bytes.count == KeyText.keyBytes else { return nil }
        return Secret(bytes)
    }

    private static func context(_ key: RemoteKeySource.SealedDataKey) -> [(String, JSONValue)] {
        guard !key.context.isEmpty else { return [] }
        let members = key.context.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        return [("EncryptionContext", .object(members))]
    }
}
