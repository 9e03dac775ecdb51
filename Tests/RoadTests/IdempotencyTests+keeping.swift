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

extension IdempotencyTests {
    // MARK: - Size and time

    @Test(arguments: [false, true])
    func `an answer that is too large is delivered whole, and not kept`(isStream: Bool) async throws {
        let kit = try await Kit(IdempotencyLimits(answerBytesMax: 1024))
        let words = (0..<200).map { StreamTests.text("word \($0)") }
        let whole = #"{"choices":[{"message":{"content":"\#(String(repeating: "x", count: 2000))"}}]}"#
        kit.road.transport.scripts = [
            isStream
                ? .stream(
                    .bytes(words.prefix(100).joined()),
                    .bytes(words.suffix(100).joined()),
                    .bytes(StreamTests.finish + StreamTests.done)
                )
                : .json(whole)
        ]
        let body = isStream ? StreamTests.ask : Self.ask
        let first = await kit.chat(body)
        let events = Self.numbered(words.joined() + StreamTests.finish + StreamTests.done)
        #expect(first.sent == (isStream ? events : whole))
        let again = await kit.chat(body)
        #expect(again.status == 409)
        #expect(again.sent.contains("not kept"))
        #expect(again.field("x-should-retry") == "false")
        #expect(kit.road.transport.requests.count == 1)
        #expect(try await kit.states == ["unkept"])
    }

    @Test func `a client that wants nothing stored is charged once all the same`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        let fields = Self.field + "x-turnpike-cache: no-store\r\n"
        #expect(await kit.chat(fields: fields).status == 200)
        #expect(await kit.chat(fields: fields).status == 409)
        #expect(try await kit.states == ["unkept"])
    }

    @Test func `after a day the key is free`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer), .json(PlainCallTests.answer)]
        _ = await kit.chat()
        kit.pass(.hours(24) - .milliseconds(1))
        #expect(await kit.chat().field("x-turnpike-idempotent-replay") == "true")
        kit.pass(.milliseconds(1))
        try await kit.keyed.forget()
        #expect(try await kit.states.isEmpty)
        #expect(await kit.chat().field("x-turnpike-idempotent-replay") == nil)
        #expect(kit.road.transport.requests.count == 2)
    }

    @Test func `what two people behind one issuer call the same is not the same`() async throws {
        let anna = Principal(group: GroupID("demo"), keyID: "jwt:corp", owner: .user(UserID("anna")))
        let kit = try await Kit(principal: anna)
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        _ = await kit.chat()
        let holders = try await kit.database.read { session in
            try session.rows("SELECT holder FROM idempotency").map { try $0.text("holder") }
        }
        #expect(holders == ["jwt:corp anna"])
    }

    // MARK: - Written down before the client has all of it

    @Test(arguments: [false, true])
    func `a client that has its whole answer and asks again gets it, while the provider still holds the line`(
        isStream: Bool
    ) async throws {
        let kit = try await Kit()
        let body = isStream ? StreamTests.ask : Self.ask
        let whole = isStream ? StreamTests.text("x") + StreamTests.finish + StreamTests.done : PlainCallTests.answer
        var first: FakeExchange?
        var again: FakeExchange?
        let hold: FakeUpstream.Step = .pause {
            while first?.isFinished != true { await Task.yield() }
            again = await kit.chat(body)
        }
        kit.road.transport.scripts = [isStream ? .stream(.bytes(whole), hold) : .json(whole)]
        _ = await kit.chat(body) { first = $0 }
        if !isStream { again = await kit.chat(body) }
        #expect(first?.sent == (isStream ? Self.numbered(whole) : whole))
        #expect(again?.status == 200)
        #expect(again?.sent == first?.sent)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test(arguments: [false, true])
    func `nobody has the end of an answer before it is written down`(isStream: Bool) async throws {
        let kit = try await Kit()
        let body = isStream ? StreamTests.ask : Self.ask
        let shown = isStream ? StreamTests.text("x") + StreamTests.finish : ""
        let whole = isStream ? shown + StreamTests.done : PlainCallTests.answer
        let hold: FakeUpstream.Step = .pause { kit.line.hold() }
        kit.road.transport.scripts = [
            isStream ? .stream(.bytes(shown), hold, .bytes(StreamTests.done)) : .json(whole)
        ]
        if !isStream { kit.road.transport.duringDial = { kit.line.hold() } }
        var first: FakeExchange?
        let task = Task { _ = await kit.chat(body) { first = $0 } }
        while !kit.line.holdsOne || (first?.sent.utf8.count ?? 0) < shown.utf8.count { await Task.yield() }
        #expect(first?.sent == Self.numbered(shown))
        #expect(first?.isFinished == false)
        var second: FakeExchange?
        let again = Task { _ = await kit.chat(body) { second = $0 } }
        while second == nil || (second?.sent.utf8.count ?? 0) < shown.utf8.count { await Task.yield() }
        #expect(second?.isFinished == false)
        kit.line.release()
        await task.value
        await again.value
        #expect(first?.sent == (isStream ? Self.numbered(whole) : whole))
        #expect(first?.isFinished == true)
        #expect(second?.sent == first?.sent)
        #expect(await kit.chat(body).sent == first?.sent)
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `an outcome that the store does not take is told from memory, and written down later`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [
            .stream(
                .bytes(StreamTests.text("x")),
                .pause { kit.line.isCut.withLockedValue { $0 = true } },
                .bytes(StreamTests.finish + StreamTests.done)
            )
        ]
        let first = await kit.chat(StreamTests.ask)
        #expect(first.sent.contains(StreamTests.done))
        #expect(await kit.chat(StreamTests.ask).sent == first.sent)
        #expect(await kit.chat().json?["error"]?["code"] == "idempotency_conflict")
        #expect(await kit.chat(fields: "Idempotency-Key: another\r\n").status == 503)
        await #expect(throws: DatabaseError.self) { try await kit.keyed.settleRest() }
        kit.line.isCut.withLockedValue { $0 = false }
        #expect(try await kit.states == ["running"])
        #expect(await kit.chat(StreamTests.ask).sent == first.sent)
        try await kit.keyed.settleRest()
        #expect(try await kit.states == ["answered"])
        #expect(await kit.chat(StreamTests.ask).sent == first.sent)
        #expect(kit.road.transport.requests.count == 1)
    }
}
