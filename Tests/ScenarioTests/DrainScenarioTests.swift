import Core
import Database
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Net
import Pipeline
import Providers
import SQLite
import Simulator
import TestKit
import Testing
import Transport

/// Clients that leave a provider with `on_disconnect: drain`, through the whole gateway with a journal and a ledger.
///
/// The provider's own record says how far it was read (row 93).
@Suite struct DrainScenarioTests {
    /// What is accounted for, and what can be set.
    final class Books {
        struct Row: Equatable {
            var outcome: String
            var source: String
            var code: String
            var input: Int64?
            var output: Int64?
        }

        let clock = NIOLockedValueBox(TimeAmount.zero)
        var extras = GatewayScenario.Extras()
        private let scratch: ScratchFolder
        let database: SQLiteDatabase
        private let keeper: JournalKeeper
        private let fold: LedgerFold

        init(_ limits: Drains.Limits = Drains.Limits()) async throws {
            self.scratch = try ScratchFolder()
            let database = try SQLiteDatabase.inMemory()
            self.database = database
            let now = UnixTime(seconds: 1_795_262_400)
            try await MigrationRunner().run(on: database, now: now)
            let epoch = try await database.write { try LedgerStore().newEpoch(instance: "test", now: now, in: $0) }
            let (writer, encoder, keeper) = try Journal.open(
                folder: "\(self.scratch.path)/journal",
                epoch: epoch,
                key: JournalKey([UInt8](repeating: 7, count: 16)),
                options: JournalOptions(now: { now }) { Issue.record("the journal failed: \($0)") }
            )
            self.keeper = keeper
            let meter = Meter(epoch: epoch, journal: writer, encoder: encoder, keeper: keeper)
            let surroundings = LedgerFold.Surroundings(now: { now }, onFault: { Issue.record("\($0)") })
            self.fold = LedgerFold(meter: meter, keeper: keeper, database: database, surroundings: surroundings)
            let clock = self.clock
            self.extras.onDisconnect = .drain
            self.extras.meter = meter
            self.extras.drains = Drains(limits: limits) { .uptimeNanoseconds(1) + clock.withLockedValue { $0 } }
        }

        /// The ledger, with all that has ended by now.
        func rows() async throws -> [Row] {
            try await self.bringIn()
            return try await self.database.read { session in
                try session.rows("SELECT * FROM ledger ORDER BY seq").map { row in
                    Row(
                        outcome: try row.text("outcome"),
                        source: try row.text("usage_source"),
                        code: try row.text("code"),
                        input: try row.optionalInteger("input_tokens"),
                        output: try row.optionalInteger("output_tokens")
                    )
                }
            }
        }

        /// Brings all that has ended by now into the ledger.
        func bringIn() async throws { try await self.fold.fold() }

        func close() async throws { try await self.keeper.close() }
    }

    /// Runs one call whose client leaves, and waits for the end of it on both sides.
    private static func leave(
        _ model: String,
        stream: Bool,
        reads: Bool = true,
        _ leaving: StreamScenarioTests.Leaving = .fin,
        limits: Drains.Limits = Drains.Limits(),
        then: (GatewayScenario, Books) async throws -> Void = { _, _ in }
    ) async throws -> (call: RecordedCall, rows: [Books.Row]) {
        let books = try await Books(limits)
        let drains = books.extras.drains
        let call = try await GatewayScenario.with(extras: books.extras) { scenario in
            let peer = try await scenario.chat(model, stream: stream)
            if stream, reads { try await peer.read(until: "data: ") }
            #expect(try await scenario.waitForRecord { reads ? !$0.isEmpty : ($0.first?.timesBlocked ?? 0) > 0 })
            if leaving == .fin { await peer.close() } else { try await peer.reset() }
            try await then(scenario, books)
            #expect(try await scenario.waitForRecord { ![nil, .running].contains($0.first?.ending) })
            for _ in 0..<400 where !scenario.logText().contains("\"status\":499") {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            #expect(scenario.logText().contains("\"status\":499"))
            #expect(scenario.simulator.record().count == 1)
            return try #require(scenario.simulator.record().first)
        }
        #expect(drains.count == 0)
        let rows = try await books.rows()
        try await books.close()
        return (call, rows)
    }

    @Test(arguments: [false, true], StreamScenarioTests.Leaving.allCases)
    func `the ledger has the provider's own figures of an answer whose client left`(
        stream: Bool,
        leaving: StreamScenarioTests.Leaving
    ) async throws {
        let model = stream ? "sim?chunks=30&interval_ms=70" : "sim?chunks=30&head_ms=2000"
        let (call, rows) = try await Self.leave(model, stream: stream, leaving)
        #expect(call.ending == .completed)
        let row = Books.Row(
            outcome: "partial_client_gone",
            source: "provider",
            code: "client_gone",
            input: Int64(call.promptTokens),
            output: Int64(call.completionTokens)
        )
        #expect(rows == [row])
    }

    @Test func `an answer that goes on for ever is cut off when its time is over`() async throws {
        let (call, rows) = try await Self.leave("sim?endless=1&interval_ms=10", stream: true) { scenario, books in
            let drains = books.extras.drains
            for _ in 0..<400 where drains.count == 0 {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            #expect(drains.count == 1)
            let events = scenario.simulator.record().first?.eventsWritten ?? 0
            #expect(try await scenario.waitForRecord { ($0.first?.eventsWritten ?? 0) > events + 20 })
            books.clock.withLockedValue { $0 = .seconds(15) }
            drains.cutOverdue()
        }
        #expect([.clientClosed, .clientReset].contains(call.ending))
        #expect(rows.map(\.outcome) == ["partial_client_gone"])
        #expect(rows.first?.source == "estimated")
    }

    @Test(arguments: [false, true])
    func `an answer that goes on for ever is cut off at so many bytes, also of a client that read none`(
        reads: Bool
    ) async throws {
        var limits = Drains.Limits()
        limits.bytes = 200_000
        let model = "sim?endless=1&chunk_bytes=10000"
        let (call, rows) = try await Self.leave(model, stream: true, reads: reads, limits: limits)
        #expect([.clientClosed, .clientReset].contains(call.ending))
        #expect(rows.map(\.outcome) == ["partial_client_gone"])
    }

    @Test func `a server that goes down waits no longer than its time for an answer that nobody reads`() async throws {
        let (call, rows) = try await Self.leave("sim?endless=1&interval_ms=10", stream: true) { scenario, books in
            for _ in 0..<400 where books.extras.drains.count == 0 {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            #expect(await scenario.server.drain(within: .milliseconds(100)) == 1)
        }
        #expect([.clientClosed, .clientReset].contains(call.ending))
        #expect(rows.map(\.outcome) == ["partial_client_gone"])
    }
}
