/// Why the vault would not seal or open.
///
/// No case holds a key, a plaintext or a ciphertext.
package enum VaultError: Error, Sendable, Equatable {
    /// The blob says that it was sealed with a key that is not in the ring; no other key is tried (row 60).
    case unknownKeyID(KeyID)
    /// Not a blob, cut short, changed, or sealed for another row, group, provider or field (rows 57, 58).
    ///
    /// One case for all of them, so that the answer tells an attacker nothing about which.
    case unreadable
    /// The store's active key is not in the ring, so nothing can be sealed that every instance could open.
    case activeKeyMissing(KeyID)
    /// The system gave no random bytes; nothing is sealed without them (row 59).
    case noRandomness
    /// The system gave no guarded memory.
    case noGuardedMemory
    /// libsodium did not start.
    case noSodium
    /// More than `SealedCredential.plaintextBytesMax` bytes.
    case tooLong(bytes: Int)
}

extension VaultError: CustomStringConvertible {
    /// One line for logs and operators.
    package var description: String {
        switch self {
        case .unknownKeyID(let id): "sealed with key \(id), which is not in the ring"
        case .unreadable: "not readable: changed, cut short, or sealed for another place"
        case .activeKeyMissing(let id): "the store's active key \(id) is not in the ring"
        case .noRandomness: "the system gave no random bytes"
        case .noGuardedMemory: "the system gave no guarded memory (RLIMIT_MEMLOCK, or out of memory)"
        case .noSodium: "libsodium did not start"
        case .tooLong(let bytes): "\(bytes) bytes are more than the vault seals"
        }
    }
}
