package import Agents
package import Audit
internal import Auth
package import Core
package import Database
package import Metering
package import Providers
package import Tools
package import Vault

/// The control path: everything that changes groups, people, gateway keys and credentials, for the API and for
/// commands alike.
///
/// Each action checks who asks, and makes its change and the audit record about it in one transaction: neither happens
/// without the other (row 54). A value; safe to use from anywhere.
package struct Administration: Sendable {
    /// What the administration is told about its surroundings.
    package struct Surroundings: Sendable {
        /// Seals and opens credentials with the keys in force.
        package var vault: @Sendable () -> Vault
        /// The audit log, signed with the keys in force.
        package var audit: @Sendable () -> AuditLog
        /// The wall clock.
        package var now: @Sendable () -> UnixTime
        /// The generator of secrets and ids; must be one that nobody can foresee.
        package var generator: @Sendable () -> any RandomNumberGenerator
        /// The names of the configured providers.
        package var providers: @Sendable () -> [String]
        /// Tries a key against its provider.
        package var liveTest: LiveTest
        /// The budgets of the settings file.
        package var settingsBudgets: @Sendable () async -> [BudgetRule]
        /// The agents of the settings file.
        package var settingsAgents: @Sendable () async -> [AgentProfile]
        /// How the budgets stand that a gateway in this process counts; empty without one.
        ///
        /// For those that are missing the ledger is asked.
        package var standings: @Sendable () -> [BudgetBook.Standing]
        /// The calls with such an id that this process remembers, the newest first.
        package var recentCalls: @Sendable (_ requestID: String) -> [RememberedCall]
        /// The aliases of the settings.
        package var routes: @Sendable () -> [Route]
        /// The tool servers; nil where there are none to be asked.
        package var tools: ToolServers?
        /// The breakers of the gateway in this process; nil without one.
        package var breakers: BreakerPanel?
        /// Called after each change that was committed, so that this process applies it at once.
        ///
        /// Other processes, and this one if it fails, notice the store's new revision within a second.
        package var onChange: @Sendable () async -> Void

        package init(
            vault: @escaping @Sendable () -> Vault,
            audit: @escaping @Sendable () -> AuditLog,
            now: @escaping @Sendable () -> UnixTime,
            generator: @escaping @Sendable () -> any RandomNumberGenerator,
            providers: @escaping @Sendable () -> [String],
            liveTest: @escaping LiveTest = { _, _ in .skipped },
            settingsBudgets: @escaping @Sendable () async -> [BudgetRule] = { [] },
            settingsAgents: @escaping @Sendable () async -> [AgentProfile] = { [] },
            standings: @escaping @Sendable () -> [BudgetBook.Standing] = { [] },
            recentCalls: @escaping @Sendable (_ requestID: String) -> [RememberedCall] = { _ in [] },
            routes: @escaping @Sendable () -> [Route] = { [] },
            tools: ToolServers? = nil,
            breakers: BreakerPanel? = nil,
            onChange: @escaping @Sendable () async -> Void = {}
        ) {
            self.vault = vault
            self.audit = audit
            self.now = now
            self.generator = generator
            self.providers = providers
            self.liveTest = liveTest
            self.settingsBudgets = settingsBudgets
            self.settingsAgents = settingsAgents
            self.standings = standings
            self.recentCalls = recentCalls
            self.routes = routes
            self.tools = tools
            self.breakers = breakers
            self.onChange = onChange
        }
    }

    package let database: any Database
    package let surroundings: Surroundings
    let groups = GroupStore()
    let users = UserStore()
    let keys = GatewayKeyStore()
    let budgets = BudgetStore()
    private let refusals = RefusalBudget()

    package init(database: any Database, surroundings: Surroundings) {
        self.database = database
        self.surroundings = surroundings
    }

    /// One action on one object, as the audit log tells it.
    package struct Deed: Sendable {
        /// The kind of object and a verb: `credential.create`.
        package var action: String
        /// The object's id; empty as long as it has none.
        package var objectID: String
        package var group: GroupID?
        /// Never a secret.
        package var details: [(String, JSONValue)]

        package init(
            _ action: String,
            _ objectID: String = "",
            in group: GroupID? = nil,
            details: [(String, JSONValue)] = []
        ) {
            self.action = action
            self.objectID = objectID
            self.group = group
            self.details = details
        }

        func entry(by actor: Actor, _ outcome: AuditEntry.Outcome) -> AuditEntry {
            var details = self.details
            if let keyID = actor.keyID, keyID != actor.name { details.append(("keyId", .string(keyID))) }
            return AuditEntry(
                actor: actor.name,
                actorGroup: actor.group,
                action: self.action,
                objectKind: String(self.action.prefix { $0 != "." }),
                objectID: self.objectID,
                group: self.group,
                outcome: outcome,
                requestID: actor.requestID,
                details: .object(details)
            )
        }
    }

    // MARK: - What all actions go through

    /// Makes a change and its audit record, or neither.
    ///
    /// - Parameter body: Makes the change; fills in what the record should say about it.
    func change<Result: Sendable>(
        _ deed: Deed,
        by actor: Actor,
        needing permission: Permission,
        _ body: @escaping @Sendable (any SQLSession, UnixTime, inout Deed) throws -> Result
    ) async throws(GatewayError) -> Result {
        try await self.admit(actor, permission, deed)
        let now = self.surroundings.now()
        let audit = self.surroundings.audit()
        let result: Result
        do {
            result = try await self.database.write { session in
                var deed = deed
                let result = try body(session, now, &deed)
                try audit.append(deed.entry(by: actor, .done), now: now, in: session)
                return result
            }
        } catch {
            let failure = GatewayError(administration: error, isChange: true)
            await self.note(failure, deed, by: actor)
            throw failure
        }
        await self.surroundings.onChange()
        return result
    }

    /// Looks something up for somebody who may see it.
    func look<Result: Sendable>(
        by actor: Actor,
        needing permission: Permission,
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws(GatewayError) -> Result {
        try permission.check(actor)
        do {
            return try await self.database.read { session in
                // Group administrators cannot be of a group that is gone; others are told so.
                if let group = permission.group { _ = try GroupStore().get(group, in: session) }
                return try body(session)
            }
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }

    /// Checks a permission, and records that somebody tried what they may not.
    package func admit(_ actor: Actor, _ permission: Permission, _ deed: Deed) async throws(GatewayError) {
        do {
            try permission.check(actor)
        } catch {
            await self.note(error, deed, by: actor)
            throw error
        }
    }

    /// Records a change that was refused or failed; mistakes in what was sent are not worth a record.
    ///
    /// Nothing happened, so nothing depends on this record: if it cannot be written, the answer is the same.
    func note(_ failure: GatewayError, _ deed: Deed, by actor: Actor) async {
        let outcome: AuditEntry.Outcome
        switch failure.code {
        case .forbidden, .notFound, .credentialNotFound, .conflict, .duplicateCredential: outcome = .refused
        case .credentialRejected, .internalFailure: outcome = .failed
        default: return
        }
        let now = self.surroundings.now()
        guard let unrecorded = self.refusals.take(now: now) else { return }
        var deed = deed
        deed.details.append(("code", .string(failure.code.rawValue)))
        if unrecorded > 0 { deed.details.append(("unrecordedBefore", .integer(Int64(unrecorded)))) }
        let entry = deed.entry(by: actor, outcome)
        let audit = self.surroundings.audit()
        _ = try? await self.database.write { session in try audit.append(entry, now: now, in: session) }
    }
}
