import Chat
import Core
import Database
import Metering
import TestKit
import Testing

@testable import Engine
@testable import turnpike

/// `turnpike usage` on a store that no gateway has open.
@Suite struct UsageCommandTests {
    private let folder: ScratchFolder
    private var config: String { self.folder.path + "/turnpike.yaml" }

    init() async throws {
        self.folder = try ScratchFolder()
        try SmallFile.writePrivate("data_dir: \(self.folder.path)/data\n", to: self.config, replacing: false)
        #expect(await Main.run(["group", "create", "acme", "--store", "--config", self.config]) == 0)
        try await self.store { session in
            try LedgerStore().append((0..<120).map(Self.attempt), in: session)
        }
    }

    private static func attempt(_ n: Int) -> Attempt {
        let rates = Rates(input: 2_500_000, output: 10_000_000, source: "test")
        let intent = AttemptIntent(
            requestID: "req-\(n)",
            // 2026-11-20T10:00:00Z, a minute apart.
            startedAt: UnixTime(milliseconds: 1_795_168_800_000 + Int64(n) * 60_000),
            consumer: Consumer(group: "acme", key: "k", model: "fast"),
            operation: "chat",
            provider: "openai",
            upstreamModel: "gpt-4o-2024-08-06",
            isStream: false,
            inputEstimate: 1,
            rates: rates
        )
        let usage = TokenUsage(input: 1000, output: 100)
        let end = AttemptEnd(
            endedAt: intent.startedAt,
            outcome: .ok,
            source: .provider,
            usage: usage,
            cost: rates.cost(of: usage),
            charged: rates.cost(of: usage),
            isCharged: true
        )
        return Attempt(id: AttemptID(epoch: 1, counter: Int64(n)), intent: intent, end: end)
    }

    private func store(_ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        let settings = try Settings.load(SettingsSource.ofProcess(configPath: self.config)).settings
        try await LocalStore.with(settings) { store in try await store.database.write(body) }
    }

    private func run(_ arguments: String...) async -> Int32 {
        await Main.run(["usage"] + arguments + ["--config", self.config])
    }

    private func file(_ text: String, _ name: String) throws -> String {
        let path = "\(self.folder.path)/\(name)"
        try SmallFile.writePrivate(text, to: path, replacing: true)
        return path
    }

    @Test(arguments: [
        [], ["--by", "day,provider", "--from", "all"], ["--by", "month", "--csv", "--from", "2026-11-01"],
        ["--rows", "--limit", "3"], ["--rows", "--all", "--json"], ["--rows", "--csv"], ["report", "--json"],
        ["--group", "acme", "--model", "fast", "--from", "2026-11-20", "--to", "2026-11-21T00:00:00Z"],
    ])
    func `reports are shown in each form`(arguments: [String]) async {
        #expect(await Main.run(["usage"] + arguments + ["--store", "--config", self.config]) == 0)
    }

    @Test(arguments: [
        ["--by", "colour"], ["--rows", "--by", "day"], ["--csv", "--json"], ["--limit", "0"],
        ["--all", "--limit", "5"],
        ["verify", "--head", "5"], ["reconcile"], ["reconcile", "--provider", "openai"],
        ["reconcile", "--provider", "p", "--file", "/dev/null", "--tolerance", "much"],
        ["reconcile", "--provider", "p", "--file", "/dev/null", "--tolerance", "101%"],
    ])
    func `what makes no sense exits with 2`(arguments: [String]) async {
        #expect(await Main.run(["usage"] + arguments) == 2)
    }

    @Test func `a time that is none, and a group that nobody has, are told apart`() async {
        #expect(await self.run("--from", "then", "--store") == 1)
        #expect(await self.run("--group", "nobody", "--store") == 0)
    }

    @Test func `a sound ledger exits with 0, a changed one with 1 (row 82)`() async throws {
        #expect(await self.run("verify") == 0)
        #expect(await self.run("verify", "--json") == 0)
        try await self.store { session in
            try session.execute("DROP TRIGGER ledger_no_update")
            try session.execute("UPDATE ledger SET charged = 0 WHERE seq = 60")
        }
        #expect(await self.run("verify") == 1)
        #expect(await self.run("verify", "--json") == 1)
    }

    @Test func `an invoice that agrees exits with 0, another one with 1`() async throws {
        // 120 calls, 60 of them before noon: two hours of one day.
        let same = try self.file(
            "day,model,input_tokens,output_tokens,cost_usd\n2026-11-20,gpt-4o,120000,12000,0.42\n",
            "same.csv"
        )
        #expect(await self.run("reconcile", "--provider", "openai", "--file", same, "--store") == 0)
        #expect(await self.run("reconcile", "--provider", "openai", "--file", same, "--store", "--tolerance", "0") == 0)
        let more = try self.file("day,model,cost_usd\n2026-11-20,gpt-4o,0.43\n", "more.csv")
        #expect(await self.run("reconcile", "--provider", "openai", "--file", more, "--store") == 1)
        #expect(
            await self.run("reconcile", "--provider", "openai", "--file", more, "--store", "--tolerance", "5%") == 0
        )
        #expect(await self.run("reconcile", "--provider", "anthropic", "--file", same, "--store", "--json") == 1)
        let days = ["--from", "2026-11-21", "--to", "2026-11-22"]
        #expect(
            await Main.run(
                ["usage", "reconcile", "--provider", "openai", "--file", same, "--store", "--config", self.config]
                    + days
            ) == 1
        )
    }

    @Test func `what is no invoice is a failure that says where`() async throws {
        let wrong = try self.file("day,cost\nyesterday,1\n", "wrong.csv")
        #expect(await self.run("reconcile", "--provider", "openai", "--file", wrong, "--store") == 1)
        #expect(await self.run("reconcile", "--provider", "openai", "--file", "/does/not/exist", "--store") == 1)
    }

    @Test(arguments: [("1%", 0.01), ("0.01", 0.01), ("0", 0), ("100%", 1), ("2.5%", 0.025)])
    func `a tolerance is a share`(text: String, share: Double) throws {
        #expect(try UsageReconcileCommand.share(text) == share)
    }
}
