import Core
import Database
import EventBus
import Metering
import NIOConcurrencyHelpers
import NIOCore
import SQLite
import Testing

@Suite struct OutboxTests {
    /// What came, in order.
    private final class Listener: Sendable {
        private let events = NIOLockedValueBox<[Event]>([])

        var ids: [String] { self.events.withLockedValue { $0.map(\.id) } }
        var all: [Event] { self.events.withLockedValue { $0 } }

        func take(_ events: [Event]) { self.events.withLockedValue { $0 += events } }
    }

    private let fixture: LedgerFixture
    private let bus = EmbeddedEventBus()
    private let listener = Listener()

    init() async throws {
        self.fixture = try await LedgerFixture()
        let listener = self.listener
        self.bus.subscribe(to: [UsagePublisher.topic]) { listener.take($0) }
    }

    private func publisher(_ database: (any Database)? = nil) -> UsagePublisher {
        UsagePublisher(database: database ?? self.fixture.database, bus: self.bus)
    }

    /// Steps until nothing is new.
    private func drain(_ publisher: UsagePublisher) async throws {
        while try await publisher.step() > 0 {}
    }

    private static func ids(_ numbers: Range<Int>) -> [String] { numbers.map { "1-\($0)" } }

    @Test func `every row is told once and in order, across as many batches as it takes`() async throws {
        try await self.fixture.fill(0..<450)
        try await self.drain(self.publisher())
        #expect(self.listener.ids == Self.ids(0..<450))
        try await self.fixture.fill(450..<460)
        try await self.drain(self.publisher())
        #expect(self.listener.ids == Self.ids(0..<460))
        let event = try #require(self.listener.all.first)
        #expect(event.topic == "billing-usage")
        #expect(event.key == "acme")
        let json = try JSONValue.parse(event.body)
        #expect(json["requestId"]?.stringValue == "req-0")
        #expect(json["groupId"]?.stringValue == "acme")
        #expect(json["usage"]?["inputTokens"]?.intValue == 100)
        #expect(json["costUsd"]?.text == LedgerFixture.attempt(0).end.cost.dollars)
    }

    @Test func `a crash between the bus and the cursor repeats the events with the same ids, and loses none`()
        async throws
    {
        try await self.fixture.fill(0..<250)
        let failing = FailingWrites(self.fixture.database)
        await #expect(throws: InjectedFailure.here) { try await self.publisher(failing).step() }
        #expect(self.listener.ids == Self.ids(0..<200))
        try await self.drain(self.publisher())
        #expect(self.listener.ids == Self.ids(0..<200) + Self.ids(0..<250))
    }

    @Test func `a bus that fails loses nothing, and gets the same again after growing waits`() async throws {
        try await self.fixture.fill(0..<300)
        let bus = FailingBus(failures: 9)
        let waits = NIOLockedValueBox<[Duration]>([])
        let failures = NIOLockedValueBox(0)
        let publisher = UsagePublisher(database: self.fixture.database, bus: bus)
        await publisher.run(
            wait: { duration in
                waits.withLockedValue { $0.append(duration) }
                if bus.taken.count >= 300 { throw CancellationError() }
            },
            onFailure: { _ in failures.withLockedValue { $0 += 1 } }
        )
        #expect(failures.withLockedValue { $0 } == 9)
        #expect(bus.taken.map(\.id) == Self.ids(0..<300))
        let seconds = waits.withLockedValue { $0 }.prefix(9).map {
            Double($0.components.attoseconds) / 1e18 + Double($0.components.seconds)
        }
        #expect(seconds == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30])
    }

    @Test func `rows are passed over where nobody listens, and told again from there on`() async throws {
        let isWanted = NIOLockedValueBox(false)
        let publisher = UsagePublisher(database: self.fixture.database, bus: self.bus) {
            isWanted.withLockedValue { $0 }
        }
        try await self.fixture.fill(0..<30)
        #expect(try await publisher.step() == 30)
        #expect(try await publisher.step() == 0)
        isWanted.withLockedValue { $0 = true }
        try await self.fixture.fill(30..<35)
        try await self.drain(publisher)
        #expect(self.listener.ids == Self.ids(30..<35))
    }

    @Test func `the cursor never goes back, whoever moves it`() async throws {
        try await self.fixture.fill(0..<10)
        let database = self.fixture.database
        let bus = InterferingBus {
            // Another process was quicker.
            _ = try await database.write {
                try $0.execute("INSERT INTO event_cursors (topic, seq) VALUES ('billing-usage', 300)")
            }
        }
        _ = try await UsagePublisher(database: database, bus: bus).step()
        let cursor = try await database.read { try $0.first("SELECT seq FROM event_cursors")?.integer("seq") }
        #expect(cursor == 300)
    }

    // MARK: - The bus of one process

    @Test func `each subscriber gets its topics, and a publisher waits until all have taken them`() async throws {
        let bus = EmbeddedEventBus()
        let (usage, all) = (Listener(), Listener())
        let first = bus.subscribe(to: ["a"]) { usage.take($0) }
        bus.subscribe(to: ["a", "b"]) { all.take($0) }
        let events = ["a", "b", "a", "c"].enumerated().map { index, topic in
            Event(topic: topic, key: "k", id: "\(index)", body: ByteBuffer())
        }
        try await bus.publish(events)
        #expect(usage.ids == ["0", "2"])
        #expect(all.ids == ["0", "1", "2"])
        #expect(bus.hasSubscribers(to: "b"))
        #expect(!bus.hasSubscribers(to: "c"))
        bus.unsubscribe(first)
        try await bus.publish(events)
        #expect(usage.ids == ["0", "2"])
        #expect(all.ids.count == 6)
    }

    @Test func `a subscriber that fails makes the publisher repeat, and the others see the same ids again`()
        async throws
    {
        try await self.fixture.fill(0..<3)
        let fails = NIOLockedValueBox(true)
        let subscription = self.bus.subscribe(to: [UsagePublisher.topic]) { _ in
            if fails.withLockedValue({ $0 }) { throw InjectedFailure.here }
        }
        await #expect(throws: InjectedFailure.here) { try await self.publisher().step() }
        fails.withLockedValue { $0 = false }
        try await self.drain(self.publisher())
        #expect(Set(self.listener.ids) == Set(Self.ids(0..<3)))
        #expect(self.listener.ids.suffix(3) == Self.ids(0..<3)[...])
        self.bus.unsubscribe(subscription)
    }
}

/// A store that can be read, and fails before each commit.
private struct FailingWrites: Database {
    let real: any Database

    init(_ real: any Database) { self.real = real }

    func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result { try await self.real.read(body) }

    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.real.write { session in
            _ = try body(session)
            throw InjectedFailure.here
        }
    }

    func backup(to path: String, replacing: Bool) async throws {}
    func close() async {}
}

/// Refuses a number of times, then takes everything.
private final class FailingBus: EventBus {
    private let state: NIOLockedValueBox<(failures: Int, taken: [Event])>

    init(failures: Int) { self.state = NIOLockedValueBox((failures, [])) }

    var taken: [Event] { self.state.withLockedValue { $0.taken } }

    func publish(_ events: [Event]) async throws {
        let fails = self.state.withLockedValue { state in
            state.failures -= 1
            if state.failures < 0 { state.taken += events }
            return state.failures >= 0
        }
        if fails { throw InjectedFailure.here }
    }
}

private struct InterferingBus: EventBus {
    let interfere: @Sendable () async throws -> Void

    init(_ interfere: @escaping @Sendable () async throws -> Void) { self.interfere = interfere }

    func publish(_ events: [Event]) async throws { try await self.interfere() }
}
