package import Core

/// Where `credentials.encryption_key` says that a key is.
package enum EncryptionKeySource: Sendable {
    /// The key itself, as 64 hexadecimal digits; already checked.
    case key(KeyMaterial)
    /// `file:PATH`.
    case file(path: String)
    /// A scheme that a driver fetches: `aws-kms`, `aws-secret`, `azure-vault`, and what stands behind the colon.
    case remote(scheme: String, name: String)

    /// Schemes that drivers know.
    package static let remoteSchemes = ["aws-kms", "aws-secret", "azure-vault"]

    /// Reads a setting.
    ///
    /// - Parameters:
    ///   - setting: Its value.
    ///   - name: The name of the setting, to say in errors.
    /// - Throws: `EncryptionKeyError`; never with any part of a key.
    package init(_ setting: Secret<String>, name: String) throws(EncryptionKeyError) {
        self = try setting.reveal { text throws(EncryptionKeyError) in
            if let path = text.dropping(prefix: "file:") { return .file(path: path) }
            for scheme in Self.remoteSchemes {
                if let rest = text.dropping(prefix: scheme + ":") { return .remote(scheme: scheme, name: rest) }
            }
            if let colon = text.firstIndex(of: ":"), Self.isScheme(text[..<colon]) {
                throw .unknownSource(String(text[..<colon]))
            }
            return .key(try KeyMaterial(hex: text, source: "setting \(name)"))
        }
    }

    /// Short enough and of such letters that it cannot be part of a key.
    private static func isScheme(_ text: Substring) -> Bool {
        (1...20).contains(text.utf8.count) && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
    }
}

extension KeyMaterial {
    /// Digits of a key.
    package static let hexDigits = 2 * byteCount

    /// Takes 64 hexadecimal digits and checks that they are not a weak key.
    ///
    /// The digits stay wherever they came from; a source that can, reads into guarded memory instead.
    package init(hex: String, source: String) throws(EncryptionKeyError) {
        var copy = hex
        let outcome: Result<KeyMaterial, EncryptionKeyError> = copy.withUTF8 { digits in
            do throws(EncryptionKeyError) {
                return .success(try KeyMaterial(hexDigits: UnsafeRawBufferPointer(digits), source: source))
            } catch {
                return .failure(error)
            }
        }
        self = try outcome.get()
    }

    /// Takes 64 hexadecimal digits as ASCII.
    package init(hexDigits: UnsafeRawBufferPointer, source: String) throws(EncryptionKeyError) {
        guard hexDigits.count == Self.hexDigits else {
            throw .notHex(source: source, characters: hexDigits.count)
        }
        var isHex = false
        let bytes: GuardedBytes
        do throws(VaultError) {
            bytes = try GuardedBytes(count: Self.byteCount) { key in
                isHex = Sodium.decodeHex(hexDigits, into: key)
            }
        } catch {
            throw .vault(error)
        }
        guard isHex else { throw .notHex(source: source, characters: hexDigits.count) }
        try self.init(checking: bytes, source: source)
    }

    /// Takes 32 bytes from anywhere and checks that they are not a weak key.
    ///
    /// - Throws: `EncryptionKeyError.weak`; `.notHex` for another count of bytes.
    package init(checking bytes: GuardedBytes, source: String) throws(EncryptionKeyError) {
        if let reason = WeakKey.reason(against: bytes) { throw .weak(reason, source: source) }
        guard let material = KeyMaterial(bytes, source: source) else {
            throw .notHex(source: source, characters: 2 * bytes.count)
        }
        self = material
    }

    /// Copies 32 bytes that a driver fetched into guarded memory, and checks that they are not a weak key.
    ///
    /// The driver's own copy lay in ordinary memory, and is gone when whoever holds `secret` lets it go.
    package init(copying secret: Secret<[UInt8]>, source: String) throws(EncryptionKeyError) {
        let outcome: Result<GuardedBytes, VaultError> = secret.reveal { bytes in
            do throws(VaultError) {
                return .success(try GuardedBytes(count: bytes.count) { $0.copyBytes(from: bytes) })
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let bytes): try self.init(checking: bytes, source: source)
        case .failure(let error): throw .vault(error)
        }
    }

    /// Lends the key as 64 digits in lower case, in guarded memory, to write them where a key belongs.
    package func withHexDigits<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let digits = try GuardedBytes(count: Self.hexDigits + 1) { text in
            self.bytes.withBytes { Sodium.encodeHex($0, into: text) }
        }
        return try digits.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<Self.hexDigits])) }
    }
}

extension String {
    /// What stands behind `prefix`; nil if the text does not begin with it.
    fileprivate func dropping(prefix: String) -> String? {
        self.hasPrefix(prefix) ? String(self.dropFirst(prefix.count)) : nil
    }
}
