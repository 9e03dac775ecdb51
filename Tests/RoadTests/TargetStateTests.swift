import NIOCore
import Resilience
import Synchronization
import Telemetry
import Testing

@testable import Pipeline

@Suite struct TargetStateTests {
    private final class Counts: Sendable {
        let inside = Atomic(0)
        let admitted = Atomic(0)
    }

    @Test func `however many come at once, no more than may be are under way`() async {
        let state = TargetBook().target(provider: "p", model: "m")
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5_000 where state.enter(limit: 3) {
                        let now = counts.inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
                        #expect(now <= 3)
                        counts.admitted.wrappingAdd(1, ordering: .relaxed)
                        counts.inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                        state.stopWaiting()
                        state.leave()
                    }
                }
            }
        }
        #expect(state.underWay == 0 && state.withoutAnswer == 0)
        #expect(counts.admitted.load(ordering: .relaxed) >= 5_000)
    }

    @Test func `a target is one, whatever alias and whatever snapshot asks for it`() {
        let book = TargetBook()
        #expect(book.target(provider: "p", model: "m") === book.target(provider: "p", model: "m"))
        #expect(book.target(provider: "p", model: "m") !== book.target(provider: "p", model: "n"))
        #expect(book.turns(of: "fast") === book.turns(of: "fast"))
        #expect(book.turns(of: "fast").next() == 0 && book.turns(of: "fast").next() == 1)
        #expect(book.calls(of: "fast", on: "a") !== book.calls(of: "fast", on: "b"))
    }

    @Test func `what is known of targets can be read as metrics`() throws {
        let book = TargetBook()
        let now = NIODeadline.now()
        let state = book.target(provider: "p", model: "m")
        #expect(state.enter(limit: nil))
        state.noteLatency(isStream: true) { $0.note(.milliseconds(250), now: now) }
        state.notePass(.atCapacity)
        book.calls(of: "fast", on: "canary").next()
        var text: [String] = []
        for gauge in book.gauges(now: { now }) {
            for sample in gauge.samples() {
                let labels = sample.labels.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
                text.append("\(gauge.name){\(labels)} \(sample.value)")
            }
        }
        #expect(
            text == [
                "turnpike_target_calls_in_flight{provider=p,model=m} 1.0",
                "turnpike_target_latency_seconds{provider=p,model=m,answer=stream} 0.25",
                "turnpike_target_passes_total{provider=p,model=m,reason=at_capacity} 1.0",
                "turnpike_experiment_calls_total{alias=fast,variant=canary} 1.0",
            ]
        )
    }
}
