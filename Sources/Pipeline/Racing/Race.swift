internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Transport

/// Attempts at one call side by side: the first to have content answers it, the others are called off.
///
/// Confined to the call's loop. Who wins is decided there, in one step, by `RaceLane.claim`: in whatever order the
/// bytes of two providers come, one of them finds the race open.
final class Race {
    let call: Call
    let reply: any ReplySink
    /// Rung whenever there may be something new to see.
    let alarm: any LoopWait
    private(set) var lanes: [RaceLane] = []
    private(set) var winner: RaceLane?
    private(set) var isCalledOff = false
    /// Where the call runs, and so every lane.
    fileprivate let isolation: (any Actor)?
    /// Called once, when the race is decided, with the lane that won.
    private var onDecision: ((RaceLane) -> Void)?

    init(
        _ call: Call,
        _ reply: any ReplySink,
        isolation: (any Actor)? = #isolation,
        onDecision: @escaping (RaceLane) -> Void
    ) {
        self.call = call
        self.isolation = isolation
        self.reply = reply
        self.alarm = call.transport.makeWait()
        self.onDecision = onDecision
    }

    /// Puts a copy of the call into the race and lets it go.
    func enter(_ copy: Call, at now: NIODeadline, _ next: Next) -> RaceLane {
        let lane = RaceLane(copy, in: self, begin: now)
        self.lanes.append(lane)
        lane.start(next)
        return lane
    }

    /// Whether nothing more will come for the client: the winner is done, or every attempt is.
    var isOver: Bool { self.winner.map(\.isOver) ?? self.lanes.allSatisfy(\.isOver) }

    /// Decides the race for a lane; false if another was faster, or nobody is there to win it.
    fileprivate func decide(for lane: RaceLane) -> Bool {
        if let winner = self.winner { return winner === lane }
        guard !self.isCalledOff else { return false }
        self.winner = lane
        for other in self.lanes where other !== lane { other.cancel() }
        // What the head of the answer says is read from the client's own call.
        self.call.adoptServer(lane.call)
        self.call.moveFields(from: lane.call)
        // Nobody else can answer any more, so nobody needs the request again.
        self.call.releaseBody()
        self.onDecision?(lane)
        self.onDecision = nil
        self.alarm.wake()
        return true
    }

    /// Whether an attempt runs for nobody: another answers, or is the one that a client who left is charged for.
    fileprivate func isLost(_ lane: RaceLane) -> Bool {
        if let winner = self.winner { return winner !== lane }
        return self.isCalledOff && lane !== self.lanes.first
    }

    /// Calls everything off: the client has left, or the server goes down.
    func callOff() {
        self.isCalledOff = true
        for lane in self.lanes {
            if self.call.isHurried { lane.call.isHurried = true }
            lane.cancel()
        }
    }

    /// Waits until the attempts are over and settled.
    ///
    /// One that lost and is read on for the sake of its figures (`on_disconnect: drain`) is left to those who keep
    /// drains, unless `all` are waited for.
    func settle(all: Bool) async {
        for lane in self.lanes where !lane.isOver {
            if !all, lane.call.drain != nil { continue }
            await lane.finish()
        }
    }

    /// Brings what became of the attempts together in the client's call: as the winner ended, else as the first did.
    ///
    /// - Returns: How that one ended; nil if it has not.
    func conclude() -> Result<Void, any Error>? {
        for lane in self.lanes { self.call.count(lane.call) }
        guard let lane = self.winner ?? self.lanes.first else { return nil }
        self.call.moveFields(from: lane.call)
        self.call.adopt(lane.call)
        return lane.outcome
    }
}

@available(*, unavailable, message: "confined to its loop")
extension Race: Sendable {}

/// One attempt of a race, with a copy of the call and a task of its own.
///
/// It may go from target to target, as any call does; for the race that is one attempt.
final class RaceLane {
    let call: Call
    let begin: NIODeadline
    /// Nil while it runs.
    private(set) var outcome: Result<Void, any Error>?
    private(set) var hasWon = false
    /// Nil when it is over, which breaks the cycle.
    private var race: Race?
    private var task: Task<Void, any Error>?

    init(_ call: Call, in race: Race, begin: NIODeadline) {
        self.call = call
        self.race = race
        self.begin = begin
        call.lane = self
    }

    var isOver: Bool { self.outcome != nil }
    /// Whether some attempt answers the client, this or another.
    var isDecided: Bool { self.race?.winner != nil }

    fileprivate func start(_ next: Next) {
        guard let race = self.race else { return }
        let sink = LaneSink(self, race.reply)
        // A task of its own, so that it can be called off without the others; `Race` waits for it.
        self.task = Uncancelled.begin(isolation: race.isolation) { await self.run(next, sink) }
    }

    private func run(_ next: Next, _ sink: LaneSink) async {
        do {
            try await next(self.call, sink)
            self.outcome = .success(())
        } catch {
            self.outcome = .failure(error)
        }
        let race = self.race
        self.race = nil
        self.call.lane = nil
        race?.alarm.wake()
    }

    fileprivate func cancel() { self.task?.cancel() }

    fileprivate func finish() async { _ = await self.task?.result }

    /// Makes this the attempt that answers the client.
    ///
    /// - Returns: False if another was faster: nothing of this one may reach the client.
    func claim() -> Bool {
        guard let race = self.race, race.decide(for: self) else { return false }
        self.hasWon = true
        return true
    }

    /// What the accounts say of the end of an attempt that ended so.
    ///
    /// A whole answer has to win to count, unless its client has left; an attempt that lost ends as called off,
    /// whatever became of it meanwhile, unless the provider had refused it.
    func ending(_ ending: AttemptFindings.Ending, code: String) -> (AttemptFindings.Ending, String) {
        switch ending {
        case .whole:
            if self.claim() { return (ending, code) }
        case .left, .providerFailed:
            break
        default:
            return (ending, code)
        }
        return self.race?.isLost(self) ?? false ? (.outrun, Self.lost) : (ending, code)
    }

    private static var lost: String { "hedge_lost" }
}

@available(*, unavailable, message: "confined to its loop")
extension RaceLane: Sendable {}
