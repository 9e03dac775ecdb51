internal import NIOConcurrencyHelpers

/// Carries events from where a call runs to who reads them, a bounded number at a time.
///
/// One writer and one reader, wherever they are. The writer looks at `hasRoom` and waits in its own way for `onRoom`.
package final class EventChannel: Sendable {
    /// Events that wait for the reader at most, but for what one batch of the provider brings beyond.
    package static let eventsMax = 64

    private enum Ending {
        case whole
        case failed(any Error)
    }

    private struct State {
        var events: [ChatEvent] = []
        /// How many of `events` were taken.
        var taken = 0
        var ending: Ending?
        var isAbandoned = false
        var reader: CheckedContinuation<Void, Never>?
        var onRoom: (@Sendable () -> Void)?
        var onAbandon: (@Sendable () -> Void)?

        var count: Int { self.events.count - self.taken }
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    // MARK: - The writer's side

    /// Whether the reader has taken enough for more.
    package var hasRoom: Bool { self.state.withLockedValue { $0.isAbandoned || $0.count < Self.eventsMax } }

    /// Has `action` called, from any thread, whenever there may be room again.
    package func whenRoom(_ action: @escaping @Sendable () -> Void) {
        self.state.withLockedValue { $0.onRoom = action }
    }

    /// Has `action` called once when the reader leaves before the end; at once if it has.
    package func whenAbandoned(_ action: @escaping @Sendable () -> Void) {
        let isAbandoned = self.state.withLockedValue { state in
            state.onAbandon = action
            return state.isAbandoned
        }
        if isAbandoned { action() }
    }

    package func push(_ event: ChatEvent) {
        self.change { state in
            guard state.ending == nil, !state.isAbandoned else { return }
            state.events.append(event)
        }
    }

    /// The last of it; what was pushed before is read first.
    ///
    /// - Parameter error: Nil: it ended well.
    package func finish(_ error: (any Error)?) {
        self.change { state in
            if state.ending == nil { state.ending = error.map { .failed($0) } ?? .whole }
            state.onRoom = nil
            state.onAbandon = nil
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let reader = self.state.withLockedValue { state in
            body(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    // MARK: - The reader's side

    /// The next event, waited for; nil after the last.
    ///
    /// - Throws: Why the answer failed; `CancellationError` if the reader's task was cancelled, and the call ends.
    package func next() async throws -> ChatEvent? {
        try await withTaskCancellationHandler {
            while true {
                switch self.take() {
                case .event(let event): return event
                case .end: return nil
                case .failure(let error): throw error
                case .later: await self.wait()
                }
            }
        } onCancel: {
            self.abandon()
        }
    }

    /// The reader leaves: the call ends if it is not over.
    package func abandon() {
        let (reader, room, action) = self.state.withLockedValue { state in
            defer { (state.reader, state.onRoom, state.onAbandon) = (nil, nil, nil) }
            let isFirst = !state.isAbandoned
            state.isAbandoned = true
            return (state.reader, state.onRoom, isFirst ? state.onAbandon : nil)
        }
        reader?.resume()
        action?()
        room?()
    }

    private enum Finding {
        case event(ChatEvent)
        case end
        case failure(any Error)
        case later
    }

    private func take() -> Finding {
        let (finding, room): (Finding, (@Sendable () -> Void)?) = self.state.withLockedValue { state in
            if state.isAbandoned { return (.failure(CancellationError()), nil) }
            if state.taken < state.events.count {
                let event = state.events[state.taken]
                state.taken += 1
                if state.taken == state.events.count {
                    state.events.removeAll(keepingCapacity: true)
                    state.taken = 0
                }
                // Half of it is free: the writer goes on for more than one event.
                return (.event(event), state.count == Self.eventsMax / 2 || state.count == 0 ? state.onRoom : nil)
            }
            switch state.ending {
            case .whole: return (.end, nil)
            case .failed(let error): return (.failure(error), nil)
            case nil: return (.later, nil)
            }
        }
        room?()
        return finding
    }

    private func wait() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isReady = self.state.withLockedValue { state in
                guard state.count == 0, state.ending == nil, !state.isAbandoned, state.reader == nil else {
                    return true
                }
                state.reader = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}
