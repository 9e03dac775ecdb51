import Chat
import Core
import Database
import Metering
import SQLite
import Testing

@Suite struct BudgetStoreTests {
    private static let now = LedgerFixture.start
    private let store = BudgetStore()

    private static func database() async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: Self.now)
        try await database.write { session in
            for group in ["demo", "acme"] {
                try session.execute(
                    "INSERT INTO groups (id, name, created_at, updated_at) VALUES (\(group), \(group), 0, 0)"
                )
            }
        }
        return database
    }

    private static func budget(
        _ number: Int,
        _ draft: Budget.Draft,
        manager: Budget.Manager = .group
    ) throws -> Budget {
        let made = UnixTime(milliseconds: Self.now.milliseconds + Int64(number))
        return try Budget(draft, id: "bud_\(number)", manager: manager, createdBy: "ada", now: made)
    }

    @Test func `what was stored comes back, in every column`() async throws {
        let database = try await Self.database()
        let drafts: [Budget.Draft] = [
            Budget.Draft(name: "plain", group: GroupID("demo"), limit: "12.5"),
            Budget.Draft(
                group: GroupID("demo"),
                scope: Scope([.user: .each, .key: .one("k1"), .agent: .one("a"), .model: .one("gpt-4o")]),
                unit: .tokens,
                limit: "1000000",
                window: .total,
                mode: .soft,
                alerts: [100, 50, 50]
            ),
            Budget.Draft(scope: Scope([.group: .each]), unit: .requests, limit: "0", window: .day, alerts: []),
            Budget.Draft(name: "all", limit: "1e9", window: .week),
        ]
        for (number, draft) in drafts.enumerated() {
            let budget = try Self.budget(number, draft)
            let (back, rules) = try await database.write { [store] session in
                try store.insert(budget, in: session)
                return (try store.get(budget.id, in: session), try store.all(in: session))
            }
            #expect(back == budget)
            #expect(rules.last == budget.rule)
        }
        let first = try await database.read { [store] in try store.get("bud_0", in: $0) }
        #expect(first.rule.limit == 12_500_000 && first.rule.scope == Scope([.group: .one("demo")]))
        let second = try await database.read { [store] in try store.get("bud_1", in: $0) }
        #expect(second.rule.name == "demo-each-user-k1-a-gpt-4o-tokens-total" && second.rule.alerts == [50, 100])
        // What belongs to nobody can only be for those who may do everything.
        let third = try await database.read { [store] in try store.get("bud_2", in: $0) }
        #expect(third.group == nil && third.manager == .system && third.rule.name == "each-group-requests-day")
    }

    @Test func `a scope that names a group belongs to it, and no other`() throws {
        let named = try Budget.Draft(scope: Scope([.group: .one("demo")]), limit: "1").normalized()
        #expect(named.group == GroupID("demo"))
        for scope in [Scope.Match.one("acme"), .each] {
            let draft = Budget.Draft(group: GroupID("demo"), scope: Scope([.group: scope]), limit: "1")
            #expect(throws: BudgetError.self) { try draft.normalized() }
        }
    }

    @Test(
        arguments: [
            (BudgetUnit.money, "12.5", 12_500_000), (.money, "0.1", 100_000), (.money, "1e2", 100_000_000),
            (.money, "0", 0),
            (.money, "1000000000", 1_000_000_000_000_000), (.money, "1000000000.01", nil), (.money, "-1", nil),
            (.money, "-0", nil), (.money, "", nil), (.money, "1,5", nil), (.money, "0x10", nil), (.money, "1e400", nil),
            (.requests, "1000", 1000), (.requests, "1e3", 1000), (.requests, "1.5", nil), (.requests, "-1", nil),
            (.tokens, "1000000000000000", 1_000_000_000_000_000), (.tokens, "1000000000000001", nil),
            (.tokens, "99999999999999999999", nil), (.tokens, "1000.0000001", nil), (.tokens, "\"5\"", nil),
        ] as [(BudgetUnit, String, Int64?)]
    )
    func `amounts are read exactly, or not at all`(unit: BudgetUnit, text: String, expected: Int64?) {
        #expect(unit.amount(text) == expected)
    }

    @Test func `what breaks a rule is refused by name`() throws {
        let long = String(repeating: "n", count: 101)
        let bad: [(Budget.Draft, String)] = [
            (.init(name: " ", limit: "1"), "name"), (.init(name: long, limit: "1"), "name"),
            (.init(name: "a\nb", limit: "1"), "name"), (.init(name: "a\u{202E}b", limit: "1"), "name"),
            (.init(limit: "x"), "limit"), (.init(unit: .requests, limit: "1.5"), "limit"),
            (.init(scope: Scope([.user: .one("")]), limit: "1"), "user"),
            (.init(scope: Scope([.model: .one("a\u{0}b")]), limit: "1"), "model"),
            (.init(limit: "1", alerts: [0]), "alerts"), (.init(limit: "1", alerts: [1001]), "alerts"),
            (.init(limit: "1", alerts: Array(1...11)), "alerts"),
        ]
        for (draft, field) in bad {
            do {
                _ = try Self.budget(1, draft)
                Issue.record("\(draft) was taken")
            } catch BudgetError.invalid(let found, _) {
                #expect(found == field)
            }
        }
    }

    @Test func `names are unique in a group and for the whole gateway, and every change counts up the revision`()
        async throws
    {
        let database = try await Self.database()
        let store = self.store
        func add(_ number: Int, _ draft: Budget.Draft) async throws {
            let budget = try Self.budget(number, draft)
            try await database.write { try store.insert(budget, in: $0) }
        }
        let start = try await database.read { try $0.revision() }
        try await add(1, .init(name: "a", group: GroupID("demo"), limit: "1"))
        try await add(2, .init(name: "a", group: GroupID("acme"), limit: "1"))
        try await add(3, .init(name: "a", limit: "1"))
        for (number, group) in [(4, GroupID("demo")), (5, nil)] as [(Int, GroupID?)] {
            await #expect(throws: BudgetError.duplicateName("a")) {
                try await add(number, .init(name: "a", group: group, limit: "1"))
            }
        }
        await #expect(throws: BudgetError.groupNotFound) {
            try await add(6, .init(name: "a", group: GroupID("nowhere"), limit: "1"))
        }
        #expect(try await database.read { try $0.revision() } == start + 3)
        #expect(try await database.read { try store.freeName("a", of: nil, in: $0) } == "a-2")
        #expect(try await database.read { try store.freeName("b", of: nil, in: $0) } == "b")

        let changed = try await database.write { session in
            try store.update("bud_1", .init(name: "b", limit: "2.25", mode: .soft), now: Self.now, in: session)
        }
        #expect(changed.rule.name == "b" && changed.rule.limit == 2_250_000 && changed.rule.mode == .soft)
        #expect(try await database.read { try store.get("bud_1", in: $0) } == changed)
        await #expect(throws: BudgetError.notFound) {
            try await database.write { _ = try store.update("bud_9", .init(mode: .soft), now: Self.now, in: $0) }
        }
        try await database.write { try store.delete("bud_1", in: $0) }
        await #expect(throws: BudgetError.notFound) { try await database.write { try store.delete("bud_1", in: $0) } }
        #expect(try await database.read { try $0.revision() } == start + 5)
        // A group takes its budgets along.
        try await database.write { _ = try $0.execute("DELETE FROM groups WHERE id = 'acme'") }
        #expect(try await database.read { try store.all(in: $0) }.map(\.scope) == [Scope()])
    }

    @Test func `a group has room for so many, whatever others have`() async throws {
        let database = try await Self.database()
        let store = self.store
        try await database.write { session in
            for number in 0..<BudgetStore.countMax {
                let draft = Budget.Draft(name: "b\(number)", group: GroupID("demo"), limit: "1")
                try store.insert(try Self.budget(number, draft), in: session)
            }
        }
        await #expect(throws: BudgetError.tooMany(limit: BudgetStore.countMax)) {
            let one = try Self.budget(900, .init(name: "more", group: GroupID("demo"), limit: "1"))
            try await database.write { try store.insert(one, in: $0) }
        }
        let other = try Self.budget(901, .init(name: "more", group: GroupID("acme"), limit: "1"))
        try await database.write { try store.insert(other, in: $0) }
    }

    @Test func `lists go on where they ended, and show a group its own and what counts each group`() async throws {
        let database = try await Self.database()
        let store = self.store
        try await database.write { session in
            for number in 0..<5 {
                try store.insert(
                    try Self.budget(number, .init(group: GroupID("demo"), limit: "1", window: .day))
                        .renamed("b\(number)"),
                    in: session
                )
            }
            try store.insert(try Self.budget(5, .init(group: GroupID("acme"), limit: "1")), in: session)
            try store.insert(try Self.budget(6, .init(scope: Scope([.group: .each]), limit: "1")), in: session)
            try store.insert(try Self.budget(7, .init(scope: Scope([.user: .each]), limit: "1")), in: session)
        }
        func ids(_ filter: BudgetStore.Filter) async throws -> [String] {
            try await database.read { try store.list(filter: filter, in: $0).items.map(\.id) }
        }
        #expect(try await ids(.init()).count == 8)
        #expect(try await ids(.init(visibleTo: GroupID("acme"))) == ["bud_5", "bud_6"])
        #expect(try await ids(.init(group: GroupID("acme"))) == ["bud_5"])
        #expect(try await ids(.init(visibleTo: GroupID("acme"), group: GroupID("demo"))) == [])
        #expect(try await ids(.init(window: .day, mode: .hard)).count == 5)
        #expect(try await ids(.init(unit: .tokens)) == [])
        // The same question, asked of one.
        let all = try await database.read { try store.list(in: $0).items }
        for filter: BudgetStore.Filter in [
            .init(), .init(visibleTo: GroupID("acme")), .init(group: GroupID("demo")), .init(window: .day),
        ] {
            #expect(try await ids(filter) == all.filter { filter.includes($0.rule, of: $0.group) }.map(\.id))
        }
        var seen: [String] = []
        var request: PageRequest? = try PageRequest(limit: 3)
        while let page = request {
            let found = try await database.read { try store.list(page, in: $0) }
            seen += found.items.map(\.id)
            request = try found.nextCursor.map { try PageRequest(limit: 3, cursor: $0) }
        }
        #expect(seen == all.map(\.id))
    }

    @Test func `where no gateway counts, budgets stand as the ledger says`() async throws {
        let fixture = try await LedgerFixture()
        _ = try await fixture.fill(0..<100)
        // A month before, which counts in the total alone.
        _ = try await fixture.append([
            LedgerFixture.attempt(500) { attempt in
                attempt.intent.startedAt = UnixTime(milliseconds: Self.now.milliseconds - 40 * 86_400_000)
            }
        ])
        let rules = [
            BudgetRule(name: "a", scope: Scope([.group: .one("acme")]), limit: 1, window: .day),
            BudgetRule(name: "b", scope: Scope([.user: .each]), unit: .requests, limit: 1, window: .month),
            BudgetRule(name: "c", scope: Scope(), unit: .tokens, limit: 1, window: .total),
            BudgetRule(name: "d", scope: Scope([.group: .one("nobody")]), limit: 1, window: .day),
        ]
        let standings = try await fixture.database.read { [store] session in
            try store.standings(of: rules, at: Self.now, in: session)
        }
        let attempts = (0..<100).map { LedgerFixture.attempt($0) }
        let cost = attempts.filter { $0.intent.consumer.group == "acme" }.reduce(0) { $0 + $1.end.charged.value }
        #expect(standings.filter { $0.rule.name == "a" }.map(\.spent) == [cost])
        let users = standings.filter { $0.rule.name == "b" }
        #expect(Set(users.map { $0.subject[.user] }) == ["user-0", "user-1", "user-2"])
        #expect(users.reduce(0) { $0 + $1.spent } == 100)
        let tokens = (attempts + [LedgerFixture.attempt(500)]).reduce(0) {
            $0 + Int64($1.end.usage.input ?? 0) + Int64($1.end.usage.output ?? 0)
        }
        #expect(standings.filter { $0.rule.name == "c" }.map(\.spent) == [tokens])
        #expect(standings.filter { $0.rule.name == "d" }.map(\.spent) == [0])
    }
}

extension Budget {
    fileprivate func renamed(_ name: String) throws -> Budget {
        try Budget(
            Draft(name: name, group: self.group, scope: self.rule.scope, limit: "1", window: self.rule.window),
            id: self.id,
            manager: self.manager,
            createdBy: self.createdBy,
            now: self.createdAt
        )
    }
}
