import Core
import Metering
import TestKit
import Testing

/// Budgets that are taken out of force and come back, as live settings allow at any moment.
@Suite struct BudgetReturnTests {
    private static func rule(_ name: String, model: String = "", unit: BudgetUnit = .money) -> BudgetRule {
        var scope = Scope([.group: .one("demo")])
        if !model.isEmpty { scope[.model] = .one(model) }
        return BudgetRule(name: name, scope: scope, unit: unit, limit: 1_000_000, window: .month)
    }

    @Test func `a budget that comes back counts what was spent before and meanwhile, once`() async throws {
        let fixture = try await MeterFixture()
        let (back, other) = (Self.rule("back"), Self.rule("other", model: "fast"))
        try await fixture.fold.install([back, other])
        _ = fixture.meter.end(try fixture.begin(1), fixture.findings())
        // Another stays behind it, so that its place is not given up.
        try await fixture.fold.install([other])
        _ = fixture.meter.end(try fixture.begin(2), fixture.findings())
        try await fixture.fold.install([back, other])
        let standings = fixture.meter.standings(at: MeterFixture.noon)
        #expect(standings.map(\.spent) == [40, 40])
    }

    @Test func `a budget that comes back while a call of its first time still runs counts nothing twice`() async throws
    {
        let fixture = try await MeterFixture()
        let rule = Self.rule("back")
        try await fixture.fold.install([rule])
        _ = fixture.meter.end(try fixture.begin(1), fixture.findings())
        let running = try fixture.begin(2)
        try await fixture.fold.install([])
        try await fixture.fold.install([rule])
        #expect(fixture.spent() == 20)
        #expect(fixture.reserved() == 20)
        _ = fixture.meter.end(running, fixture.findings())
        #expect(fixture.spent() == 40)
        #expect(fixture.reserved() == 0)
    }

    @Test(arguments: [BudgetUnit.money, .requests, .tokens])
    func `what a call had set aside is free when it ends without any budget`(unit: BudgetUnit) async throws {
        let fixture = try await MeterFixture()
        let rule = Self.rule("back", unit: unit)
        try await fixture.fold.install([rule])
        let running = try fixture.begin(1)
        #expect(fixture.reserved() > 0)
        try await fixture.fold.install([])
        _ = fixture.meter.end(running, fixture.findings())
        try await fixture.fold.install([rule])
        #expect(fixture.reserved() == 0)
        #expect(fixture.spent() == [.money: 20, .requests: 1, .tokens: 15][unit])
    }
}
