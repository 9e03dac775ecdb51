import Core
import NIOCore
import Telemetry
import Testing

@Suite struct CallStepTests {
    private static let target = TargetName(provider: "openai", model: "gpt-4o")

    @Test func `a failed attempt says what broke, which clock ran out and what its value was`() {
        var attempt = AttemptStep(number: 2, target: Self.target, begin: 1_000, end: 5_001_500, code: .providerTimeout)
        attempt.breaker = .probing
        attempt.clock = .connect
        attempt.limit = .seconds(5)
        attempt.didSend = false
        let step = CallStep.ended(attempt)
        #expect(
            step.text == "attempt 2 at openai/gpt-4o, trying whether it is well again, failed after 5 s: "
                + "PROVIDER_TIMEOUT, the connect limit of 5000 ms ran out; nothing was sent"
        )
        let json = step.json(at: 5_001_500)
        #expect(json["what"] == "attempt" && json["number"] == 2 && json["ok"] == false)
        #expect(json["clock"] == "connect" && json["clockLimitMs"] == 5000 && json["breaker"] == "probing")
        #expect(json["beginMs"] == 1 && json["endMs"] == .number("5001.500") && json["atMs"] == .number("5001.500"))
        #expect(json["sent"] == false && json["code"] == "PROVIDER_TIMEOUT")
    }

    @Test func `an attempt that was called off did not fail, and nobody left`() {
        var attempt = AttemptStep(number: 1, target: Self.target, begin: 0, end: 300_000, code: .clientGone)
        attempt.isCalledOff = true
        attempt.variant = "hedge"
        #expect(attempt.text == "attempt 1 at openai/gpt-4o (hedge) was called off after 300 ms")
        let json = CallStep.ended(attempt).json(at: nil)
        #expect(json["calledOff"] == true && json["code"] == nil && json["ok"] == false && json["variant"] == "hedge")
    }

    @Test func `every reason and every kind of step has words of its own`() {
        #expect(Set(SkipReason.allCases.map(\.words)).count == SkipReason.allCases.count)
        #expect(Set(WaitReason.allCases.map(\.words)).count == WaitReason.allCases.count)
        #expect(Set(GiveUpReason.allCases.map(\.words)).count == GiveUpReason.allCases.count)
        let steps: [CallStep] = [
            .skipped(Self.target, .breakerOpen, until: .seconds(3)), .waited(.milliseconds(120), .backoff),
            .gaveUp(.retryBudget), .panicked(Self.target), .hedged(Self.target, after: .milliseconds(800)),
            .hedgeWon(Self.target, isSecond: true), .hedgeWithheld("its budget is used up"), .shadowed(Self.target),
            .shadowWithheld("its budget is used up"), .variant(experiment: "fast", name: "b", isSticky: true),
            .stuck(Self.target, by: "this session was there before"), .chose(Self.target, because: "it is cheapest"),
            .dropped(field: "logit_bias"), .changed("stream_options: asks for usage"), .replayed(of: "req_1"),
            .limited(by: "team", retryAfter: .seconds(2)), .remark("went another way"),
        ]
        for step in steps {
            let json = step.json(at: nil)
            #expect(json["text"]?.stringValue?.isEmpty == false && json["atMs"] == nil)
        }
        #expect(Set(steps.map(\.kind)).count == steps.count)
        #expect(steps[0].text.hasSuffix("is left alone for another 3 s"))
    }

    @Test func `a call that goes on and on keeps its first steps and counts the rest`() {
        var notes = CallNotes()
        var asked = 0
        func step() -> CallStep {
            asked += 1
            return .waited(.milliseconds(Int64(asked)), .backoff)
        }
        for _ in 0..<1000 { notes.add(step(), at: 1) }
        #expect(notes.entries.count == CallNotes.stepsMax && asked == CallNotes.stepsMax)
        #expect(notes.dropped == 1000 - CallNotes.stepsMax)
        #expect(notes.entries.first?.step == .waited(.milliseconds(1), .backoff))
    }

    @Test func `times read like times`() {
        #expect(CallStep.words(.nanoseconds(1)) == "0 ms")
        #expect(CallStep.words(.nanoseconds(-5)) == "0 ms")
        #expect(CallStep.words(.milliseconds(999)) == "999 ms")
        #expect(CallStep.words(.milliseconds(1250)) == "1.2 s")
        #expect(CallStep.words(.seconds(59)) == "59 s")
        #expect(CallStep.words(.seconds(61)) == "1 min 1 s")
        #expect(CallStep.words(.minutes(30)) == "30 min")
    }
}
