import Audit
import Auth
import Core
import Database
import NIOConcurrencyHelpers
import SQLite
import Testing

@testable import Metering
@testable import Operations

/// Budgets by role, group, and who set them.
@Suite struct BudgetTests {
    private let red = AdministrationFixture.red
    private let blue = AdministrationFixture.blue

    private static func draft(_ group: GroupID?, _ name: String? = nil, limit: String = "10") -> Budget.Draft {
        Budget.Draft(name: name, group: group, limit: limit)
    }

    @Test func `a group administrator makes budgets of their own group, and none beyond`() async throws {
        let store = try await AdministrationFixture()
        let (api, admin) = (store.administration, store.admin)
        let own = try await api.createBudget(Self.draft(nil, "own"), by: admin)
        #expect(own.group == self.red && own.rule.scope == Scope([.group: .one("red")]))
        guard case .store(let stored) = own.source else { throw GatewayError(.notFound, "") }
        #expect(stored.manager == .group && stored.createdBy == "ada")
        let refused: [(Budget.Draft, GatewayError.Code)] = [
            (Self.draft(self.blue), .notFound), (Self.draft(GroupID("nowhere")), .notFound),
            (.init(scope: Scope([.group: .one("blue")]), limit: "1"), .notFound),
            (.init(scope: Scope([.group: .each]), limit: "1"), .forbidden),
            (.init(group: self.red, scope: Scope([.group: .each]), limit: "1"), .invalidRequest),
            (.init(scope: Scope([.user: .one("root")]), limit: "1"), .notFound),
            (.init(scope: Scope([.key: .one("nobodys")]), limit: "1"), .notFound),
            (Self.draft(self.red, "own"), .conflict), (Self.draft(self.red, limit: "-1"), .invalidRequest),
        ]
        for (draft, expected) in refused {
            #expect(await code { try await api.createBudget(draft, by: admin) } == expected, "\(draft)")
        }
        _ = try await api.createBudget(.init(scope: Scope([.user: .one("ada")]), limit: "1"), by: admin)
        let all = try await store.database.read { try BudgetStore().all(in: $0) }
        #expect(all.count == 2 && store.changes.withLockedValue { $0 } == 2)
        let records = try await store.records()
        #expect(records.filter { $0.action == "budget.create" && $0.outcome == "done" }.count == 2)
        #expect(records.contains { $0.outcome == "refused" && $0.details.contains("FORBIDDEN") })
        let member = Actor(name: "m", role: .member, group: self.red)
        #expect(await code { try await api.createBudget(Self.draft(red), by: member) } == .forbidden)
        #expect(await code { try await api.listBudgets(.first, by: member) } == .forbidden)
    }

    @Test func `what a system administrator set for a group, the group sees and cannot change`() async throws {
        let store = try await AdministrationFixture()
        let (api, admin, system) = (store.administration, store.admin, store.system)
        let managed = try await api.createBudget(Self.draft(self.red, "cap"), by: system)
        let foreign = try await api.createBudget(Self.draft(self.blue, "cap"), by: system)
        let perGroup = try await api.createBudget(.init(scope: Scope([.group: .each]), limit: "5"), by: system)
        let whole = try await api.createBudget(Self.draft(nil, "all"), by: system)
        let perUser = try await api.createBudget(.init(scope: Scope([.user: .each]), limit: "5"), by: system)
        let own = try await api.createBudget(Self.draft(nil, "own"), by: admin)

        let seen = try await api.listBudgets(.first, by: admin)
        #expect(Set(seen.items.map(\.id)) == [managed.id, perGroup.id, own.id])
        #expect(try await api.listBudgets(.first, by: system).items.count == 6)
        let cells: [(ReportedBudget, GatewayError.Code?, GatewayError.Code?)] = [
            (managed, nil, .forbidden), (perGroup, nil, .forbidden), (own, nil, nil), (foreign, .notFound, .notFound),
            (whole, .notFound, .notFound), (perUser, .notFound, .notFound),
        ]
        let before = try await store.database.read { try $0.revision() }
        for (budget, looking, changing) in cells {
            #expect(await code { try await api.budget(budget.id, by: admin) } == looking, "\(budget.rule.name)")
            guard changing != nil else { continue }
            #expect(await code { try await api.updateBudget(budget.id, .init(limit: "99"), by: admin) } == changing)
            #expect(await code { try await api.deleteBudget(budget.id, by: admin) } == changing)
        }
        #expect(try await store.database.read { try $0.revision() } == before)
        let raised = try await api.updateBudget(own.id, .init(limit: "99.000001", mode: .soft), by: admin)
        #expect(raised.rule.limit == 99_000_001 && raised.rule.mode == .soft)
        let record = try #require(try await store.records().last)
        #expect(record.action == "budget.update" && record.details.contains("\"limitBefore\":10.00"))
        // A system administrator may do anything, and it stays whose it was.
        _ = try await api.updateBudget(own.id, .init(limit: "1"), by: system)
        _ = try await api.updateBudget(own.id, .init(limit: "2"), by: admin)
        try await api.deleteBudget(own.id, by: admin)
        for budget in [managed, foreign, perGroup, whole, perUser] {
            try await api.deleteBudget(budget.id, by: system)
        }
        #expect(try await api.listBudgets(.first, by: system).items.isEmpty)
        #expect(await code { try await api.deleteBudget(own.id, by: system) } == .notFound)
    }

    @Test func `a budget that nobody named is called after what it is about, each time differently`() async throws {
        let store = try await AdministrationFixture()
        let draft = Budget.Draft(scope: Scope([.user: .each]), unit: .tokens, limit: "5", window: .day)
        var names: [String] = []
        for _ in 0..<3 { names.append(try await store.administration.createBudget(draft, by: store.admin).rule.name) }
        let name = "red-each-user-tokens-day"
        #expect(names == [name, "\(name)-2", "\(name)-3"])
    }

    @Test func `budgets of the settings file stand in lists, and are changed there`() async throws {
        let rules = [
            BudgetRule(name: "z-red", scope: Scope([.group: .one("red")]), limit: 5, window: .month),
            BudgetRule(name: "a-blue", scope: Scope([.group: .one("blue")]), limit: 5, window: .month),
            BudgetRule(name: "each", scope: Scope([.group: .each]), limit: 5, window: .month),
            BudgetRule(name: "all", scope: Scope(), limit: 5, window: .month),
        ]
        let store = try await AdministrationFixture(budgets: rules)
        let (api, admin, system) = (store.administration, store.admin, store.system)
        for number in 0..<4 {
            store.clock.withLockedValue { $0.milliseconds += 1 }
            _ = try await api.createBudget(Self.draft(nil, "b\(number)"), by: admin)
        }
        for (actor, expected) in [
            (admin, ["each", "z-red", "b0", "b1", "b2", "b3"]),
            (system, ["a-blue", "all", "each", "z-red", "b0", "b1", "b2", "b3"]),
        ] {
            for limit in 1...9 {
                var names: [String] = []
                var request: PageRequest? = try PageRequest(limit: limit)
                while let page = request {
                    let found = try await api.listBudgets(page, by: actor)
                    #expect(found.items.count <= limit && (!found.items.isEmpty || names.isEmpty))
                    names += found.items.map(\.rule.name)
                    request = try found.nextCursor.map { try PageRequest(limit: limit, cursor: $0) }
                }
                #expect(names == expected, "pages of \(limit)")
            }
        }
        #expect(
            try await api.listBudgets(.first, source: .settings, by: admin).items.map(\.rule.name) == ["each", "z-red"]
        )
        #expect(try await api.listBudgets(.first, source: .api, by: admin).items.count == 4)
        let filtered = try await api.listBudgets(.first, filter: .init(group: self.red), by: system)
        #expect(filtered.items.map(\.rule.name) == ["z-red", "b0", "b1", "b2", "b3"])
        #expect(await code { try await api.listBudgets(.first, filter: .init(group: blue), by: admin) } == .notFound)

        #expect(try await api.budget("settings:z-red", by: admin).rule == rules[0])
        for (id, expected) in [
            ("settings:z-red", GatewayError.Code.conflict), ("settings:each", .conflict),
            ("settings:a-blue", .notFound), ("settings:all", .notFound), ("settings:none", .notFound),
        ] {
            #expect(await code { try await api.updateBudget(id, .init(limit: "9"), by: admin) } == expected, "\(id)")
            #expect(await code { try await api.deleteBudget(id, by: admin) } == expected, "\(id)")
            let hidden = expected == .notFound
            #expect((await code { try await api.budget(id, by: admin) } == .notFound) == hidden)
        }
    }

    @Test func `each budget tells how it stands, by what the gateway counts, and to a group nothing of others`()
        async throws
    {
        let store = try await AdministrationFixture()
        let (api, admin, system) = (store.administration, store.admin, store.system)
        let now = store.clock.withLockedValue { $0 }
        let perGroup = try await api.createBudget(.init(scope: Scope([.group: .each]), limit: "0.0001"), by: system)
        let own = try await api.createBudget(Self.draft(nil, "own", limit: "0.0001"), by: admin)
        func standing(_ rule: BudgetRule, _ group: String, _ spent: Int64, _ reserved: Int64) -> BudgetBook.Standing {
            BudgetBook.Standing(
                rule: rule,
                subject: Scope.Subject(values: [group, "", "", "", ""]),
                spent: spent,
                reserved: reserved,
                windowStart: rule.window.start(at: now),
                renewsAt: nil
            )
        }
        // As the meter has them: by rule, so that rules that count the same bring the same twice.
        var twin = own.rule
        twin.name = "twin"
        store.standings.withLockedValue {
            $0 = [
                standing(perGroup.rule, "blue", 30, 5), standing(perGroup.rule, "red", 70, 40),
                standing(own.rule, "red", 70, 40), standing(twin, "red", 70, 40),
            ]
        }
        let mine = try await api.budget(own.id, by: admin).account
        #expect(mine.spent == 70 && mine.reserved == 40 && mine.remaining == 0 && mine.subjects.isEmpty)
        #expect(mine.renewsAt == now.startOfNextMonth && mine.windowStart == now.startOfMonth)
        let whole = try await api.budget(perGroup.id, by: system).account
        #expect(whole.spent == 100 && whole.reserved == 45 && whole.remaining == 0 && whole.subjectCount == 2)
        #expect(whole.subjects.map { $0.subject[.group] } == ["red", "blue"])
        #expect(whole.subjects.map(\.remaining) == [0, 65])
        let part = try await api.budget(perGroup.id, by: admin).account
        #expect(part.spent == 70 && part.subjectCount == 1 && part.subjects.map { $0.subject[.group] } == ["red"])
        // A raised limit leaves more of the same.
        let raised = try await api.updateBudget(own.id, .init(limit: "0.0002"), by: admin).account
        #expect(raised.spent == 70 && raised.remaining == 90)
        // Another window is another count, which only the ledger can tell yet.
        let weekly = try await api.updateBudget(own.id, .init(window: .week), by: admin).account
        #expect(weekly.spent == 0 && weekly.windowStart == now.startOfWeek)
    }

    @Test func `of many that are counted each by itself, those who spent most are told`() async throws {
        let store = try await AdministrationFixture()
        let made = try await store.administration.createBudget(
            .init(scope: Scope([.user: .each]), unit: .requests, limit: "1000"),
            by: store.admin
        )
        store.standings.withLockedValue { standings in
            standings = (0..<150).map { number in
                BudgetBook.Standing(
                    rule: made.rule,
                    subject: Scope.Subject(values: ["red", "u\(number)", "", "", ""]),
                    spent: Int64(number),
                    reserved: 0,
                    windowStart: made.account.windowStart
                )
            }
        }
        let account = try await store.administration.budget(made.id, by: store.admin).account
        #expect(account.subjectCount == 150 && account.subjects.count == ReportedBudget.subjectsMax)
        #expect(account.subjects.first?.subject[.user] == "u149" && account.spent == 150 * 149 / 2)
        #expect(account.remaining == 1000 - 149)
    }
}
