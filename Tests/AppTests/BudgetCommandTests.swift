import ArgumentParser
import Core
import Database
import Metering
import TestKit
import Testing

@testable import Engine
@testable import turnpike

@Suite struct BudgetCommandTests {
    @Test(
        arguments: [
            ("100", BudgetUnit.money, 100_000_000), ("$12.50", .money, 12_500_000), ("1k", .money, 1_000_000_000),
            ("0.000001", .money, 1), ("1000", .requests, 1000), ("10k", .requests, 10_000),
            ("1.5M", .tokens, 1_500_000),
            ("2B", .tokens, 2_000_000_000), ("1.5", .tokens, nil), ("$5", .tokens, nil), ("1kk", .money, nil),
            ("", .money, nil), ("k", .money, nil), ("-1", .money, nil), ("1e3k", .money, nil), ("9e99", .tokens, nil),
        ] as [(String, BudgetUnit, Int64?)]
    )
    func `amounts are taken as people write them`(text: String, unit: BudgetUnit, expected: Int64?) {
        #expect(BudgetText.amount(text, in: unit) == expected)
    }

    @Test func `a budget reads as a line`() throws {
        let budget = try JSONValue.parse(
            #"{"id":"bud_1","name":"b","group":"demo","scope":{"user":"*","model":"gpt-4o"},"unit":"usd","limit":5.00,"#
                + #""per":"day","mode":"hard","spent":9.00,"reserved":0.00,"remaining":1.90,"subjects":[]}"#
        )
        #expect(BudgetText.limit(budget) == "$5.00 a day")
        #expect(BudgetText.about(budget) == "group demo, each user, model gpt-4o")
        // Of whoever has used the most, not of all together.
        #expect(BudgetText.used(budget) == "██████···· 62 %")
        #expect(
            BudgetText.sentence(budget)
                == "Budget b (bud_1) is in force: $5.00 a day, hard, for group demo, each user, model gpt-4o"
        )
        let whole = try JSONValue.parse(
            #"{"group":null,"scope":{},"unit":"tokens","limit":100,"per":"total","spent":180,"reserved":20,"#
                + #""remaining":0}"#
        )
        #expect(BudgetText.limit(whole) == "100 tokens in total" && BudgetText.about(whole) == "all calls")
        #expect(BudgetText.used(whole) == "██████████ 200 %")
    }

    @Test(arguments: [
        ["add"], ["add", "--usd", "x"], ["add", "--usd", "1", "--tokens", "1"], ["add", "--requests", "1.5"],
        ["add", "--usd", "1", "--hard", "--soft"], ["add", "--usd", "1", "--alert", "0"], ["update", "b"],
        ["update", "b", "--alert", "5", "--no-alerts"], ["show"], ["delete"],
    ])
    func `a command that says too little or too much exits with 2`(arguments: [String]) async {
        #expect(await Main.run(["budget"] + arguments) == 2)
    }

    @Test func `budgets are made, shown, changed and deleted on a store without a gateway`() async throws {
        let folder = try ScratchFolder()
        let config = folder.path + "/turnpike.yaml"
        let text = "data_dir: \(folder.path)/data\nbudgets: { file: { group: acme, usd: 3 } }\n"
        try SmallFile.writePrivate(text, to: config, replacing: false)
        func run(_ arguments: String...) async -> Int32 {
            await Main.run(["budget"] + arguments + ["--store", "--config", config])
        }
        #expect(await Main.run(["group", "create", "acme", "--store", "--config", config]) == 0)
        #expect(await run("add", "--group", "acme", "--usd", "12.5", "--per", "day", "--alert", "50,80", "--soft") == 0)
        #expect(await run("add", "--tokens", "1M", "--user", "*", "--name", "people") == 0)
        #expect(await run("add", "--group", "nowhere", "--usd", "1") == 1)
        #expect(await run("list") == 0)
        #expect(await run("show", "people") == 0)
        #expect(await run("show", "nobody") == 1)
        #expect(await run("update", "people", "--tokens", "2M", "--per", "total") == 0)
        #expect(await run("update", "people", "--usd", "2") == 2)
        #expect(await run("update", "settings:file", "--usd", "9") == 1)
        #expect(await run("delete", "acme-day", "--json") == 0)

        let settings = try Settings.load(SettingsSource.ofProcess(configPath: config)).settings
        let rules = try await LocalStore.with(settings) { store in
            try await store.database.read { try BudgetStore().all(in: $0) }
        }
        let people = BudgetRule(
            name: "people",
            scope: Scope([.user: .each]),
            unit: .tokens,
            limit: 2_000_000,
            window: .total,
            alerts: Budget.standardAlerts
        )
        #expect(rules == [people])
    }
}
