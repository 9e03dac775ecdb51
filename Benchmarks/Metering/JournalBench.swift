import Core
import Glibc
import Metering
import SQLite

/// A start after a crash that left much behind: a journal whose attempts are not in the ledger.
enum JournalBench {
    /// Attempts that never ended, of each thousand.
    private static let openPerMille = 1

    /// Leaves a journal of `count` attempts in `<folder>/journal`, and nothing of it in the store.
    static func write(count: Int, folder: String) async throws -> [(String, Double)] {
        let works = try await Works.open(folder, epoch: 1)
        let keeping = Task { try? await works.keeper.run() }
        let open = count * Self.openPerMille / 1000
        for start in stride(from: 0, to: count - open, by: 1000) {
            let time = Works.now
            let intents = (start..<min(start + 1000, count - open)).map { Works.intent($0, at: time) }
            _ = try await works.settle(intents)
        }
        for number in 0..<open { _ = try works.meter.begin(Works.intent(number, at: Works.now), Works.size) }
        keeping.cancel()
        let bytes = works.keeper.status.bytes
        try await works.keeper.close()
        await works.database.close()
        return [("attempts", Double(count)), ("open", Double(open)), ("bytes", Double(bytes))]
    }

    /// Starts over it, as the gateway does.
    static func recover(count: Int, folder: String) async throws -> [(String, Double)] {
        let began = Clock.wall.seconds
        let dead = try DeadJournal.all(in: "\(folder)/journal")
        let works = try await Works.open(folder, epoch: 2)
        let opened = Clock.wall.seconds
        _ = try await works.fold.recover(dead)
        let read = Clock.wall.seconds
        try await works.fold.install(Works.budgets)
        let ready = Clock.wall.seconds
        let found = await works.fold.recovered
        precondition(found.ended + found.interrupted == count, "\(found) was found of \(count) attempts")
        let used = Clock.process.seconds
        try await works.fold.fold()
        let folded = Clock.wall.seconds
        precondition(works.fold.progress.rows == count, "\(works.fold.progress.rows) rows came of \(count) attempts")
        return [
            ("attempts", Double(count)),
            ("ready_ms", (ready - began) * 1000),
            ("open_ms", (opened - began) * 1000),
            ("read_ms", (read - opened) * 1000),
            ("budgets_ms", (ready - read) * 1000),
            ("fold_s", folded - ready),
            ("fold_cpu_us_per_row", (Clock.process.seconds - used) * 1e6 / Double(count)),
            ("peak_mib", Self.peakMebibytes),
        ]
    }

    private static var peakMebibytes: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return Double(usage.ru_maxrss) / 1024
    }
}
