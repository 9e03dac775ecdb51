package import Auth
package import Core

extension Settings {
    /// `storage:`.
    package struct Storage: Sendable, Equatable {
        /// The file of the database.
        package var path: String
    }

    /// `credentials:`.
    package struct Encryption: Sendable, Equatable {
        /// What `credentials.encryption_key` says; nil for the key file in the data folder.
        package var key: Secret<String>?
        /// What `credentials.previous_keys` says.
        package var previous: [Secret<String>]
        /// Whether a key may be fetched from a private address.
        package var allowPrivate: Bool

        package static func == (left: Encryption, right: Encryption) -> Bool {
            let (mine, others) = ([left.key].compactMap(\.self), [right.key].compactMap(\.self))
            return left.allowPrivate == right.allowPrivate
                && mine.elementsEqual(others) { $0.holdsSame(as: $1) }
                && left.previous.elementsEqual(right.previous) { $0.holdsSame(as: $1) }
        }
    }

    /// A person of `bootstrap:`.
    package struct User: Sendable, Equatable {
        package var id: String
        /// For people.
        package var name: String?
        package var email: String?
        package var role: Role
    }

    /// The file of the encryption key where the settings do not say where it is.
    package var standardKeyPath: String { self.inDataFolder("encryption.key") }

    /// A file in the data folder.
    package func inDataFolder(_ name: String) -> String {
        self.dataDirectory.hasSuffix("/") ? self.dataDirectory + name : "\(self.dataDirectory)/\(name)"
    }
}
