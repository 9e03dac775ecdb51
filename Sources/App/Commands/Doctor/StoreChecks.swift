import Audit
import Auth
import Core
import Database
import Engine
import Net
import SQLite
import Vault

/// What can be checked of the store, its keys and the issuers; shows no key.
enum StoreChecks {
    static func all(_ settings: Settings) async -> [Finding] {
        guard SmallFile.stamp(settings.storage.path) != nil else {
            return [.ok("store", "\(settings.storage.path) will be made at the first start"), self.keySource(settings)]
        }
        var findings: [Finding] = []
        do {
            let store = try await Store.look(at: settings)
            findings.append(await self.store(store))
            findings.append(self.keys(store))
            if let finding = await self.credentials(store) { findings.append(finding) }
            findings.append(await self.audit(store))
            await store.close()
        } catch {
            findings.append(
                .fail("store", "\(error)", mend: "turnpike serve would refuse to start for the same reason")
            )
        }
        return findings
    }

    private static func store(_ store: Store) async -> Finding {
        guard let database = store.database as? SQLiteDatabase else { return .ok("store", store.path) }
        do {
            let problems = try await database.problems()
            guard problems.isEmpty else {
                return .fail(
                    "store",
                    "\(store.path): \(problems.prefix(3).joined(separator: "; "))",
                    mend: "stop, and turnpike restore a backup"
                )
            }
            let (version, counts) = try await database.read { session in
                (try MigrationRunner().version(in: session), try Self.counts(in: session))
            }
            // Opening asserts that commits are durable: WAL with synchronous=FULL.
            return .ok("store", "\(store.path): intact, schema \(version), durable commits; \(counts)")
        } catch {
            return .fail("store", "\(store.path): \(error)")
        }
    }

    private static func counts(in session: any SQLSession) throws -> String {
        let keys = try GatewayKeyStore().activeEntries(now: SystemClock.now, in: session).count
        let credentials = try CredentialStore.sealedKey.count(in: session)
        return "\(keys) gateway keys work, \(credentials) provider keys"
    }

    private static func keys(_ store: Store) -> Finding {
        let ring = store.keyring
        let text = "\(ring.primary.source), id \(ring.primary.id.short), \(ring.keys.count - 1) previous"
        switch store.opening.standing {
        case .current: return .ok("encryption key", text)
        case .rotationWanted(let old, let new):
            return .warn(
                "encryption key",
                "\(text); the store still seals with \(old.short), not \(new.short)",
                mend: "run the gateways, which re-seal, or turnpike credential rotate"
            )
        case .retiredKeyFirst(let old, let active):
            return .warn(
                "encryption key",
                "\(text); the settings still name the retired key \(old.short) first, not \(active.short)",
                mend: "put the new key first, and the old one into credentials.previous_keys"
            )
        case .activeKeyMissing(let key, let rows):
            return .fail(
                "encryption key",
                "\(text); the store seals with \(key.short), which is not there: \(rows) rows cannot be read",
                mend: "add that key to credentials.previous_keys"
            )
        }
    }

    private static func keySource(_ settings: Settings) -> Finding {
        do {
            guard let file = try KeySources(settings).keyFile() else {
                return .ok("encryption key", "from the settings")
            }
            guard file.exists else {
                return settings.encryption.key == nil
                    ? .ok("encryption key", "\(file.path) will be made at the first start")
                    : .fail("encryption key", "\(file.path) is not there", mend: "turnpike keyring generate --output")
            }
            return .ok("encryption key", "\(file.path), id \(try file.read().first?.id.short ?? "-")")
        } catch {
            return .fail("encryption key", "\(error)")
        }
    }

    /// Nil where there are none.
    private static func credentials(_ store: Store) async -> Finding? {
        do {
            let look = try await Verification.run(store.database, ring: store.keyring)
            guard look.total > 0 else { return nil }
            guard look.isComplete else {
                return .fail(
                    "provider keys",
                    "\(look.badCount) of \(look.total) cannot be opened",
                    mend: "turnpike credential verify names them"
                )
            }
            return .ok("provider keys", "\(look.total), all open")
        } catch {
            return .fail("provider keys", "\(error)")
        }
    }

    private static func audit(_ store: Store) async -> Finding {
        do {
            let audit = store.audit
            let verdict = try await store.database.read { try audit.verify(in: $0) }
            guard let fault = verdict.fault else { return .ok("audit log", "\(verdict.count) records, all as written") }
            return .fail("audit log", "\(fault)", mend: "somebody changed the database; compare with a backup")
        } catch {
            return .fail("audit log", "\(error)")
        }
    }

    // MARK: - Issuers

    /// Whether each issuer's keys can be had.
    static func issuers(_ settings: Settings, _ client: CommandClient) async -> [Finding] {
        guard !settings.issuers.isEmpty else { return [] }
        do {
            let verifier = try JWTVerifier(
                issuers: settings.issuers,
                fetcher: client.fetcher,
                now: { SystemClock.now }
            )
            return await verifier.fetchOnce().map { status in
                guard let failure = status.failure else {
                    return .ok("issuer \(status.issuerName)", "\(status.keyCount) keys")
                }
                return .fail(
                    "issuer \(status.issuerName)",
                    failure,
                    mend: "check auth.jwt: jwks_url, allow_private, ca_file"
                )
            }
        } catch {
            return [.fail("issuers", "\(error)")]
        }
    }
}
