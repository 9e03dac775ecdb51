/// The keys one instance can open blobs with, and the one it seals with.
///
/// Immutable: a change makes a new ring. A blob is opened with the key that it names or not at all: this cipher does
/// not commit to its key, so trying one after the other could be made to lie.
package struct Keyring: Sendable {
    /// The key that the settings give first, whatever the store says.
    package let primary: SealingKey
    /// All keys, the primary first, each once.
    package let keys: [SealingKey]
    /// The name of the key that the store has all instances seal with.
    package let activeID: KeyID

    /// - Parameters:
    ///   - primary: What `credentials.encryption_key` gives.
    ///   - previous: What `credentials.previous_keys` and the further lines of a key file give.
    ///   - active: The key that the store says is active; the primary until it says so.
    package init(primary: SealingKey, previous: [SealingKey] = [], active: KeyID? = nil) {
        self.primary = primary
        var keys = [primary]
        for key in previous where !keys.contains(where: { $0.id == key.id }) { keys.append(key) }
        self.keys = keys
        self.activeID = active ?? primary.id
    }

    /// The names of all keys, the primary's first.
    package var ids: [KeyID] { self.keys.map(\.id) }

    /// The key named `id`.
    ///
    /// - Throws: `VaultError.unknownKeyID`.
    package func key(_ id: KeyID) throws(VaultError) -> SealingKey {
        for key in self.keys where key.id == id { return key }
        throw .unknownKeyID(id)
    }

    /// The key to seal with.
    ///
    /// - Throws: `VaultError.activeKeyMissing`.
    package func active() throws(VaultError) -> SealingKey {
        for key in self.keys where key.id == self.activeID { return key }
        throw .activeKeyMissing(self.activeID)
    }

    /// The same keys, sealing with another one.
    package func sealing(with id: KeyID) -> Keyring {
        Keyring(primary: self.primary, previous: self.keys, active: id)
    }

    /// A ring of this one key, to prove that no other one is needed.
    package func only(_ id: KeyID) throws(VaultError) -> Keyring { Keyring(primary: try self.key(id)) }

    /// The ring with `key` added for reading.
    package func adding(_ key: SealingKey) -> Keyring {
        Keyring(primary: self.primary, previous: self.keys + [key], active: self.activeID)
    }
}
