internal import Core
internal import NIOConcurrencyHelpers

/// The calls of a client that are under way, each in a task of its own.
///
/// What a call used has to be settled also when its reader leaves, so the reader's task cannot be the call's.
package final class CallTasks: Sendable {
    private struct State {
        var isClosed = false
        var nextNumber = 0
        /// Nil while a task is being made.
        var tasks: [Int: Task<Void, any Error>?] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// A stream whose call begins when it is read.
    ///
    /// - Parameter body: Makes the call and pushes what it brings; cancelled when its reader leaves.
    package func stream(_ body: @escaping @Sendable (EventChannel) async throws -> Void) -> ChatStream {
        ChatStream { self.begin($0, body) }
    }

    private func begin(_ channel: EventChannel, _ body: @escaping @Sendable (EventChannel) async throws -> Void) {
        let number = self.state.withLockedValue { state -> Int? in
            guard !state.isClosed else { return nil }
            state.nextNumber += 1
            state.tasks[state.nextNumber] = .some(nil)
            return state.nextNumber
        }
        guard let number else { return channel.finish(Self.closed) }
        let task = Uncancelled.begin(isolation: nil) { [self] in
            defer { self.state.withLockedValue { _ = $0.tasks.removeValue(forKey: number) } }
            do {
                try await body(channel)
                channel.finish(nil)
            } catch {
                channel.finish(error)
            }
        }
        self.state.withLockedValue { state in
            if state.tasks.keys.contains(number) { state.tasks[number] = task }
        }
        channel.whenAbandoned { task.cancel() }
    }

    /// Takes no more calls, and waits for those under way; what is not over in time is cut.
    package func close(within grace: Duration) async {
        let tasks = self.state.withLockedValue { state in
            state.isClosed = true
            return state.tasks.values.compactMap(\.self)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: grace)
                for task in tasks { task.cancel() }
            }
            for task in tasks { _ = await task.result }
            group.cancelAll()
        }
    }

    /// Why a call cannot begin any more.
    package static let closed = AIError(
        code: GatewayError.Code.shuttingDown.rawValue,
        message: "The clients are closed."
    )
}
