internal import Logging
internal import NIOConcurrencyHelpers
package import NIOCore
package import Resilience
internal import Synchronization
internal import Telemetry

/// Tells whoever wants to know of each change of a breaker: the log, the metrics, those who listen.
package final class GuardNews: Sendable {
    /// Something that happened to a breaker.
    package struct Item: Sendable {
        package let target: TargetGuard
        package let change: BreakerTransition
        package let time: NIODeadline
    }

    /// Called with each change of a breaker, on the loop where it happened: it must not wait.
    package typealias Listener = @Sendable (Item) -> Void

    private let listeners = NIOLockedValueBox<[Listener]>([])
    private let opened = Atomic<UInt64>(0)
    private let closed = Atomic<UInt64>(0)
    private let logger: Logger?

    init(_ logger: Logger?) { self.logger = logger }

    /// Has `listener` told of each change from now on.
    package func listen(_ listener: @escaping Listener) { self.listeners.withLockedValue { $0.append(listener) } }

    /// How often breakers opened and closed by themselves since the gateway began.
    package var changes: (opened: UInt64, closed: UInt64) {
        (self.opened.load(ordering: .relaxed), self.closed.load(ordering: .relaxed))
    }

    func report(_ change: BreakerTransition, _ target: TargetGuard, now: NIODeadline) {
        var metadata: Logger.Metadata = [LogKeys.provider: "\(target.provider.name)", LogKeys.model: "\(target.model)"]
        if !target.credentialID.isEmpty { metadata[LogKeys.credentialID] = "\(target.credentialID)" }
        switch change {
        case .opened(let failures, let calls, let time):
            self.opened.wrappingAdd(1, ordering: .relaxed)
            metadata[LogKeys.count] = "\(failures)/\(calls)"
            metadata[LogKeys.duration] = "\(time.nanoseconds / 1_000_000)"
            self.logger?.warning("A target failed too often and is left alone", metadata: metadata)
        case .closed:
            self.closed.wrappingAdd(1, ordering: .relaxed)
            self.logger?.info("A target works again", metadata: metadata)
        case .heldOpen:
            self.logger?.warning("An operator keeps calls away from a target", metadata: metadata)
        case .closedByHand:
            self.logger?.info("An operator lets calls go to a target again", metadata: metadata)
        case .halfOpened:
            self.logger?.debug("A target is tried again", metadata: metadata)
        }
        let listeners = self.listeners.withLockedValue { $0 }
        for listener in listeners { listener(Item(target: target, change: change, time: now)) }
    }
}
