internal import Auth
internal import Core
internal import Engine
internal import NIOCore
internal import Net
internal import Pipeline
internal import Synchronization
internal import Transport

/// Takes calls of this process down the gateway's road, each on a loop and in a task of its own.
final class CallRoad: Sendable {
    /// What a call is about.
    struct Wish: Sendable {
        var messages: [ChatMessage]
        var options: ChatOptions
        /// Stands in the place of the options' own.
        var model: String?
        var principal: Principal
        /// For errors.
        var provider: AIProvider?
        var isStream: Bool
        /// What the call reads, on the loop it runs on.
        var snapshot: @Sendable (_ loop: Int) -> Snapshot
    }

    let runtime: NetRuntime
    let instruments: Instruments
    private let pipeline: Pipeline
    private let turn = Atomic<Int>(0)
    private let tasks = CallTasks()

    init(runtime: NetRuntime, instruments: Instruments) {
        self.runtime = runtime
        self.instruments = instruments
        self.pipeline = Pipeline(instruments: instruments, loops: runtime.loopCount)
    }

    /// A stream whose call begins when it is read.
    func stream(_ wish: Wish) -> ChatStream { self.tasks.stream { try await self.run(wish, $0) } }

    private func run(_ wish: Wish, _ channel: EventChannel) async throws {
        let loop = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue & .max
        try await self.runtime.run(onLoop: loop) { transport in
            let body = try ChatWire.body(wish.messages, wish.options, model: wish.model, isStream: wish.isStream)
            var random = SystemRandomNumberGenerator()
            let id = RequestID(high: random.next(), low: random.next())
            let reply = AnswerSink(channel, transport)
            var failure: GatewayError?
            do {
                let call = try Call.inProcess(
                    body,
                    by: wish.principal,
                    wish.snapshot(transport.loopIndex),
                    id: id,
                    chance: (random.next(), random.next()),
                    time: self.instruments.wallClock(),
                    arrival: self.instruments.monotonicClock(),
                    on: transport,
                    timeout: wish.options.timeout.map(TimeAmount.init),
                    metadata: wish.options.metadata
                )
                try await self.pipeline.run(call, reply: reply)
                failure = reply.failure
            } catch let error as GatewayError {
                failure = reply.failure ?? error
            }
            guard let failure else { return reply.finish() }
            throw ChatWire.error(
                failure,
                group: wish.principal.group.text,
                provider: wish.provider,
                requestID: id.text
            )
        }
    }

    /// Takes no more calls, and waits for those under way; what is not over in time is cut, and billed as far as it
    /// came.
    func close(within grace: Duration) async { await self.tasks.close(within: grace) }
}

extension TimeAmount {
    /// The same time; what is too long for it is a year.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self =
            seconds > 31_536_000 ? .hours(8_760) : .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
