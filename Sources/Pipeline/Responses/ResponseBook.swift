package import Conversations
package import Core
package import Database
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
package import Telemetry

/// The responses that are kept for their clients.
///
/// A response can be asked for as soon as its client has it: until the store has taken it, it is in memory. `run()`
/// writes down what waits and forgets what is old.
package final class ResponseBook: Sendable {
    /// Responses that wait for the store; what comes beyond is lost.
    static let waitingMax = 4_096
    /// Bytes of those.
    static let waitingBytesMax = 128 << 20
    /// How many are written in one transaction.
    private static let batch = 32

    private struct Key: Hashable {
        var group: GroupID
        var id: String
    }

    private struct State {
        /// What waits, in the order it came.
        var queue: [Key] = []
        var waiting: [Key: StoredResponse] = [:]
        var waitingBytes = 0
        /// As far as this process knows, since it last looked.
        var storedBytes = 0
        var kept: UInt64 = 0
        var lost: UInt64 = 0
        var tooLarge: UInt64 = 0
    }

    private let database: any Database
    private let limits: @Sendable () -> ResponseLimits
    private let logger: Logger
    private let wallClock: @Sendable () -> UnixTime
    private let state = NIOLockedValueBox(State())

    /// - Parameter limits: Those in force.
    package init(
        database: any Database,
        limits: @escaping @Sendable () -> ResponseLimits,
        logger: Logger,
        wallClock: @escaping @Sendable () -> UnixTime
    ) {
        self.database = database
        self.limits = limits
        self.logger = logger
        self.wallClock = wallClock
    }

    /// Whether anything is kept at all.
    package var isOn: Bool { self.limits().keep > .zero }

    /// Keeps a response; it is written down a little later.
    ///
    /// Never waits. One that is too large, or finds no room, is not kept; both are counted, the latter is logged.
    package func keep(_ response: StoredResponse) {
        let limits = self.limits()
        guard limits.keep > .zero else { return }
        guard response.bytes <= limits.responseBytesMax else {
            return self.state.withLockedValue { $0.tooLarge += 1 }
        }
        let isLost = self.state.withLockedValue { state in
            let key = Key(group: response.group, id: response.id)
            guard state.queue.count < Self.waitingMax, state.waitingBytes + response.bytes <= Self.waitingBytesMax
            else {
                state.lost += 1
                return true
            }
            guard state.waiting[key] == nil else { return false }
            state.queue.append(key)
            state.waiting[key] = response
            state.waitingBytes += response.bytes
            return false
        }
        if isLost {
            self.logger.warning("A response is not kept: the store is behind", metadata: [LogKeys.action: "lost"])
        }
    }

    /// Gives a group's response; nil if there is none.
    ///
    /// - Throws: `GatewayError` with `STORE_UNAVAILABLE`.
    package func get(_ id: String, of group: GroupID) async throws(GatewayError) -> StoredResponse? {
        let key = Key(group: group, id: id)
        if let waiting = self.state.withLockedValue({ $0.waiting[key] }) { return waiting }
        let now = self.wallClock()
        do {
            return try await self.database.read { try ResponseStore().get(id, of: group, now: now, in: $0) }
        } catch {
            throw Self.unavailable(error)
        }
    }

    /// Deletes a group's response.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: `GatewayError` with `STORE_UNAVAILABLE`.
    package func delete(_ id: String, of group: GroupID) async throws(GatewayError) -> Bool {
        let key = Key(group: group, id: id)
        // What is being written just now is deleted again by the writer, who finds it gone from here.
        let wasWaiting = self.state.withLockedValue { state in
            guard let response = state.waiting.removeValue(forKey: key) else { return false }
            state.waitingBytes -= response.bytes
            return true
        }
        do {
            let wasStored = try await self.database.write { try ResponseStore().delete(id, of: group, in: $0) }
            return wasStored || wasWaiting
        } catch {
            throw Self.unavailable(error)
        }
    }

    private static func unavailable(_ error: any Error) -> GatewayError {
        GatewayError(
            .storeUnavailable,
            "The store of responses did not answer. Try again.",
            retryAfter: .seconds(1),
            cause: error
        )
    }

    // MARK: - Life

    /// Goes on until cancelled.
    package func run() async throws {
        var round = 0
        while true {
            await self.write()
            if round % 240 == 1 || self.state.withLockedValue({ $0.storedBytes }) > self.limits().bytesMax {
                await self.forget()
            }
            round += 1
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// Writes down the last of it, once no call is running any more.
    package func finish() async { await self.write() }

    /// Writes what waits into the store; what it does not take now waits on.
    package func write() async {
        while true {
            let (keys, batch) = self.state.withLockedValue { state in
                let keys = Array(state.queue.prefix(Self.batch))
                return (keys, keys.compactMap { state.waiting[$0] })
            }
            guard !keys.isEmpty else { return }
            let keep = self.limits().keep
            do {
                try await self.database.write { session in
                    let store = ResponseStore()
                    for response in batch {
                        let (end, isBeyond) = response.createdAt.milliseconds
                            .addingReportingOverflow(keep.milliseconds)
                        let expiry = UnixTime(milliseconds: isBeyond ? .max : end)
                        try store.insert(response, expiry: expiry, in: session)
                    }
                }
            } catch {
                self.logger.debug("Responses cannot be kept now", metadata: [LogKeys.errorReason: "\(error)"])
                return
            }
            let deleted = self.settle(keys, batch)
            guard !deleted.isEmpty else { continue }
            // If this fails, they go when their time is over.
            try? await self.database.write { session in
                for key in deleted { try ResponseStore().delete(key.id, of: key.group, in: session) }
            }
        }
    }

    /// Takes what was written out of memory.
    ///
    /// - Returns: What was deleted while it was written.
    private func settle(_ keys: [Key], _ batch: [StoredResponse]) -> [Key] {
        self.state.withLockedValue { state in
            state.queue.removeFirst(keys.count)
            var deleted: [Key] = []
            for response in batch {
                let key = Key(group: response.group, id: response.id)
                guard state.waiting.removeValue(forKey: key) != nil else {
                    deleted.append(key)
                    continue
                }
                state.waitingBytes -= response.bytes
                state.storedBytes += response.bytes
                state.kept += 1
            }
            return deleted
        }
    }

    /// Forgets responses whose time is over, and the oldest where there are too many.
    package func forget() async {
        let now = self.wallClock()
        let limits = self.limits()
        let store = ResponseStore()
        do {
            while try await self.database.write({ try store.expire(now: now, in: $0) }) == ResponseStore.batch {}
            while try await self.database.write({ try store.trim(bytesMax: limits.bytesMax, in: $0) }) {}
            let size = try await self.database.read { try store.size(in: $0) }
            self.state.withLockedValue { $0.storedBytes = size }
        } catch {
            self.logger.debug("Old responses cannot be forgotten now", metadata: [LogKeys.errorReason: "\(error)"])
        }
    }

    // MARK: - Figures

    /// For `/metrics`.
    package var gauges: [Gauge] {
        func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (State) -> UInt64) -> Gauge {
            Gauge(name: name, help: help, type: .counter) { Double(self.state.withLockedValue { read($0) }) }
        }
        return [
            Gauge(name: "turnpike_responses_waiting", help: "Responses that wait to be written into the store.") {
                Double(self.state.withLockedValue { $0.queue.count })
            },
            Gauge(name: "turnpike_responses_bytes", help: "Bytes of responses in the store.") {
                Double(self.state.withLockedValue { $0.storedBytes })
            },
            counter("turnpike_responses_kept_total", "Responses written into the store.") { $0.kept },
            counter("turnpike_responses_lost_total", "Responses that found no room.") { $0.lost },
            counter("turnpike_responses_too_large_total", "Responses that were too large to be kept.") { $0.tooLarge },
        ]
    }

    /// What was counted since the start.
    package var lost: UInt64 { self.state.withLockedValue { $0.lost } }
}
