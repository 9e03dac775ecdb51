import HTTP
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing

/// Answers whose client leaves, at a provider with `on_disconnect: drain` (row 93).
@MainActor @Suite struct DrainTests {
    private static let askWhole = #"{"model":"openai/m","messages":[]}"#
    private static let askStream = #"{"model":"openai/m","stream":true,"messages":[]}"#

    /// A road to one provider, and a clock that the test moves.
    @MainActor final class Kit {
        let road: Road
        let drains: Drains
        let clock = NIOLockedValueBox(NIODeadline.uptimeNanoseconds(1))
        /// Whether the provider's answer was read behind the point at which the client left.
        var wasReadOn = false
        var gone: FakeExchange?

        init(_ policy: DisconnectPolicy = .drain, _ limits: Drains.Limits = Drains.Limits()) throws {
            var provider = ProviderEntry(name: "openai")
            provider.onDisconnect = policy
            let clock = self.clock
            self.drains = Drains(limits: limits) { clock.withLockedValue { $0 } }
            self.road = try Road(providers: [provider], routes: [], credentialsFor: ["openai"], drains: self.drains)
        }

        /// Asks for an answer that begins with `before`; its client leaves then.
        func leave(
            _ before: [FakeUpstream.Step] = [.bytes(StreamTests.text("Hel"))],
            _ behind: [FakeUpstream.Step] = [.bytes(StreamTests.finish + StreamTests.usage + StreamTests.done)],
            ask: String = DrainTests.askStream,
            then: @escaping () -> Void = {}
        ) async {
            var call: Task<Void, Never>?
            let pause = FakeUpstream.Step.pause {
                while !before.isEmpty, self.gone?.sent.isEmpty ?? true { await Task.yield() }
                self.gone?.isGone = true
                call?.cancel()
                then()
            }
            var script = FakeUpstream.Script.stream()
            if ask == DrainTests.askWhole { script.head = FakeUpstream.Script.json("{}").head }
            script.steps = before + [pause] + behind + [.meanwhile { self.wasReadOn = true }]
            self.road.transport.scripts.append(script)
            let task = Task { _ = await self.road.chat(ask) { self.gone = $0 } }
            call = task
            await task.value
        }

        func pass(_ time: TimeAmount) {
            self.clock.withLockedValue { $0 = $0 + time }
            self.drains.cutOverdue()
        }

        func gauge(_ name: String) -> Double? { self.drains.gauges.first { $0.name == name }?.samples().first?.value }
    }

    @Test func `a stream is read to its end, and nobody is sent any of it`() async throws {
        let kit = try Kit()
        var count = 0
        await kit.leave { count = kit.drains.count }
        #expect(count == 1)
        #expect(kit.wasReadOn)
        #expect(kit.gone?.sent == StreamTests.text("Hel"))
        #expect(kit.road.exposition.contains("turnpike_clients_gone_total 1"))
        #expect(kit.road.exposition.contains(#"kind="input"} 9"#))
        #expect(kit.drains.count == 0)
        #expect(kit.gauge("turnpike_drains_total") == 1)
        #expect(kit.gauge("turnpike_drains_cut_total") == 0)
    }

    @Test func `a whole answer is read to its end too`() async throws {
        let kit = try Kit()
        await kit.leave([], [.bytes(PlainCallTests.answer)], ask: Self.askWhole)
        #expect(kit.wasReadOn)
        #expect(kit.gone?.status == 0)
        #expect(kit.road.exposition.contains("turnpike_clients_gone_total 1"))
        #expect(kit.road.exposition.contains(#"kind="input"} 3"#))
    }

    @Test func `at any other provider the connection is closed at once`() async throws {
        let kit = try Kit(.cancel)
        await kit.leave()
        #expect(!kit.wasReadOn)
        #expect(kit.road.transport.upstreams[0].isAbandoned)
        #expect(kit.gauge("turnpike_drains_total") == 0)
    }

    @Test func `it takes fifteen seconds at most`() async throws {
        let kit = try Kit()
        await kit.leave { kit.pass(.milliseconds(14_999)) }
        #expect(kit.wasReadOn)
        let other = try Kit()
        await other.leave { other.pass(.seconds(15)) }
        #expect(!other.wasReadOn)
        #expect(other.road.transport.upstreams[0].isAbandoned)
        #expect(other.gauge("turnpike_drains_cut_total") == 1)
        #expect(other.road.exposition.contains("turnpike_clients_gone_total 1"))
    }

    @Test(arguments: [0, 1])
    func `it takes so many bytes at most, those before the client left not counted`(surplus: Int) async throws {
        var limits = Drains.Limits()
        let end = StreamTests.finish + StreamTests.done
        limits.bytes = end.utf8.count - surplus
        let kit = try Kit(.drain, limits)
        await kit.leave([.bytes(StreamTests.text(String(repeating: "x", count: 500)))], [.bytes(end)])
        // All that was to be read behind the bound is the body's end.
        #expect(kit.wasReadOn == (surplus == 0))
        #expect(kit.gauge("turnpike_drains_cut_total") == Double(surplus))
    }

    @Test func `a whole answer has the same bound`() async throws {
        var limits = Drains.Limits()
        limits.bytes = PlainCallTests.answer.utf8.count - 1
        let kit = try Kit(.drain, limits)
        await kit.leave([], [.bytes(PlainCallTests.answer)], ask: Self.askWhole)
        #expect(!kit.wasReadOn)
    }

    @Test func `of thirty-three at once the last is cut off`() async throws {
        let kit = try Kit()
        let count = 33
        var waiting = 0
        var haveLeft = false
        var readOn = 0
        kit.road.transport.scripts = (0..<count).map { _ in
            .stream(
                .pause {
                    waiting += 1
                    while !haveLeft { await Task.yield() }
                },
                .bytes(StreamTests.text("x") + StreamTests.finish),
                .meanwhile { readOn += 1 },
                .bytes(StreamTests.done)
            )
        }
        let calls = (0..<count).map { _ in Task { _ = await kit.road.chat(Self.askStream) } }
        while waiting < count { await Task.yield() }
        for call in calls { call.cancel() }
        #expect(kit.drains.count == 32)
        haveLeft = true
        for call in calls { await call.value }
        #expect(readOn == 32)
        #expect(kit.drains.count == 0)
        // There is room again.
        await kit.leave()
        #expect(kit.wasReadOn)
    }

    @Test func `a server that will wait no longer cuts all of them, and lets none begin`() async throws {
        let kit = try Kit()
        await kit.leave { kit.road.gateway.hurry() }
        #expect(!kit.wasReadOn)
        await kit.leave()
        #expect(!kit.wasReadOn)
        #expect(kit.gauge("turnpike_drains_total") == 1)
    }

    @Test func `whoever stops the gateway waits until all of them are over`() async throws {
        let kit = try Kit()
        var stop: Task<Int, Never>?
        let drains = kit.drains
        await kit.leave {
            #expect(drains.count == 1)
            stop = Task {
                await drains.finish()
                return drains.count
            }
        }
        #expect(await stop?.value == 0)
        await kit.leave()
        #expect(kit.gauge("turnpike_drains_total") == 1)
    }

    @Test func `for a client that left before anything was sent nothing is sent`() async throws {
        let kit = try Kit()
        let task = Task { _ = await kit.road.chat(Self.askStream) }
        task.cancel()
        await task.value
        #expect(kit.road.transport.requests.isEmpty)
    }

    @Test func `for a client that leaves while the provider is dialled nothing is sent`() async throws {
        let kit = try Kit()
        var call: Task<Void, Never>?
        kit.road.transport.duringDial = { call?.cancel() }
        kit.road.transport.scripts = [.json(PlainCallTests.answer)]
        let task = Task { _ = await kit.road.chat(Self.askStream) }
        call = task
        await task.value
        #expect(kit.road.transport.requests.isEmpty)
        #expect(kit.road.exposition.contains("turnpike_clients_gone_total 1"))
        #expect(kit.drains.count == 0)
    }

    @Test func `an answer whose client stays is what it is elsewhere`() async throws {
        let kit = try Kit()
        kit.road.transport.scripts = [
            .stream(.bytes(StreamTests.text("Hel")), .bytes(StreamTests.finish + StreamTests.done)),
            .json(PlainCallTests.answer), .json(#"{"error":{"message":"no"}}"#, status: 400),
        ]
        let stream = await kit.road.chat(Self.askStream)
        #expect(stream.sent == StreamTests.text("Hel") + StreamTests.finish + StreamTests.done)
        let whole = await kit.road.chat(Self.askWhole)
        #expect(whole.sent == PlainCallTests.answer)
        #expect(await kit.road.chat(Self.askWhole).status == 400)
        #expect(kit.gauge("turnpike_drains_total") == 0)
    }
}
