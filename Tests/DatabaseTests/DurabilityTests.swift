import Core
import Database
import Glibc
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

/// What commits outlive: each asks for its own, and none takes more away from the next.
@Suite struct DurabilityTests {
    private static let quick: Int64 = 1
    private static let full: Int64 = 2

    /// What is in force inside of a transaction.
    ///
    /// Not `PRAGMA synchronous` itself: SQLite answers that while it prepares the statement, and prepared statements
    /// are kept.
    @Sendable private static func level(_ session: any SQLSession) throws -> Int64 {
        try #require(try session.first("SELECT synchronous FROM pragma_synchronous")).integer("synchronous")
    }

    private static func withFile(_ body: (SQLiteDatabase) async throws -> Void) async throws {
        let folder = try ScratchFolder()
        let database = try SQLiteDatabase.open(path: "\(folder.path)/store.db")
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        try await body(database)
        await database.close()
    }

    @Test func `a write waits for the disk unless it says that it need not`() async throws {
        try await Self.withFile { database in
            for _ in 0..<3 {
                try await Self.checkFull(database)
                let quick = try await database.write(.process) { try Self.level($0) }
                let again = try await database.write(.process) { try Self.level($0) }
                let full = try await database.write(.power) { try Self.level($0) }
                #expect((quick, again, full) == (Self.quick, Self.quick, Self.full))
            }
        }
    }

    @Test func `whatever becomes of a quick write, the next one waits for the disk again`() async throws {
        struct Refusal: Error {}
        try await Self.withFile { database in
            await #expect(throws: Refusal.self) {
                try await database.write(.process) { _ in throw Refusal() }
            }
            try await Self.checkFull(database)
            let error = await failure {
                try await database.write(.process) { _ = try $0.rows("SELECT nothing FROM nowhere") }
            }
            #expect(error != nil)
            try await Self.checkFull(database)
            let gate = Gate()
            let cancelled = Task {
                try await database.write(.process) { session in
                    gate.arriveAndWait()
                    try session.bumpRevision()
                }
            }
            await gate.waitForArrival()
            cancelled.cancel()
            gate.open()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            try await Self.checkFull(database)
            #expect(try await database.read { try $0.revision() } == 0)
        }
    }

    private static func checkFull(_ database: SQLiteDatabase) async throws {
        #expect(try await database.write { try Self.level($0) } == Self.full)
    }

    @Test func `quick and lasting writes at once each get what they asked for`() async throws {
        try await Self.withFile { database in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    let wanted: WriteDurability = number % 3 == 0 ? .power : .process
                    group.addTask {
                        try await database.write(wanted) { session in
                            try session.bumpRevision()
                            return try Self.level(session) == (wanted == .power ? Self.full : Self.quick)
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(try await database.read { try $0.revision() } == 200)
        }
    }

    @Test(arguments: Driver.all)
    func `a driver takes both`(driver: Driver) async throws {
        try await driver.withStore { database in
            try await database.write(.process) { try $0.bumpRevision() }
            try await database.write(.power) { try $0.bumpRevision() }
            #expect(try await database.read { try $0.revision() } == 2)
        }
    }

    // MARK: - A process that is killed

    private static let pathOfVictim = "TURNPIKE_TEST_VICTIM"

    /// Runs in another process, which the test below kills.
    @Test(.enabled(if: getenv(pathOfVictim) != nil, "is run by another test"))
    func `a victim writes until it is killed`() async throws {
        let path = try #require(getenv(Self.pathOfVictim).map { String(cString: $0) })
        let database = try SQLiteDatabase.open(path: path)
        var byte: UInt8 = 1
        for _ in 0..<100_000 {
            try await database.write(.process) { try $0.bumpRevision() }
            // The write is over: from here on nobody may lose it.
            guard write(STDERR_FILENO, &byte, 1) == 1 else { return }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a quick write that was answered survives SIGKILL`() async throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/store.db"
        let database = try SQLiteDatabase.open(path: path)
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        await database.close()
        let victim = try Victim(path)
        // Bytes below 2 are the victim's; anything else is the test library speaking.
        var answered: Int64 = 0
        while answered < 300, let byte = victim.next() { answered += byte == 1 ? 1 : 0 }
        kill(victim.process, SIGKILL)
        while let byte = victim.next() { answered += byte == 1 ? 1 : 0 }
        victim.reap()
        #expect(answered >= 300)
        let after = try SQLiteDatabase.open(path: path)
        let found = try await after.read { try $0.revision() }
        #expect(found == answered || found == answered + 1)
        #expect(try await after.problems() == [])
        await after.close()
    }

    /// This test program once more, for one test.
    private struct Victim {
        let process: pid_t
        private let output: Int32

        init(_ path: String) throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
            let words = [
                "/proc/self/exe", "--testing-library", "swift-testing", "--filter",
                "a victim writes until it is killed",
            ]
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            var variables: [UnsafeMutablePointer<CChar>?] = [strdup("\(DurabilityTests.pathOfVictim)=\(path)"), nil]
            defer { for text in arguments + variables { free(text) } }
            var process: pid_t = 0
            let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, &variables)
            close(ends[1])
            try #require(code == 0)
            self.process = process
            self.output = ends[0]
        }

        /// The next byte it wrote; nil once it is gone.
        func next() -> UInt8? {
            var byte: UInt8 = 0
            return read(self.output, &byte, 1) == 1 ? byte : nil
        }

        func reap() {
            var status: Int32 = 0
            waitpid(self.process, &status, 0)
            close(self.output)
        }
    }
}
