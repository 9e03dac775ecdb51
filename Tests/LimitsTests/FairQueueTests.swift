import Limits
import NIOCore
import TestKit
import Testing

private let second: Int64 = 1_000_000_000

@Suite struct FairQueueTests {
    private static func entry(
        _ id: UInt64,
        _ flow: String,
        priority: Int = 0,
        weight: Int = 1,
        cost: Int = 1,
        since: Int64 = 0
    ) -> FairQueue.Entry {
        FairQueue.Entry(
            id: id,
            flow: flow,
            priority: priority,
            weight: weight,
            cost: cost,
            since: at(since),
            deadline: .distantFuture
        )
    }

    private static func serveNext(_ queue: inout FairQueue, now: Int64 = 0) -> FairQueue.Entry? {
        guard let entry = queue.head(now: at(now)) else { return nil }
        queue.serve(entry)
        return entry
    }

    @Test func `one flow is served in the order in which it came`() {
        var queue = FairQueue(patience: .seconds(5))
        for id in 1...100 { queue.enqueue(Self.entry(UInt64(id), "a")) }
        for id in 1...100 { #expect(Self.serveNext(&queue)?.id == UInt64(id)) }
        #expect(queue.head(now: at(0)) == nil)
        #expect(queue.count == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5])
    func `busy flows share by their weights, whatever each call costs`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let weights = ["a": 1, "b": 2, "c": 5, "d": 1]
        var queue = FairQueue(patience: .seconds(5))
        var id: UInt64 = 0
        var waiting: [String: Int] = [:]
        var served: [String: Int] = [:]
        for _ in 0..<8000 {
            // One flow brings ten times as many as the others; all are always busy.
            for (flow, weight) in weights.sorted(by: { $0.key < $1.key }) {
                while waiting[flow, default: 0] < (flow == "d" ? 50 : 5) {
                    id += 1
                    queue.enqueue(Self.entry(id, flow, weight: weight, cost: 1 + random.below(100)))
                    waiting[flow, default: 0] += 1
                }
            }
            guard let entry = Self.serveNext(&queue) else { break }
            waiting[entry.flow, default: 0] -= 1
            served[entry.flow, default: 0] += entry.cost
        }
        let all = Double(served.values.reduce(0, +))
        for (flow, weight) in weights {
            let share = Double(served[flow] ?? 0) / all
            let due = Double(weight) / 9
            #expect(abs(share - due) < due / 10, "\(flow) got \(share), not \(due)")
        }
    }

    /// A flow that never has more than one waiting must not slip in before those that have many.
    @Test func `a flow that comes back at once gains nothing`() {
        var queue = FairQueue(patience: .seconds(5))
        for id in 1...200 { queue.enqueue(Self.entry(UInt64(id), "many")) }
        var id: UInt64 = 1000
        var served: [String: Int] = [:]
        queue.enqueue(Self.entry(id, "one"))
        for _ in 0..<200 {
            guard let entry = Self.serveNext(&queue) else { break }
            served[entry.flow, default: 0] += 1
            // Someone looks who is next before the one is back.
            _ = queue.head(now: at(0))
            if entry.flow == "one" {
                id += 1
                queue.enqueue(Self.entry(id, "one"))
            }
        }
        #expect((95...105).contains(served["one"] ?? 0), "\(served)")
    }

    @Test func `a flow that was away saves nothing up`() {
        var queue = FairQueue(patience: .seconds(5))
        for id in 1...100 { queue.enqueue(Self.entry(UInt64(id), "busy")) }
        queue.enqueue(Self.entry(500, "away"))
        for _ in 0..<60 { _ = Self.serveNext(&queue) }
        for id in 600..<700 { queue.enqueue(Self.entry(UInt64(id), "away")) }
        let next = (0..<20).compactMap { _ in Self.serveNext(&queue)?.flow }
        #expect((9...11).contains(next.filter { $0 == "away" }.count), "\(next)")
    }

    @Test func `the higher priority comes first, and age makes up for it`() {
        var queue = FairQueue(patience: .seconds(10))
        queue.enqueue(Self.entry(1, "low", since: 0))
        queue.enqueue(Self.entry(2, "high", priority: 9, since: 0))
        #expect(queue.head(now: at(0))?.id == 2)
        // After nine tenths of the longest wait the lowest priority comes before newcomers of the highest.
        queue.remove(2)
        queue.enqueue(Self.entry(3, "high", priority: 9, since: 9 * second))
        #expect(queue.head(now: at(8 * second))?.id == 3)
        #expect(queue.head(now: at(9 * second))?.id == 1)
    }

    @Test func `nobody waits for ever below a crowd of higher priority`() {
        var queue = FairQueue(patience: .seconds(10))
        queue.enqueue(Self.entry(1, "low", since: 0))
        var id: UInt64 = 10
        for tick in 0..<200 {
            let now = Int64(tick) * second / 10
            for _ in 0..<3 {
                id += 1
                queue.enqueue(Self.entry(id, "high", priority: 9, since: now))
            }
            if Self.serveNext(&queue, now: now)?.id == 1 {
                #expect(now <= 20 * second)
                return
            }
        }
        Issue.record("the call of low priority was never served")
    }

    @Test func `those who leave are passed over, and one that comes over keeps its place`() {
        var queue = FairQueue(patience: .seconds(5))
        for id in [3, 4, 5, 6] as [UInt64] { queue.enqueue(Self.entry(id, "a")) }
        let removals = [queue.remove(3), queue.remove(3)]
        #expect(removals == [true, false])
        queue.remove(5)
        queue.enqueue(Self.entry(1, "a"))
        #expect(Self.serveNext(&queue)?.id == 1)
        #expect(Self.serveNext(&queue)?.id == 4)
        #expect(Self.serveNext(&queue)?.id == 6)
        #expect(queue.head(now: at(0)) == nil)
    }

    @Test(arguments: 0..<30)
    func `in any order of coming, leaving and serving everybody ends once and each flow in order`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var queue = FairQueue(patience: .seconds(2))
        var waiting: Set<UInt64> = []
        var ended: Set<UInt64> = []
        var lastOfFlow: [String: UInt64] = [:]
        var id: UInt64 = 0
        for step in 0..<3000 {
            let now = Int64(step) * 10_000_000
            switch random.below(5) {
            case 0, 1:
                id += 1
                let flow = random.below(7)
                queue.enqueue(
                    Self.entry(
                        id,
                        "f\(flow)",
                        priority: flow % 3,
                        weight: 1 + flow,
                        cost: 1 + random.below(50),
                        since: now
                    )
                )
                waiting.insert(id)
            case 2:
                guard let one = waiting.sorted().first(where: { _ in random.oneIn(3) }) else { continue }
                let wasThere = queue.remove(one)
                #expect(wasThere)
                waiting.remove(one)
                #expect(ended.insert(one).inserted)
            default:
                guard let entry = Self.serveNext(&queue, now: now) else {
                    #expect(waiting.isEmpty)
                    continue
                }
                #expect(waiting.remove(entry.id) != nil)
                #expect(ended.insert(entry.id).inserted)
                #expect(entry.id > lastOfFlow[entry.flow] ?? 0)
                lastOfFlow[entry.flow] = entry.id
            }
            #expect(queue.count == waiting.count)
        }
        while let entry = Self.serveNext(&queue) {
            #expect(waiting.remove(entry.id) != nil)
        }
        #expect(waiting.isEmpty)
    }

    @Test func `a newcomer's wait is foreseen from those before it and its share`() {
        var queue = FairQueue(patience: .seconds(5))
        for id in 1...90 { queue.enqueue(Self.entry(UInt64(id), "crowd")) }
        // One of another group is not behind the whole crowd.
        #expect(queue.ahead(flow: "other", priority: 0, weight: 1).count == 1)
        #expect(queue.ahead(flow: "crowd", priority: 0, weight: 1).count == 90)
        queue.enqueue(Self.entry(100, "vip", priority: 5))
        #expect(queue.ahead(flow: "crowd", priority: 0, weight: 1).count == 91)
        #expect(queue.ahead(flow: "new", priority: 9, weight: 1).count == 0)
    }
}
