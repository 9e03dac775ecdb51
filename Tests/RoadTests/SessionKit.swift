import Agents
import Auth
import Conversations
import Core
import Database
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import SQLite
import Testing
import Tools
import Transport

/// A road with sessions in a real store, and a clock that the test moves.
@MainActor struct SessionKit {
    static let path = "/api/v1/sessions/"

    let road: Road
    let database: SQLiteDatabase
    let running: RunningAnswers
    let book: SessionBook
    let clock = NIOLockedValueBox<Int64>(0)

    init(
        principal: Principal = Principal(group: GroupID("demo"), keyID: "dev"),
        limits: RoadLimits = RoadLimits(),
        retriesMax: Int = 0,
        agents: [AgentProfile] = [],
        tools: ToolServers? = nil
    ) async throws {
        let database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
        try await database.write { session in
            try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES ('demo', 'D', 0, 0)")
        }
        self.database = database
        let clock = self.clock
        self.running = RunningAnswers(
            runOn: { .seconds(60) },
            monotonicClock: { .uptimeNanoseconds(0) + .milliseconds(clock.withLockedValue { $0 }) }
        )
        self.book = SessionBook(
            database: database,
            epoch: 7,
            logger: Logger(label: "test") { _ in CapturedLog() },
            wallClock: { UnixTime(seconds: 1_700_000_000) },
            generator: { SystemRandomNumberGenerator() }
        )
        self.road = try Road(
            defaultModel: "fast",
            retriesMax: retriesMax,
            principal: principal,
            running: self.running,
            sessions: self.book,
            limits: limits,
            agents: agents,
            tools: tools
        )
        self.road.transport.waits = { YieldingWait() }
    }

    func pass(_ time: TimeAmount) { self.clock.withLockedValue { $0 += time.milliseconds } }

    /// Makes a session of the key's own.
    func session(_ draft: SessionDraft = SessionDraft(), id: String = "ses_1") async throws -> String {
        try await self.database.write { session in
            _ = try SessionStore().insert(
                draft,
                id: id,
                of: .key("dev"),
                in: GroupID("demo"),
                now: UnixTime(seconds: 1_700_000_000),
                in: session
            )
        }
        return id
    }

    /// Says something in a session.
    func say(
        _ text: String,
        in id: String = "ses_1",
        isStream: Bool = false,
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        let body = #"{"content":"\#(text)","stream":\#(isStream)}"#
        return await self.road.send("POST", Self.path + id + "/messages", body: body, during: during)
    }

    /// Follows what is said.
    func follow(
        _ id: String = "ses_1",
        after last: String? = nil,
        during: (FakeExchange) -> Void = { _ in }
    ) async -> FakeExchange {
        let fields = last.map { "last-event-id: \($0)\r\n" } ?? ""
        return await self.road.send("GET", Self.path + id + "/stream", fields: fields, during: during)
    }

    /// The messages as they are stored.
    func stored(_ id: String = "ses_1") async throws -> [SessionMessage] {
        try await self.database.read { session in
            try SessionStore().messages(MessagePage(limit: 200), of: id, for: .all, in: session).messages
        }
    }

    /// A provider's stream of some words.
    static func stream(_ words: String..., usage: Bool = true, middle: FakeUpstream.Step? = nil) -> FakeUpstream.Script
    {
        let text = words.map { StreamTests.text($0) }
        let counts = #"{"id":"1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5}}"#
        let end = StreamTests.finish + (usage ? StreamTests.data(counts) : "") + StreamTests.done
        guard let middle else { return .stream(.bytes(text.joined() + end)) }
        return .stream(.bytes(text.prefix(1).joined()), middle, .bytes(text.dropFirst().joined() + end))
    }
}

/// A request that is under way beside the test.
@MainActor final class Later {
    private var result: FakeExchange?
    private var task: Task<Void, Never>?

    init(_ work: @escaping @MainActor () async -> FakeExchange) {
        self.task = Task { self.result = await work() }
    }

    /// Its client leaves.
    func cancel() { self.task?.cancel() }

    /// The exchange when it is over.
    var value: FakeExchange? {
        get async {
            await self.task?.value
            return self.result
        }
    }
}

/// A wait that lets others run and looks again.
private final class YieldingWait: LoopWait {
    func wait(until deadline: NIODeadline) async throws {
        try Task.checkCancellation()
        await Task.yield()
    }
    func wake() {}
}

/// The events of a session as a client reads them.
struct SessionEvent: Equatable {
    var id = ""
    var type = ""
    var data = ""

    static func read(_ text: String) -> [SessionEvent] {
        text.split(separator: "\n\n").filter { !$0.hasPrefix(":") }.map { block in
            var event = SessionEvent()
            for line in block.split(separator: "\n") {
                if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                if line.hasPrefix("event: ") { event.type = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
            }
            return event
        }
    }

    var json: JSONValue? { try? JSONValue.parse(self.data) }
}
