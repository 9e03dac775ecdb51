import Core
import Glibc
import Metering

/// What a call that is accounted for costs: on its way, and afterwards in the fold.
enum SettleBench {
    /// Calls that follow each other at once, before a pause.
    private static let burst = 100

    static func run(count: Int, folder: String) async throws -> [(String, Double)] {
        let works = try await Works.open(folder, epoch: 1)
        let keeping = Task { try? await works.keeper.run() }
        defer { keeping.cancel() }
        // The first calls pay for pages and caches that all later ones find.
        _ = try await Self.call(works, from: 0, count: min(count, 20_000))
        let (plain, plainAll) = try await Self.call(works, from: count, count: count)
        try await works.fold.install(Works.budgets)
        let (road, all) = try await Self.call(works, from: 2 * count, count: count)
        // The first rows make the tables; a ledger is seldom empty.
        try await works.fold.fold()
        let rows = works.fold.progress
        _ = try await Self.call(works, from: 3 * count, count: count)
        let (began, used) = (Clock.wall.seconds, Clock.process.seconds)
        try await works.fold.fold()
        let fold = (wall: Clock.wall.seconds - began, cpu: Clock.process.seconds - used)
        let folded = Double(works.fold.progress.rows - rows.rows)
        precondition(folded == Double(count), "\(folded) rows came of \(count) calls")
        let batches = Double(works.fold.progress.batches - rows.batches)
        try await works.keeper.close(removing: true)
        return [
            ("calls", Double(count)),
            ("road_us", road * 1e6 / Double(count)),
            ("road_without_budgets_us", plain * 1e6 / Double(count)),
            ("with_keeper_us", all * 1e6 / Double(count)),
            ("with_keeper_without_budgets_us", plainAll * 1e6 / Double(count)),
            ("fold_cpu_us_per_row", fold.cpu * 1e6 / folded),
            ("fold_rows_per_second", folded / fold.wall),
            ("fold_rows_per_batch", folded / batches),
        ]
    }

    /// CPU seconds of the calls themselves, and of the whole process while they were made.
    private static func call(_ works: Works, from first: Int, count: Int) async throws -> (road: Double, all: Double) {
        var (road, all) = (0.0, 0.0)
        for start in stride(from: first, to: first + count, by: Self.burst) {
            let time = Works.now
            let intents = (start..<min(start + Self.burst, first + count)).map { Works.intent($0, at: time) }
            let began = Clock.process.seconds
            road += try await works.settle(intents)
            // The keeper does its part in between.
            try await Task.sleep(for: .milliseconds(2))
            all += Clock.process.seconds - began
        }
        return (road, all)
    }
}
