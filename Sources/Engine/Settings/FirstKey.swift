import Auth
package import Core
import Glibc

/// The gateway key that is made on a first start, so that there is one to call with.
///
/// Kept in `<data_dir>/first-key`, so that commands on this machine have a key; the store knows it as that of the user
/// `admin`.
package enum FirstKey {
    /// The name of the file in the data folder.
    package static let fileName = "first-key"
    /// The name the key has among the keys of the group `default`.
    package static let keyName = "first-key"

    /// Why there is no first key.
    package enum Failure: Error, CustomStringConvertible {
        case file(SmallFile.Failure)
        /// Others than the owner may read or write the file.
        case notPrivate(path: String, mode: UInt32)
        /// It belongs to somebody else.
        case notOwned(path: String)
        case notAKey(path: String)

        package var description: String {
            switch self {
            case .file(let failure): "the first key cannot be kept: \(failure)"
            case .notPrivate(let path, let mode):
                "\(path) can be read by others (mode 0\(String(mode, radix: 8))); a key that others may have seen is "
                    + "no secret: remove the file for a new key, or run chmod 600 if nobody else was here"
            case .notOwned(let path): "\(path) belongs to another user of this machine; remove it for a new key"
            case .notAKey(let path): "\(path) does not hold a key; remove it for a new one"
            }
        }
    }

    /// The key that an earlier start made, or nil.
    package static func existing(in folder: String) throws(Failure) -> Secret<String>? {
        let path = Self.path(in: folder)
        guard let stamp = SmallFile.stamp(path) else { return nil }
        guard stamp.mode & 0o077 == 0 else { throw .notPrivate(path: path, mode: stamp.mode) }
        guard stamp.owner == geteuid() else { throw .notOwned(path: path) }
        let text: String
        do {
            text = try SmallFile.read(path, bytesMax: 1_024)
        } catch {
            throw .file(error)
        }
        let line = String(text.prefix { $0 != "\n" && $0 != "\r" && $0 != "\r\n" })
        guard SettingRule.isGatewaySecret(line) else { throw .notAKey(path: path) }
        return Secret(line)
    }

    /// The key that an earlier start made, or a new one, which is on the disk when this returns.
    ///
    /// Safe when two starts do it at once: both get the same key.
    package static func existingOrNew(
        in folder: String,
        using random: inout some RandomNumberGenerator
    ) throws(Failure) -> (key: Secret<String>, isNew: Bool) {
        if let key = try Self.existing(in: folder) { return (key, false) }
        let key = GatewayKey(using: &random).text
        do {
            try SmallFile.makeFolder(folder)
            try key.reveal { text throws(SmallFile.Failure) in
                try SmallFile.writePrivate(text + "\n", to: Self.path(in: folder), replacing: false)
            }
        } catch {
            if error.code == EEXIST, let other = try Self.existing(in: folder) { return (other, false) }
            throw .file(error)
        }
        return (key, true)
    }

    /// Where the key is kept.
    package static func path(in folder: String) -> String {
        folder.hasSuffix("/") ? folder + Self.fileName : "\(folder)/\(Self.fileName)"
    }
}

extension Settings {
    /// Whether a start has to make a key if the store has none: this is not production, and the settings bring none.
    package var needsFirstKey: Bool {
        self.environment != .production && !self.groups.contains { !$0.keys.isEmpty }
    }
}
