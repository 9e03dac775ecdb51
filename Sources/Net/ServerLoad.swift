package import NIOCore
import Synchronization

/// How much is going on in the whole process, and the limits at which new work is turned away.
///
/// Shared by all loops; every figure is one atomic.
package final class ServerLoad: Sendable {
    /// The limits; each is stated in `docs/settings.md`.
    package struct Limits: Sendable {
        /// Connections of clients that are open at the same time.
        package var connectionsMax: Int
        /// Bytes of request bodies that are in memory at the same time.
        package var bodyBytesMax: Int
        /// How late a loop may run, and for how long without a break, before new calls are refused.
        package var lagMax: TimeAmount
        package var lagHold: TimeAmount

        package init(
            connectionsMax: Int,
            bodyBytesMax: Int = 512 << 20,
            lagMax: TimeAmount = .milliseconds(100),
            lagHold: TimeAmount = .milliseconds(500)
        ) {
            self.connectionsMax = connectionsMax
            self.bodyBytesMax = bodyBytesMax
            self.lagMax = lagMax
            self.lagHold = lagHold
        }
    }

    /// Lateness at which new calls are refused.
    let lagMax: TimeAmount
    let lagHold: TimeAmount
    private let connectionsMax: Atomic<Int>
    private let bodyBytesMax: Atomic<Int>
    private let openConnections = Atomic<Int>(0)
    private let bodyBytes = Atomic<Int>(0)
    private let shedCount = Atomic<Int>(0)
    private let overloadedAt = Atomic<UInt64>(0)

    package init(limits: Limits) {
        self.lagMax = limits.lagMax
        self.lagHold = limits.lagHold
        self.connectionsMax = Atomic(limits.connectionsMax)
        self.bodyBytesMax = Atomic(limits.bodyBytesMax)
    }

    /// Puts other caps in force; what is over a lower one stays until it ends by itself.
    package func apply(connectionsMax: Int, bodyBytesMax: Int) {
        self.connectionsMax.store(connectionsMax, ordering: .relaxed)
        self.bodyBytesMax.store(bodyBytesMax, ordering: .relaxed)
    }

    /// Connections of clients that are open now.
    package var connections: Int { self.openConnections.load(ordering: .relaxed) }
    /// Bytes of request bodies in memory now.
    package var bodyBytesInFlight: Int { self.bodyBytes.load(ordering: .relaxed) }
    /// Connections and calls turned away since the start.
    package var shed: Int { self.shedCount.load(ordering: .relaxed) }

    /// How long a client should stay away, or nil if a new call is welcome.
    package func retryAfter() -> Duration? {
        let noticed = self.overloadedAt.load(ordering: .relaxed)
        guard noticed > 0, NIODeadline.now() - .uptimeNanoseconds(noticed) < .milliseconds(200) else { return nil }
        self.shedCount.wrappingAdd(1, ordering: .relaxed)
        return .seconds(1)
    }

    /// A loop stays late.
    ///
    /// New calls are refused until it was in time for 200 ms.
    func noteOverload() { self.overloadedAt.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed) }

    /// Counts a new connection; false if there are too many, and then it is not counted.
    func admitConnection() -> Bool {
        let count = self.openConnections.wrappingAdd(1, ordering: .relaxed).newValue
        guard count > self.connectionsMax.load(ordering: .relaxed) else { return true }
        self.openConnections.wrappingSubtract(1, ordering: .relaxed)
        self.shedCount.wrappingAdd(1, ordering: .relaxed)
        return false
    }

    func connectionClosed() { self.openConnections.wrappingSubtract(1, ordering: .relaxed) }

    /// Sets room for `count` body bytes aside; false if there is none, and then nothing is set aside.
    func reserveBody(_ count: Int) -> Bool {
        guard count > 0 else { return true }
        let total = self.bodyBytes.wrappingAdd(count, ordering: .relaxed).newValue
        guard total > self.bodyBytesMax.load(ordering: .relaxed) else { return true }
        self.bodyBytes.wrappingSubtract(count, ordering: .relaxed)
        self.shedCount.wrappingAdd(1, ordering: .relaxed)
        return false
    }

    func releaseBody(_ count: Int) {
        if count > 0 { self.bodyBytes.wrappingSubtract(count, ordering: .relaxed) }
    }
}
