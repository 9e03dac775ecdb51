/// Why there is no usable encryption key; each reads as the end of the line that a refused start prints (row 48).
package enum EncryptionKeyError: Error, Sendable, Equatable {
    /// Not 64 hexadecimal digits; only how many characters there are is said.
    case notHex(source: String, characters: Int)
    case weak(WeakKey, source: String)
    /// The file cannot be read or written; `reason` is the system's word.
    case file(path: String, reason: String)
    /// A folder, a pipe or a device.
    case notAFile(path: String)
    /// Others than the owner may read or write the file; `mode` holds its permission bits.
    case notPrivate(path: String, mode: UInt32)
    /// The file belongs to another user than root and the one who runs this.
    case notOwned(path: String, owner: UInt32)
    case emptyFile(path: String)
    /// More keys or bytes than a key file has.
    case tooLarge(path: String)
    /// There is a file already, and it was not to be replaced.
    case exists(path: String)
    /// A scheme that nobody knows, as `vault:`.
    case unknownSource(String)
    /// No memory, no randomness, no libsodium.
    case vault(VaultError)
}

extension EncryptionKeyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notHex(let source, let characters):
            "\(source) must be 64 hexadecimal digits, it has \(characters) characters or others than digits; "
                + "`turnpike keyring generate` makes a key"
        case .weak(let reason, let source):
            "\(source) is not safe: \(reason.rawValue); `turnpike keyring generate` makes a key"
        case .file(let path, let reason): "key file \(path): \(reason)"
        case .notAFile(let path): "key file \(path) is not a regular file"
        case .notPrivate(let path, let mode):
            "key file \(path) can be read by others (mode 0\(String(mode, radix: 8))); if nobody else was here run "
                + "chmod 600 \(path), else rotate to a new key"
        case .notOwned(let path, let owner):
            "key file \(path) belongs to user \(owner); it must belong to the user who runs turnpike, or to root"
        case .emptyFile(let path): "key file \(path) holds no key"
        case .tooLarge(let path): "key file \(path) is larger than a key file can be"
        case .exists(let path): "key file \(path) exists and is not replaced"
        case .unknownSource(let scheme):
            "the encryption key cannot come from \"\(scheme):\"; use 64 hexadecimal digits, file:, aws-secret:, "
                + "aws-kms: or azure-vault:"
        case .vault(let error): "no encryption key: \(error)"
        }
    }
}
