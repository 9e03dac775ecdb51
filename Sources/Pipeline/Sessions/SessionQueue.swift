internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Transport

/// Lets the messages of a session be answered one after the other, in the order they came.
final class SessionQueue: Sendable {
    /// Messages of one session that may wait.
    static let waitingMax = 16

    private struct Line {
        /// Who is answered now is the first; those who wait have a wait.
        var tickets: [(number: Int, wait: (any LoopWait)?)] = []
    }

    private struct State {
        var lines: [String: Line] = [:]
        var last = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Whether a message of a session is being answered.
    func isTaken(_ session: String) -> Bool { self.state.withLockedValue { $0.lines[session] != nil } }

    /// Waits for a message's turn.
    ///
    /// - Returns: The ticket to leave with.
    /// - Throws: `GatewayError` with `CONFLICT` if too many wait already or the turn did not come until `deadline`;
    ///   `CancellationError`.
    func enter(_ session: String, on transport: any LoopTransport, until deadline: NIODeadline) async throws -> Int {
        let wait = transport.makeWait()
        guard let (number, isFirst) = self.join(session, wait) else { throw Self.isBusy }
        guard !isFirst else { return number }
        do {
            while self.state.withLockedValue({ $0.lines[session]?.tickets.first?.number != number }) {
                guard transport.eventLoop.now < deadline else { throw Self.isBusy }
                try await wait.wait(until: deadline)
            }
        } catch {
            self.leave(session, number)
            throw error
        }
        return number
    }

    private func join(_ session: String, _ wait: any LoopWait) -> (number: Int, isFirst: Bool)? {
        self.state.withLockedValue { state in
            var line = state.lines[session] ?? Line()
            guard line.tickets.count <= Self.waitingMax else { return nil }
            state.last &+= 1
            line.tickets.append((state.last, line.tickets.isEmpty ? nil : wait))
            state.lines[session] = line
            return (state.last, line.tickets.count == 1)
        }
    }

    /// Lets the next one have its turn.
    func leave(_ session: String, _ number: Int) {
        let next: (any LoopWait)? = self.state.withLockedValue { state in
            state.lines[session]?.tickets.removeAll { $0.number == number }
            guard let first = state.lines[session]?.tickets.first else {
                state.lines[session] = nil
                return nil
            }
            return first.wait
        }
        next?.wake()
    }

    private static let isBusy = GatewayError(
        .conflict,
        "Earlier messages of this session are still being answered. Send the next one when they are.",
        retryAfter: .seconds(1)
    )
}
