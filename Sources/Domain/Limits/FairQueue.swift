package import NIOCore

/// Who waits for one counter, and who of them comes next.
///
/// Three rules, one below the other. The higher priority comes first; but whoever waits rises by one priority with
/// each `ageStep`, up to the highest, where the oldest is first, so that nobody waits for ever below a crowd that
/// never ends. Within a priority the flows, which are groups, share by weight: start-time fair queueing (Goyal, Vin,
/// Cheng 1996) gives each busy flow its share however much the others bring. Within a flow it is first come, first
/// served.
package struct FairQueue: Sendable {
    /// One that waits.
    package struct Entry: Sendable, Equatable {
        /// Ascending with the time of arrival, and unique.
        package var id: UInt64
        package var flow: String
        /// 0 to `LimitRule.priorityMax`.
        package var priority: Int
        /// 1 to `LimitRule.weightMax`.
        package var weight: Int
        /// What it takes of the counter, at least 1.
        package var cost: Int
        package var since: NIODeadline
        package var deadline: NIODeadline

        package init(
            id: UInt64,
            flow: String,
            priority: Int = 0,
            weight: Int = 1,
            cost: Int = 1,
            since: NIODeadline,
            deadline: NIODeadline
        ) {
            self.id = id
            self.flow = flow
            self.priority = min(max(priority, 0), LimitRule.priorityMax)
            self.weight = min(max(weight, 1), LimitRule.weightMax)
            self.cost = max(cost, 1)
            self.since = since
            self.deadline = deadline
        }
    }

    /// How long it takes to rise by one priority.
    private let ageStep: Int64
    private var entries: [UInt64: Entry] = [:]
    private var levels: [FairLevel]

    /// - Parameter patience: How long anybody waits at most; after nine tenths of it the lowest priority has become the
    ///   highest.
    package init(patience: TimeAmount) {
        self.ageStep = max(1_000_000, patience.nanoseconds / Int64(LimitRule.priorityMax + 1))
        self.levels = Array(repeating: FairLevel(), count: LimitRule.priorityMax + 1)
    }

    /// How many wait.
    package var count: Int { self.entries.count }

    /// Lines somebody up.
    ///
    /// - Parameter entry: Its id may be lower than those of others that are here: one who comes over from another queue
    ///   keeps its place in its flow.
    package mutating func enqueue(_ entry: Entry) {
        guard self.entries.updateValue(entry, forKey: entry.id) == nil else { return }
        self.levels[entry.priority].insert(entry)
    }

    /// Who comes next at this moment.
    package mutating func head(now: NIODeadline) -> Entry? {
        guard let level = self.nextLevel(now), let id = self.levels[level].next(self.entries) else { return nil }
        return self.entries[id]
    }

    /// Serves the one that `head` named: what it costs counts against its flow.
    package mutating func serve(_ entry: Entry) {
        guard self.entries.removeValue(forKey: entry.id) != nil else { return }
        self.levels[entry.priority].serve(entry, among: self.entries)
    }

    /// Takes out somebody who waits no longer.
    ///
    /// - Returns: False if nobody of that id waits here.
    @discardableResult
    package mutating func remove(_ id: UInt64) -> Bool {
        guard let entry = self.entries.removeValue(forKey: id) else { return false }
        self.levels[entry.priority].remove(entry, among: self.entries)
        return true
    }

    /// Everybody who waits, in no order.
    package var ids: [UInt64] { Array(self.entries.keys) }

    /// How many calls, and what they cost, will probably be served before a newcomer.
    ///
    /// Higher priorities come first as a whole; of its own, the newcomer's flow gets its share.
    package func ahead(flow: String, priority: Int, weight: Int) -> (count: Int, cost: Int) {
        var count = 0
        var cost = 0
        let priority = min(max(priority, 0), LimitRule.priorityMax)
        for level in self.levels[(priority + 1)...] {
            count += level.count
            cost += level.cost
        }
        let own = self.levels[priority].ahead(flow: flow, weight: max(1, weight))
        return (count + own.count, cost + own.cost)
    }

    /// The level whose oldest has the most to say for it.
    private mutating func nextLevel(_ now: NIODeadline) -> Int? {
        var best: (level: Int, rank: Int64, since: NIODeadline)?
        for level in self.levels.indices.reversed() where self.levels[level].count > 0 {
            guard let id = self.levels[level].oldest(self.entries), let entry = self.entries[id] else { continue }
            let age = max(0, (now - entry.since).nanoseconds) / self.ageStep
            let rank = min(Int64(level) + age, Int64(LimitRule.priorityMax))
            if let known = best, (rank, known.since) <= (known.rank, entry.since) { continue }
            best = (level, rank, entry.since)
        }
        return best?.level
    }
}

/// Those of one priority.
struct FairLevel: Sendable {
    /// What one unit of cost is in virtual time at weight 1.
    private static let scale: Int64 = 1 << 16
    /// Where virtual time begins anew; sums below it cannot overflow.
    private static let virtualMax: Int64 = 1 << 60

    private struct Flow {
        var line = WaitingLine()
        var weight = 1
        var cost = 0
        var count = 0
        /// When its next one may begin, in virtual time.
        var start: Int64 = 0
    }

    private(set) var count = 0
    private(set) var cost = 0
    private var arrivals = WaitingLine()
    private var flows: [String: Flow] = [:]
    /// Flows by the start of their next one, a binary heap; some may have nobody left.
    private var heap: [(start: Int64, flow: String)] = []
    private var virtualTime: Int64 = 0
    /// Of the flows that have somebody waiting.
    private var weights = 0

    mutating func insert(_ entry: FairQueue.Entry) {
        self.arrivals.insert(entry.id)
        self.count += 1
        self.cost += entry.cost
        var flow = self.flows.removeValue(forKey: entry.flow)
        if flow == nil {
            flow = Flow(start: self.virtualTime)
            self.push((self.virtualTime, entry.flow))
        }
        guard var flow else { return }
        if flow.count > 0 { self.weights -= flow.weight }
        flow.weight = entry.weight
        self.weights += flow.weight
        flow.line.insert(entry.id)
        flow.cost += entry.cost
        flow.count += 1
        self.flows[entry.flow] = flow
    }

    /// The one of the flow that is furthest behind its share.
    mutating func next(_ entries: [UInt64: FairQueue.Entry]) -> UInt64? {
        while let top = self.heap.first {
            if let id = self.flows[top.flow]?.line.first(of: entries) { return id }
            // Nobody has less than it had, so time moves on to there: a flow that comes back at once gains nothing.
            self.pop()
            self.flows[top.flow] = nil
            self.virtualTime = max(self.virtualTime, top.start)
        }
        return nil
    }

    mutating func oldest(_ entries: [UInt64: FairQueue.Entry]) -> UInt64? { self.arrivals.first(of: entries) }

    mutating func serve(_ entry: FairQueue.Entry, among entries: [UInt64: FairQueue.Entry]) {
        self.virtualTime = max(self.virtualTime, self.flows[entry.flow]?.start ?? 0)
        self.leave(entry, among: entries)
        let (scaled, overflow) = Int64(entry.cost).multipliedReportingOverflow(by: Self.scale)
        let step = (overflow ? Self.virtualMax : scaled) / Int64(entry.weight)
        let start = self.virtualTime + min(step, Self.virtualMax)
        self.flows[entry.flow]?.start = start
        if self.heap.first?.flow == entry.flow {
            self.heap[0].start = start
            self.sink()
        }
        if self.virtualTime > Self.virtualMax { self.rebase() }
    }

    mutating func remove(_ entry: FairQueue.Entry, among entries: [UInt64: FairQueue.Entry]) {
        self.leave(entry, among: entries)
    }

    func ahead(flow name: String, weight: Int) -> (count: Int, cost: Int) {
        let flow = self.flows[name]
        let ownCount = flow?.count ?? 0
        let others = self.weights - (ownCount > 0 ? flow?.weight ?? 0 : 0)
        // While the newcomer's flow is served once more, the others are served by their weights, as long as they last.
        let share = Double(others) / Double(weight)
        let otherCount = min(Double(self.count - ownCount), Double(ownCount + 1) * share)
        let ownCost = flow?.cost ?? 0
        let average = self.count > 0 ? Double(self.cost) / Double(self.count) : 0
        let otherCost = min(Double(self.cost - ownCost), (Double(ownCost) + average) * share)
        return (ownCount + Int(otherCount), ownCost + Int(otherCost))
    }

    private mutating func leave(_ entry: FairQueue.Entry, among entries: [UInt64: FairQueue.Entry]) {
        self.count -= 1
        self.cost -= entry.cost
        self.arrivals.left(entries)
        guard var flow = self.flows.removeValue(forKey: entry.flow) else { return }
        flow.count -= 1
        flow.cost -= entry.cost
        flow.line.left(entries)
        if flow.count == 0 { self.weights -= flow.weight }
        self.flows[entry.flow] = flow
    }

    private mutating func rebase() {
        let base = self.virtualTime
        self.virtualTime = 0
        for name in self.flows.keys { self.flows[name]?.start -= base }
        for index in self.heap.indices { self.heap[index].start -= base }
    }

    // MARK: - The heap

    private mutating func push(_ item: (start: Int64, flow: String)) {
        self.heap.append(item)
        var index = self.heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard self.heap[index].start < self.heap[parent].start else { return }
            self.heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func pop() {
        self.heap.swapAt(0, self.heap.count - 1)
        self.heap.removeLast()
        self.sink()
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < self.heap.count {
                if self.heap[child].start < self.heap[least].start { least = child }
            }
            guard least != index else { return }
            self.heap.swapAt(index, least)
            index = least
        }
    }
}

/// Ids in their order; those who left are passed over and swept out now and then.
struct WaitingLine: Sendable {
    private var ids: [UInt64] = []
    private var start = 0
    private var live = 0

    mutating func insert(_ id: UInt64) {
        self.live += 1
        var position = self.ids.count
        while position > self.start, self.ids[position - 1] > id { position -= 1 }
        self.ids.insert(id, at: position)
    }

    /// The first who still waits.
    mutating func first(of entries: [UInt64: FairQueue.Entry]) -> UInt64? {
        while self.start < self.ids.count {
            let id = self.ids[self.start]
            if entries[id] != nil { return id }
            self.start += 1
        }
        return nil
    }

    /// Notes that one of them waits no longer.
    mutating func left(_ entries: [UInt64: FairQueue.Entry]) {
        self.live -= 1
        guard self.ids.count > 2 * self.live + 32 else { return }
        self.ids = self.ids[self.start...].filter { entries[$0] != nil }
        self.start = 0
    }
}
