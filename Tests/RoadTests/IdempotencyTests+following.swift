import Core
import Metering
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Testing
import Transport

/// Coming back to an answer that is still being made (row 77).
extension IdempotencyTests {
    /// A stream of `count` words, with something done in its middle.
    private static func words(
        _ count: Int,
        _ middle: @escaping @MainActor () async -> Void
    ) -> (FakeUpstream.Script, String) {
        let words = (0..<count).map { StreamTests.text("w\($0) ") }
        let (first, rest) = (words.prefix(count / 2).joined(), words.suffix(count - count / 2).joined())
        let end = StreamTests.finish + StreamTests.done
        return (.stream(.bytes(first), .pause { await middle() }, .bytes(rest + end)), first + rest + end)
    }

    @Test(arguments: 0...8)
    func `a second request follows the first from any event on, while that goes on`(start: Int) async throws {
        let kit = try await Kit()
        var second: Later?
        var follower: FakeExchange?
        let (script, whole) = Self.words(6) {
            let fields = Self.field + (start > 0 ? "Last-Event-ID: \(start)\r\n" : "")
            second = Later { await kit.chat(StreamTests.ask, fields: fields) { follower = $0 } }
            // It is there, and has what was said so far.
            while follower == nil { await Task.yield() }
            if start < 3 { while follower?.sent.isEmpty ?? true { await Task.yield() } }
        }
        kit.road.transport.scripts = [script]
        let first = await kit.chat(StreamTests.ask)
        let other = try #require(await second?.value)
        #expect(first.sent == Self.numbered(whole))
        #expect(other.sent == Self.numbered(whole, after: start))
        #expect(other.status == 200)
        #expect(other.isFinished)
        #expect(other.field("x-turnpike-idempotent-replay") == "true")
        #expect(kit.road.transport.requests.count == 1)
        // And once more from the store, when all is over.
        let late = await kit.chat(StreamTests.ask, fields: Self.field + "Last-Event-ID: \(start)\r\n")
        #expect(late.sent == Self.numbered(whole, after: start))
    }

    @Test func `many follow one answer, one of them leaves, and nobody notices`() async throws {
        let kit = try await Kit()
        var readers: [Later] = []
        let (script, whole) = Self.words(40) {
            for _ in 0..<20 { readers.append(Later { await kit.chat(StreamTests.ask) }) }
            for _ in 0..<50 { await Task.yield() }
            readers.removeFirst().cancel()
        }
        kit.road.transport.scripts = [script]
        let first = await kit.chat(StreamTests.ask)
        for reader in readers { #expect(await reader.value?.sent == first.sent) }
        #expect(first.sent == Self.numbered(whole))
        #expect(kit.road.transport.requests.count == 1)
        #expect(try await kit.states == ["answered"])
    }

    @Test func `a client that comes back keeps its answer from being cut`() async throws {
        let kit = try await Kit()
        var call: Task<Void, Never>?
        var back: Later?
        let (script, whole) = Self.words(6) {
            call?.cancel()
            while !kit.running.hasAnswerWithoutReader { await Task.yield() }
            kit.pass(.seconds(59))
            var follower: FakeExchange?
            let fields = Self.field + "Last-Event-ID: 1\r\n"
            back = Later { await kit.chat(StreamTests.ask, fields: fields) { follower = $0 } }
            while follower?.sent.isEmpty ?? true { await Task.yield() }
            kit.pass(.seconds(59))
            kit.running.cutForsaken()
        }
        kit.road.transport.scripts = [script]
        call = Task { _ = await kit.chat(StreamTests.ask) }
        await call?.value
        #expect(await back?.value?.sent == Self.numbered(whole, after: 1))
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `another body under the same key is a conflict, also while the first runs`() async throws {
        let kit = try await Kit()
        var other: FakeExchange?
        let (script, _) = Self.words(4) { other = await kit.chat() }
        kit.road.transport.scripts = [script]
        _ = await kit.chat(StreamTests.ask)
        #expect(other?.status == 409)
        #expect(other?.json?["error"]?["code"] == "idempotency_conflict")
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `the start of an answer that is too large to be kept is gone`() async throws {
        let kit = try await Kit(IdempotencyLimits(answerBytesMax: 256))
        var (early, late): (FakeExchange?, FakeExchange?)
        let (script, whole) = Self.words(60) {
            // What its first reader has had is dropped, not before.
            while early?.sent.contains("w29 ") != true { await Task.yield() }
            late = await kit.chat(StreamTests.ask)
        }
        kit.road.transport.scripts = [script]
        let first = await kit.chat(StreamTests.ask) { early = $0 }
        #expect(first.sent == Self.numbered(whole))
        #expect(late?.status == 410)
        #expect(late?.json?["error"]?["code"] == "gone")
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `an answer under way is ended by its key, and whoever follows it is told`() async throws {
        let kit = try await Kit()
        var (cancelled, other): (FakeExchange?, FakeExchange?)
        let (script, _) = Self.words(6) {
            let path = "/api/v1/requests/cancel"
            other = await kit.road.send("POST", path, fields: "Idempotency-Key: another\r\n")
            cancelled = await kit.road.send("POST", path, fields: Self.field)
        }
        kit.road.transport.scripts = [script]
        let first = await kit.chat(StreamTests.ask)
        #expect(other?.json?["data"]?["cancelled"] == false)
        #expect(cancelled?.json?["data"]?["cancelled"] == true)
        #expect(cancelled?.json?["data"]?["requestId"]?.stringValue == first.field("x-request-id"))
        // In-band, as every stream that ends before its end.
        #expect(!first.sent.contains("[DONE]") && first.sent.contains("\"error\""))
        #expect(first.isFinished)
        #expect(try await kit.states == ["interrupted"])
        #expect(kit.road.transport.requests.count == 1)
        // It is not run again, and nothing is left to be ended.
        #expect(await kit.chat(StreamTests.ask).status == 409)
        let again = await kit.road.send("POST", "/api/v1/requests/cancel", fields: Self.field)
        #expect(again.json?["data"]?["cancelled"] == false)
        #expect(await kit.road.send("POST", "/api/v1/requests/cancel").status == 400)
    }

    @Test func `a hundred at once with one key run one call`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        let calls = (0..<100).map { _ in Later { await kit.chat() } }
        for call in calls { #expect(await call.value?.status == 200) }
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `a hundred at once get an answer that is kept`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        let first = await kit.chat()
        let calls = (0..<100).map { _ in Later { await kit.chat() } }
        for call in calls { #expect(await call.value?.sent == first.sent) }
        #expect(kit.road.transport.requests.count == 1)
    }

    @Test func `whoever waits behind a call that was never begun makes its own`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        kit.line.isCut.withLockedValue { $0 = true }
        let calls = (0..<10).map { _ in Later { await kit.chat() } }
        for call in calls { #expect(await call.value?.status == 503) }
        kit.line.isCut.withLockedValue { $0 = false }
        #expect(await kit.chat().status == 200)
    }
}
