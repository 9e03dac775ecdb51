internal import NIOConcurrencyHelpers

/// The event bus of one process: hands events to whoever has subscribed, without anything outside.
///
/// Nothing waits in between, so nothing can be lost there and nothing can pile up: a publisher goes on when all
/// subscribers have taken what it brought, and repeats it if one could not. Safe to use from anywhere.
package final class EmbeddedEventBus: EventBus {
    /// Names one subscription.
    package struct Subscription: Sendable, Hashable {
        fileprivate let number: Int
    }

    private struct Subscriber: Sendable {
        let topics: Set<String>
        let take: @Sendable ([Event]) async throws -> Void
    }

    private struct State {
        var subscribers: [(number: Int, subscriber: Subscriber)] = []
        var lastNumber = 0
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Has events of some topics brought from now on.
    ///
    /// - Parameters:
    ///   - take: Gets events in order, those of one publisher after the other. When it returns it has done what it
    ///     wants with them: they do not come again. If it throws, the publisher repeats them, to all subscribers, so
    ///     what has an id that was seen before is to be dropped. Publishers wait for it.
    @discardableResult
    package func subscribe(
        to topics: Set<String>,
        _ take: @escaping @Sendable ([Event]) async throws -> Void
    ) -> Subscription {
        self.state.withLockedValue { state in
            state.lastNumber += 1
            state.subscribers.append((state.lastNumber, Subscriber(topics: topics, take: take)))
            return Subscription(number: state.lastNumber)
        }
    }

    /// Ends a subscription; what is being brought at this moment may still come.
    package func unsubscribe(_ subscription: Subscription) {
        self.state.withLockedValue { state in state.subscribers.removeAll { $0.number == subscription.number } }
    }

    /// Whether anybody listens to a topic: if not, events of it need not even be made.
    package func hasSubscribers(to topic: String) -> Bool {
        self.state.withLockedValue { state in state.subscribers.contains { $0.subscriber.topics.contains(topic) } }
    }

    package func publish(_ events: [Event]) async throws {
        let subscribers = self.state.withLockedValue { $0.subscribers.map(\.subscriber) }
        // A task each, so that one that is slow does not keep the others waiting.
        try await withThrowingTaskGroup { group in
            for subscriber in subscribers {
                let mine = events.filter { subscriber.topics.contains($0.topic) }
                guard !mine.isEmpty else { continue }
                group.addTask { try await subscriber.take(mine) }
            }
            try await group.waitForAll()
        }
    }
}
