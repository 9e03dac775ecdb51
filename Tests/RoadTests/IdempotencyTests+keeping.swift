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
        #expect(first.sent == (isStream ? words.joined() + StreamTests.finish + StreamTests.done : whole))
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
        try await kit.answers.forget()
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
}
