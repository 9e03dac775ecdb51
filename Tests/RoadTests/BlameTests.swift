import Core
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Resilience
import Telemetry
import Testing
import Transport

/// What must not be held against a target, and what must not let one out of sight.
@Suite struct BlameTests {
    private typealias Kit = TryTargetsTests.Kit
    private static let ask = TryTargetsTests.ask
    private static let one = TryTargetsTests.one
    private static var whole: FakeUpstream.Script { .json(TryTargetsTests.answer) }

    /// The whole time of a call is over.
    private static func over(_ limit: TimeAmount, didSend: Bool = true) -> FakeUpstream.Script {
        .failure(TransportError.timeout(.total, limit: limit, didSend: didSend))
    }

    private static func failed(_ kit: Kit, _ provider: String) -> UInt64 {
        kit.road.health.figures(of: [provider], now: kit.clock.now)[0].failed
    }

    @Test func `clients in a hurry neither open a breaker nor make a provider look ill to all others`() async throws {
        let kit = try Kit(retriesMax: 0)
        for _ in 0..<20 {
            kit.road.transport.scripts = [Self.over(.milliseconds(50))]
            let answer = await kit.road.chat(Self.one, fields: "x-turnpike-timeout-ms: 50\r\n")
            #expect(answer.status == 504)
        }
        #expect(Self.failed(kit, "mistral") == 0)
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
        // The same without a hurry is the provider's failure.
        _ = await kit.chat(Self.one, Self.over(.seconds(120)))
        #expect(Self.failed(kit, "mistral") == 1)
    }

    @Test func `what others used up of a call's time is not held against the target that came too late`() async throws {
        let kit = try Kit(retriesMax: 1)
        let clock = kit.clock
        // The first attempt takes 100 of the 120 seconds.
        kit.road.transport.duringDial = { clock.advance(.seconds(100)) }
        _ = await kit.chat(Self.ask, TryTargetsTests.down, Self.over(.seconds(120), didSend: false))
        #expect(kit.sent == 2)
        #expect(Self.failed(kit, "openai") == 1)
        #expect(Self.failed(kit, "openrouter") == 0)
        let late = kit.road.guards.targets.first { $0.provider.name == "openrouter" }
        #expect(late?.status(now: clock.now).failures == 0)
    }

    @Test func `a call waits only so often for a target that is never ready`() async throws {
        let kit = try Kit(retriesMax: 2)
        _ = await kit.chat(Self.one, .json("{}", status: 429, fields: "retry-after: 30\r\n"))
        // It is asked again and again, by others too, and its rest never ends.
        kit.clock.advance(.seconds(25))
        let waits = NIOLockedValueBox(0)
        kit.road.transport.duringWait = { until in
            let count = waits.withLockedValue { count in
                count += 1
                return count
            }
            if count > 20 { kit.clock.move(to: until) }
        }
        let answer = await kit.chat(Self.one)
        #expect(answer.status == 429)
        #expect(waits.withLockedValue { $0 } == 3)
    }

    @Test func `an operator reaches a target that had to make room for others in the book`() async throws {
        let kit = try Kit(retriesMax: 0)
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
        let guards = kit.road.guards
        // Its last call is so long ago that nothing is known of it, and clients ask for many other models.
        kit.clock.advance(.minutes(1))
        for number in 0..<GuardBook.targetsMax {
            _ = guards.target(
                provider: "openai",
                model: "model-\(number)",
                credentialID: "",
                now: kit.clock.now
            )
        }
        #expect(guards.targets.count <= GuardBook.targetsMax)
        _ = guards.open(GuardSelector(provider: "mistral", model: "m"), for: nil, now: kit.clock.now)
        #expect(await kit.chat(Self.one).status == 503)
        _ = guards.close(GuardSelector(provider: "mistral", model: "m"), now: kit.clock.now)
        #expect(await kit.chat(Self.one, Self.whole).status == 200)
        #expect(guards.targets.contains { $0.provider.name == "mistral" && $0.model == "m" })
    }
}
