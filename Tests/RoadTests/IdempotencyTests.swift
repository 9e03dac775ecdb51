import Auth
import Core
import Database
import Logging
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import SQLite
import Testing
import Transport

/// Requests with an `Idempotency-Key` on the road, with a real store and scripted providers (row 77).
@MainActor @Suite struct IdempotencyTests {
    static let ask = #"{"model":"fast","messages":[{"role":"user","content":"hi"}]}"#
    static let field = "Idempotency-Key: order-66\r\n"

    /// A road with a store, and a clock that the test moves.
    struct Kit {
        let road: Road
        let running: RunningAnswers
        let keyed: KeyedAnswers
        let database: SQLiteDatabase
        /// What the road writes through; the test can cut it off.
        let line: CutLine
        let clock = NIOLockedValueBox<(wall: Int64, monotonic: Int64)>((1_700_000_000_000, 0))

        init(
            _ idempotency: IdempotencyLimits = IdempotencyLimits(),
            principal: Principal? = nil,
            credentialsFor: [String] = ["openai", "openrouter", "mistral"]
        ) async throws {
            let database = try SQLiteDatabase.inMemory()
            try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
            try await database.write { session in
                try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES ('demo', 'D', 0, 0)")
            }
            self.database = database
            self.line = CutLine(database)
            let clock = self.clock
            self.running = RunningAnswers(
                runOn: { idempotency.runOn },
                monotonicClock: { .uptimeNanoseconds(0) + .milliseconds(clock.withLockedValue { $0.monotonic }) }
            )
            self.keyed = KeyedAnswers(
                database: self.line,
                epoch: 7,
                limits: { idempotency },
                logger: Logger(label: "test") { _ in CapturedLog() },
                wallClock: { UnixTime(milliseconds: clock.withLockedValue { $0.wall }) }
            )
            var limits = RoadLimits()
            limits.idempotency = idempotency
            self.road = try Road(
                credentialsFor: credentialsFor,
                principal: principal ?? Principal(group: GroupID("demo"), keyID: "dev"),
                running: self.running,
                keyed: self.keyed,
                limits: limits
            )
        }

        /// Lets time pass.
        func pass(_ time: TimeAmount) {
            self.clock.withLockedValue { clock in
                clock.wall += time.milliseconds
                clock.monotonic += time.milliseconds
            }
        }

        @MainActor func chat(
            _ body: String = IdempotencyTests.ask,
            fields: String = IdempotencyTests.field,
            during: (FakeExchange) -> Void = { _ in }
        ) async -> FakeExchange {
            await self.road.chat(body, fields: fields, during: during)
        }

        var states: [String] {
            get async throws {
                try await self.database.read { session in
                    try session.rows("SELECT state FROM idempotency").map { try $0.text("state") }
                }
            }
        }
    }

    /// Events as a client with a key gets them: each with its number, from the one behind `start` on.
    static func numbered(_ events: String, after start: Int = 0) -> String {
        let parts = events.split(separator: "\n\n")
        return parts.enumerated().dropFirst(start).map { "id: \($0.offset + 1)\n\($0.element)\n\n" }.joined()
    }

    // MARK: - Replay

    @Test func `a request that is sent again gets the same bytes, and nothing goes upstream`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        let first = await kit.chat(fields: Self.field + "x-request-id: first\r\n")
        let again = await kit.chat(fields: Self.field + "x-request-id: second\r\n")
        #expect(first.status == 200)
        #expect(again.status == 200)
        #expect(again.sent == first.sent)
        #expect(kit.road.transport.requests.count == 1)
        #expect(first.field("x-turnpike-idempotent-replay") == nil)
        #expect(again.field("x-turnpike-idempotent-replay") == "true")
        #expect(again.field("idempotent-replayed") == "true")
        #expect(again.field("x-turnpike-original-request-id") == "first")
        #expect(again.field("x-request-id") == "second")
        for name in ["content-type", "x-turnpike-provider", "x-turnpike-model", "x-turnpike-attempts"] {
            #expect(again.field(name) == first.field(name), "\(name)")
        }
    }

    @Test func `a stream is sent again event by event as it was`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [
            .stream(
                .bytes(StreamTests.role + StreamTests.text("Hel")),
                .bytes(StreamTests.text("lo") + StreamTests.finish),
                .bytes(StreamTests.done)
            )
        ]
        let first = await kit.chat(StreamTests.ask)
        let again = await kit.chat(StreamTests.ask)
        let whole = StreamTests.role + StreamTests.text("Hel") + StreamTests.text("lo") + StreamTests.finish
        #expect(first.sent == Self.numbered(whole + StreamTests.done))
        #expect(again.sent == first.sent)
        #expect(again.framing == .stream)
        #expect(again.isFinished)
        #expect(again.field("x-turnpike-idempotent-replay") == "true")
        #expect(again.field("content-type") == first.field("content-type"))
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `a stream with a key arrives as it comes, not at its end`() async throws {
        let kit = try await Kit()
        var exchange: FakeExchange?
        var sentBefore = ""
        kit.road.transport.scripts = [
            .stream(
                .bytes(StreamTests.text("Hel")),
                .pause {
                    while exchange?.sent.isEmpty ?? false { await Task.yield() }
                    sentBefore = exchange?.sent ?? ""
                },
                .bytes(StreamTests.finish + StreamTests.done)
            )
        ]
        let answer = await kit.chat(StreamTests.ask) { exchange = $0 }
        #expect(answer.sent == Self.numbered(StreamTests.text("Hel") + StreamTests.finish + StreamTests.done))
        #expect(sentBefore == Self.numbered(StreamTests.text("Hel")))
    }

    @Test func `without the header nothing is kept`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer), .json(PlainCallTests.answer)]
        for _ in 0..<2 { _ = await kit.chat(fields: "") }
        #expect(kit.road.transport.requests.count == 2)
        #expect(try await kit.states.isEmpty)
    }

    // MARK: - Conflicts

    @Test func `the key of another body or path is a conflict`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        _ = await kit.chat()
        let other = await kit.chat(#"{"model":"fast","messages":[]}"#)
        #expect(other.status == 409)
        #expect(other.json?["error"]?["code"] == "idempotency_conflict")
        #expect(other.field("x-should-retry") == "false")
        let path = await kit.road.send("POST", "/v1/embeddings", body: Self.ask, fields: Self.field)
        #expect(path.status == 409)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test(arguments: ["", " ", "a b", String(repeating: "x", count: 256), "a\r\nIdempotency-Key: b"])
    func `a bad key is named in the refusal`(key: String) async throws {
        let kit = try await Kit()
        let answer = await kit.chat(fields: "Idempotency-Key: \(key)\r\n")
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["param"] == "Idempotency-Key")
        #expect(kit.road.transport.requests.isEmpty)
        #expect(try await kit.states.isEmpty)
    }

    @Test func `a gateway without a store says that it cannot keep keys`() async throws {
        let answer = await (try Road()).chat(Self.ask, fields: Self.field)
        #expect(answer.status == 501)
    }

    // MARK: - Failures

    @Test func `a failure for which the provider may have worked stays`() async throws {
        let failures: [FakeUpstream.Script] = [
            .json(#"{"error":{"message":"boom"}}"#, status: 500), .json("", status: 503),
            .failure(TransportError.timeout(.firstByte, limit: .seconds(1), didSend: true)),
            .failure(TransportError.closedBeforeHead), .json("no json"),
        ]
        for script in failures {
            let kit = try await Kit()
            kit.road.transport.scripts = [script]
            let first = await kit.chat(#"{"model":"mistral/m","messages":[]}"#)
            let again = await kit.chat(#"{"model":"mistral/m","messages":[]}"#)
            #expect(first.status >= 500)
            #expect(again.status == first.status)
            #expect(again.sent == first.sent)
            #expect(again.field("x-turnpike-provider") == "mistral")
            #expect(again.field("x-turnpike-idempotent-replay") == "true")
            #expect(again.field("retry-after") == first.field("retry-after"))
            #expect(first.field("x-should-retry") == "false")
            #expect(again.field("x-should-retry") == "false")
            #expect(kit.road.transport.requests.count == 1)
        }
    }

    @Test func `the provider's complaint about the request stays, word for word`() async throws {
        let kit = try await Kit()
        let complaint = #"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length"}}"#
        kit.road.transport.scripts = [.json(complaint, status: 422)]
        let first = await kit.chat()
        let again = await kit.chat()
        #expect(first.status == 422)
        #expect(again.status == 422)
        #expect(again.sent == first.sent)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `where certainly nothing was done, the key is free again`() async throws {
        let nothing: [FakeUpstream.Script] = [
            .failure(TransportError.connectFailed("refused")), .json("", status: 429), .json("", status: 401),
        ]
        for script in nothing {
            let kit = try await Kit()
            kit.road.transport.scripts = [script, .json(PlainCallTests.answer)]
            let first = await kit.chat(#"{"model":"mistral/m","messages":[]}"#)
            #expect(first.status >= 400)
            #expect(first.field("x-should-retry") == nil)
            #expect(try await kit.states.isEmpty)
            let again = await kit.chat(#"{"model":"mistral/m","messages":[]}"#)
            #expect(again.status == 200)
            #expect(again.field("x-turnpike-idempotent-replay") == nil)
        }
        let kit = try await Kit(credentialsFor: [])
        #expect(await kit.chat().status == 424)
        #expect(try await kit.states.isEmpty)
    }

    @Test func `a stream that broke off is sent again as far as it came, with its error`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.stream(.bytes(StreamTests.text("Hel")), .fail(TransportError.closedInBody))]
        let first = await kit.chat(StreamTests.ask)
        let again = await kit.chat(StreamTests.ask)
        #expect(first.sent.hasPrefix(Self.numbered(StreamTests.text("Hel")) + #"data: {"error":{"#))
        #expect(again.sent == first.sent)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `without the store such a call is refused, and no other`() async throws {
        let kit = try await Kit()
        await kit.database.close()
        let refused = await kit.chat()
        #expect(refused.status == 503)
        #expect(refused.json?["error"]?["code"] == "store_unavailable")
        #expect(kit.road.transport.requests.isEmpty)
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        #expect(await kit.chat(fields: "").status == 200)
    }

    // MARK: - The client leaves

    /// Sends a stream request whose client leaves in the middle of the answer, and then does something.
    private static func leave(_ kit: Kit, then: @escaping () async -> Void) async -> FakeExchange? {
        var call: Task<Void, Never>?
        var exchange: FakeExchange?
        kit.road.transport.scripts = [
            .stream(
                .bytes(StreamTests.text("Hel")),
                .pause {
                    while exchange?.sent.isEmpty ?? true { await Task.yield() }
                    call?.cancel()
                    // Until the gateway has noticed.
                    while !kit.running.hasAnswerWithoutReader { await Task.yield() }
                    await then()
                },
                .bytes(StreamTests.text("lo") + StreamTests.finish),
                .bytes(StreamTests.done)
            )
        ]
        let task = Task { _ = await kit.chat(StreamTests.ask) { exchange = $0 } }
        call = task
        await task.value
        return exchange
    }

    @Test func `a call whose client has left runs on, and the retry gets the whole answer`() async throws {
        let kit = try await Kit()
        let gone = await Self.leave(kit) {
            kit.pass(.seconds(59))
            kit.running.cutForsaken()
        }
        #expect(gone?.sent == Self.numbered(StreamTests.text("Hel")))
        #expect(kit.road.exposition.contains("turnpike_clients_gone_total 1"))
        let again = await kit.chat(StreamTests.ask)
        let whole = StreamTests.text("Hel") + StreamTests.text("lo") + StreamTests.finish + StreamTests.done
        #expect(again.sent == Self.numbered(whole))
        #expect(again.field("x-turnpike-idempotent-replay") == "true")
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `a call that runs on for nobody for too long is cut, and never run again`() async throws {
        let kit = try await Kit()
        _ = await Self.leave(kit) {
            kit.pass(.seconds(60))
            kit.running.cutForsaken()
        }
        #expect(kit.road.transport.upstreams[0].isAbandoned)
        #expect(try await kit.states == ["interrupted"])
        let again = await kit.chat(StreamTests.ask)
        #expect(again.status == 409)
        #expect(again.sent.contains("may have been charged"))
        #expect(again.field("x-should-retry") == "false")
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `a shutdown that will wait no longer cuts what runs on without a client`() async throws {
        let kit = try await Kit()
        _ = await Self.leave(kit) { kit.running.hurry() }
        #expect(kit.road.transport.upstreams[0].isAbandoned)
        #expect(try await kit.states == ["interrupted"])
    }

    @Test func `a shutdown tells the client that still listens`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.stream(.bytes(StreamTests.text("Hel")), .pause { kit.running.hurry() })]
        let answer = await kit.chat(StreamTests.ask)
        #expect(answer.sent.contains("shutting_down"))
        #expect(!answer.sent.contains("DONE"))
        #expect(try await kit.states == ["interrupted"])
    }

    @Test func `a client that leaves before its call began leaves the key free`() async throws {
        let kit = try await Kit()
        let task = Task { _ = await kit.chat() }
        task.cancel()
        await task.value
        #expect(kit.road.transport.requests.isEmpty)
        #expect(try await kit.states.isEmpty)
    }
}
