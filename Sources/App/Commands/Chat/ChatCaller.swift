import Core
import NIOConcurrencyHelpers
import NIOCore

/// Asks the gateway and hands over the answer as it comes.
struct ChatCaller: Sendable {
    let access: GatewayAccess
    let client: CommandClient

    /// Asks `question` and shows each piece of the answer.
    ///
    /// - Parameters:
    ///   - partial: Holds what has come so far, for a caller that stops the answer.
    ///   - show: Returns false if nobody looks any more.
    /// - Throws: `CommandFailure` with what went wrong before the answer began, `CancellationError`.
    func ask(
        _ question: String,
        in session: ChatSession,
        partial: NIOLockedValueBox<ChatAnswer> = NIOLockedValueBox(ChatAnswer()),
        show: @escaping @Sendable (ChatAnswer.Piece) -> Bool
    ) async throws -> ChatAnswer {
        var request = self.access.request("POST", "/v1/chat/completions", body: session.request(asking: question))
        request.fields.append(("accept", "text/event-stream"))
        // The gateway has clocks of its own and says which ran out; these are only for one that hangs.
        request.timeouts = Timeouts(
            firstByte: .minutes(10),
            idle: .minutes(10),
            total: .minutes(10),
            streamMax: .hours(2)
        )
        let start = ContinuousClock.now
        do {
            let refusal = try await self.client.stream(request) { event in
                let piece = partial.withLockedValue { answer in
                    let piece = answer.take(event)
                    if case .text = piece, answer.firstText == nil { answer.firstText = ContinuousClock.now - start }
                    return piece
                }
                return piece == .nothing || show(piece)
            }
            if let refusal { throw self.access.explain(refusal) }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw self.access.explain(error)
        }
        return partial.withLockedValue { answer in
            answer.total = ContinuousClock.now - start
            return answer
        }
    }
}
