internal import Chat
internal import Core
internal import NIOCore
internal import Providers

/// Reads an answer to its end although the client has left, where the provider bills all of it anyway
/// (`on_disconnect: drain`; RELIABILITY.md A+.3, row 93).
///
/// Nothing is sent to anybody then; what the provider says it used is what counts. A call with an `Idempotency-Key`
/// runs on by itself.
struct DrainAnswer: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool {
        call.target?.provider.onDisconnect == .drain && call.idempotencyClaim.isEmpty
    }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        // Who has left already leaves before anything is sent.
        try Task.checkCancellation()
        let drains = self.instruments.drains
        let drain = Drain(drains)
        let sink = DrainSink(reply, drain)
        call.drain = drain
        defer {
            call.drain = nil
            drains.end(drain)
        }
        let work = Uncancelled.begin { try await next(call, sink) }
        drain.run(work)
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            drain.leave()
        }
        // Whatever became of the answer, its client was not there.
        if drain.hasLeft { throw CancellationError() }
        try result.get()
    }
}
