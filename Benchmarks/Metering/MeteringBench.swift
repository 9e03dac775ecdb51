import Glibc

/// The figures of journal and ledger: `MeteringBench <what> <count> <folder>`, one line of JSON each.
///
/// `Benchmarks/money.py` runs it. The folder must be there, and on the file system that is to be measured.
@main
struct MeteringBench {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let count = Int(arguments[2]), count > 0 else { Self.end() }
        let folder = arguments[3]
        let figures: [(String, Double)]
        switch arguments[1] {
        case "settle": figures = try await SettleBench.run(count: count, folder: folder)
        case "journal": figures = try await JournalBench.write(count: count, folder: folder)
        case "recovery": figures = try await JournalBench.recover(count: count, folder: folder)
        case "report": figures = try await ReportBench.run(count: count, folder: folder)
        default: Self.end()
        }
        let members = figures.map { "\"\($0.0)\": \(Self.text($0.1))" }
        Self.write("{\(members.joined(separator: ", "))}\n", to: 1)
    }

    private static func end() -> Never {
        Self.write("MeteringBench settle|journal|recovery|report COUNT FOLDER\n", to: 2)
        exit(2)
    }

    /// Three digits behind the point.
    private static func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    private static func write(_ text: String, to file: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(file, bytes, bytes.count)
    }
}

/// Seconds by one of the kernel's clocks.
enum Clock {
    case wall, process, thread

    var seconds: Double {
        var time = timespec()
        let id =
            switch self {
            case .wall: CLOCK_MONOTONIC
            case .process: CLOCK_PROCESS_CPUTIME_ID
            case .thread: CLOCK_THREAD_CPUTIME_ID
            }
        clock_gettime(id, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
