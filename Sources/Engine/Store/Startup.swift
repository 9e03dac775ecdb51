package import Core
import Database
import Glibc
import Vault

/// What must be there before a gateway listens: the store, its keys, and somebody who may administer it.
package struct Startup: Sendable {
    package let store: Store
    /// The first key, whether it was made now or at an earlier start; nil if there is none.
    package let firstKey: Secret<String>?
    /// Whether it was made now, so that it is shown.
    package let isFirstKeyNew: Bool
    /// Things that the operator should know, one line each.
    package let warnings: [String]

    /// Opens the store, and puts into it what a first start makes and what the settings bring.
    ///
    /// - Throws: `CommandFailure` with one line; nothing listens then (row 48).
    package static func open(_ settings: Settings) async throws -> Startup {
        // Before a key is read (row 56).
        let hardening = ProcessHardening.apply()
        do {
            try SmallFile.makeFolder(settings.dataDirectory)
        } catch {
            throw CommandFailure("data_dir \(error)")
        }
        let store = try await Store.open(settings)
        do {
            let (firstKey, isNew) = try await Self.firstKey(settings, store)
            try await Bootstrap.run(settings, firstKey: firstKey, store: store)
            return Startup(
                store: store,
                firstKey: firstKey,
                isFirstKeyNew: isNew,
                warnings: try await Self.warnings(settings, store, hardening)
            )
        } catch {
            await store.close()
            throw Store.failure(error, store.path)
        }
    }

    /// The key that an earlier start made, or a new one where nobody has any; nil in production, and where none is
    /// needed.
    private static func firstKey(_ settings: Settings, _ store: Store) async throws -> (Secret<String>?, Bool) {
        guard settings.environment != .production else { return (nil, false) }
        do throws(FirstKey.Failure) {
            if let key = try FirstKey.existing(in: settings.dataDirectory) { return (key, false) }
        } catch {
            throw CommandFailure(error.description)
        }
        guard settings.needsFirstKey, try await Bootstrap.hasNoKeys(store) else { return (nil, false) }
        do throws(FirstKey.Failure) {
            var random = SystemRandomNumberGenerator()
            let made = try FirstKey.existingOrNew(in: settings.dataDirectory, using: &random)
            return (made.key, made.isNew)
        } catch {
            throw CommandFailure(error.description)
        }
    }

    private static func warnings(
        _ settings: Settings,
        _ store: Store,
        _ hardening: ProcessHardening.Report
    ) async throws -> [String] {
        var warnings: [String] = []
        switch store.opening.standing {
        case .current: break
        case .rotationWanted(let old, let new):
            warnings.append(
                "credentials are sealed with key \(old.short), the settings name \(new.short) first: they are "
                    + "re-sealed as soon as every gateway has both"
            )
        case .retiredKeyFirst(let old, let active):
            warnings.append(
                "the settings name the retired key \(old.short) first, credentials are sealed with \(active.short): "
                    + "put that one first, and the old one into credentials.previous_keys as long as there are old "
                    + "backups"
            )
        case .activeKeyMissing(let key, let rows):
            warnings.append(
                "the key \(key.short) that the store seals with is not in the settings: \(rows) credentials cannot be "
                    + "read, and none can be added; add it to credentials.previous_keys"
            )
        }
        if !hardening.memoryLocked {
            warnings.append("memory with keys cannot be locked against swapping; raise RLIMIT_MEMLOCK (ulimit -l)")
        }
        if try await Bootstrap.hasNoKeys(store), settings.issuers.isEmpty {
            warnings.append("nobody has a gateway key yet: turnpike key create --group default --name first")
        }
        return warnings
    }
}

/// Names this process to others on the same store: host, process, and some chance.
package enum InstanceName {
    package static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let chance = String(UInt32.random(in: 0 ... .max, using: &random), radix: 36)
        return "\(self.host):\(getpid()):\(chance)"
    }

    /// Whether the name is that of a process of this machine that is no more.
    ///
    /// False for other machines. Two containers that share a host name can be wrong about each other; a rotation that
    /// is taken over notices it at its next write and stops.
    static func hasDied(_ name: String) -> Bool {
        let parts = name.split(separator: ":")
        guard parts.count >= 3, parts.dropLast(2).joined(separator: ":") == self.host,
            let process = pid_t(parts[parts.count - 2]), process != getpid()
        else { return false }
        return kill(process, 0) != 0 && errno == ESRCH
    }

    /// The machine's name.
    package static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return host.isEmpty ? "host" : host
    }
}
