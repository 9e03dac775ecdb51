internal import Core
package import Database
package import EventBus
internal import NIOCore

/// Tells the event bus what the ledger has recorded: the ledger itself is the outbox, and a cursor in the store says
/// how much of it has been told.
///
/// At least once and in order: the cursor moves only after the bus has taken the events, so a crash in between repeats
/// them, with the same ids. Nothing is written for each call.
package struct UsagePublisher: Sendable {
    /// The topic's name in the contract.
    package static let topic = "billing-usage"
    /// Rows that are told at once.
    package static let batchMax = 200
    /// How long to wait where there is nothing new.
    private static let pause = Duration.milliseconds(500)
    /// How long to wait after a failure, at first and at most.
    private static let backOff = (first: Duration.milliseconds(250), most: Duration.seconds(30))

    private let database: any Database
    private let bus: any EventBus
    private let isWanted: @Sendable () -> Bool

    /// - Parameter isWanted: Whether anybody listens at all. Where nobody does, rows are passed over as if they had
    ///   been told.
    package init(
        database: any Database,
        bus: any EventBus,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) {
        self.database = database
        self.bus = bus
        self.isWanted = isWanted
    }

    /// Follows the ledger until the task is cancelled.
    ///
    /// - Parameters:
    ///   - wait: Waits so long; ends with `CancellationError`.
    ///   - onFailure: Told of each failure; the same events are tried again after a while.
    package func run(
        wait: @Sendable (Duration) async throws -> Void,
        onFailure: @Sendable (any Error) -> Void = { _ in }
    ) async {
        var delay = Self.backOff.first
        while !Task.isCancelled {
            do {
                let passed = try await self.step()
                delay = Self.backOff.first
                if passed == 0 { try await wait(Self.pause) }
            } catch {
                if Task.isCancelled || error is CancellationError { return }
                onFailure(error)
                do { try await wait(delay) } catch { return }
                delay = min(delay * 2, Self.backOff.most)
            }
        }
    }

    /// Tells the next rows, `batchMax` at most, and moves the cursor behind them.
    ///
    /// - Returns: How many rows it passed; zero if there was nothing new.
    /// - Throws: What the bus or the store said; the cursor is where it was, so nothing is lost.
    package func step() async throws -> Int {
        guard self.isWanted() else { return try await self.skip() }
        let (from, events, last) = try await self.database.read { session in
            let from = try Self.cursor(in: session)
            let rows = try LedgerStore().rows(after: from, limit: Self.batchMax, in: session)
            // Made on the thread of the store, not on an event loop.
            return (from, rows.map(Self.event), rows.last?.seq)
        }
        guard let last else { return 0 }
        try await self.bus.publish(events)
        try await self.move(from: from, to: last)
        return events.count
    }

    private func skip() async throws -> Int {
        let (from, last) = try await self.database.read { session in
            (try Self.cursor(in: session), try LedgerStore().head(in: session)?.seq ?? 0)
        }
        guard last > from else { return 0 }
        try await self.move(from: from, to: last)
        return Int(clamping: last - from)
    }

    // MARK: -

    private static func cursor(in session: any SQLSession) throws(DatabaseError) -> Int64 {
        try session.first("SELECT seq FROM event_cursors WHERE topic = \(Self.topic)")?.integer("seq") ?? 0
    }

    /// Moves the cursor, unless another process has done so meanwhile: then both have told these rows, and the cursor
    /// must not go back.
    private func move(from: Int64, to last: Int64) async throws {
        try await self.database.write { session in
            try session.execute(
                """
                INSERT INTO event_cursors (topic, seq) VALUES (\(Self.topic), \(last))
                ON CONFLICT (topic) DO UPDATE SET seq = excluded.seq WHERE event_cursors.seq = \(from)
                """
            )
        }
    }

    /// A row as an event: the same object that a report by rows has.
    ///
    /// Its id is that of the attempt, or of the row for a correction; its key is the group, so that the events of one
    /// group stay in order.
    static func event(_ row: LedgerRow) -> Event {
        var body = ByteBuffer()
        row.json.write(into: &body)
        return Event(
            topic: Self.topic,
            key: row.consumer.group,
            id: row.attempt?.text ?? "row-\(row.seq)",
            body: body
        )
    }
}
