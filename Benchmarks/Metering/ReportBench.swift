import Chat
import Core
import Database
import Metering
import SQLite

/// Reports over a ledger of a month, and its verification.
enum ReportBench {
    static func run(count: Int, folder: String) async throws -> [(String, Double)] {
        let database = try await Works.store(folder)
        let began = Clock.wall.seconds
        for start in stride(from: 0, to: count, by: LedgerStore.batchMax) {
            let attempts = (start..<min(start + LedgerStore.batchMax, count)).map { Self.attempt($0, of: count) }
            _ = try await database.write { try LedgerStore().append(attempts, in: $0) }
        }
        let filled = Clock.wall.seconds
        let byDayAndModel = try await Self.report(database, [.day, .model], count)
        let byGroup = try await Self.report(database, [.group], count)
        let sums = try await database.read { session in
            try session.first("SELECT COUNT(*) AS n FROM usage_hours")?.integer("n") ?? 0
        }
        let verifying = Clock.wall.seconds
        let verdict = try await database.read { try LedgerStore().verify(in: $0) }
        let verified = Clock.wall.seconds
        precondition(verdict.isSound, "the ledger does not hold: \(verdict.faults)")
        await database.close()
        return [
            ("rows", Double(count)),
            ("sums", Double(sums)),
            ("day_and_model_s", byDayAndModel),
            ("group_s", byGroup),
            ("verify_s", verified - verifying),
            ("fill_s", filled - began),
        ]
    }

    /// Seconds for all pages of one report.
    private static func report(_ database: any Database, _ by: [UsageDimension], _ count: Int) async throws -> Double {
        let began = Clock.wall.seconds
        let attempts = try await database.read { session in
            var sum: Int64 = 0
            var cursor: String?
            repeat {
                let page = try LedgerStore().groups(UsageQuery(), by: by, after: cursor, in: session)
                sum += page.groups.map { $0.sums[.attempts] }.reduce(0, +)
                cursor = page.next
            } while cursor != nil
            return sum
        }
        precondition(attempts == count, "the report knows of \(attempts) attempts, there are \(count)")
        return Clock.wall.seconds - began
    }

    /// One of the attempts that a hundred people make in thirty days, with one of five models each time.
    private static func attempt(_ number: Int, of count: Int) -> Attempt {
        let milliseconds = 30 * 86_400_000 * Int64(number) / Int64(count)
        let time = UnixTime(milliseconds: Works.start.milliseconds + milliseconds)
        var intent = Works.intent(number, at: time)
        let model = number &* 31 % 1009 % 5
        intent.consumer.model = "model-\(model)"
        intent.upstreamModel = "upstream-\(model)"
        let end = Settlement.end(intent, Works.findings(intent))
        return Attempt(id: AttemptID(epoch: 1, counter: Int64(number + 1)), intent: intent, end: end)
    }
}
