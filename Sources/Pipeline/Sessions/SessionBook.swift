internal import Auth
internal import Conversations
package import Core
package import Database
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
package import Telemetry

/// What is said in sessions, on its way to the store.
///
/// `run()` writes down how far answers have come, and what the store did not take at once.
package final class SessionBook: Sendable {
    /// Ends of answers that wait for the store; later ones are lost, and their answers are cut at the next start.
    static let unsettledMax = 1_000

    private struct Place: Hashable {
        let session: String
        let seq: Int
    }

    private struct State {
        /// How far answers have come since it was last written down.
        var progress: [Place: AnswerParts] = [:]
        var unsettled: [(place: Place, end: AnswerEnd, time: UnixTime)] = []
        var begun: UInt64 = 0
        var cut: UInt64 = 0
        var failed: UInt64 = 0
    }

    package let database: any Database
    /// The life of this process, as the ledger numbers it.
    let epoch: Int64
    private let logger: Logger
    private let wallClock: @Sendable () -> UnixTime
    private let generator: @Sendable () -> any RandomNumberGenerator
    private let state = NIOLockedValueBox(State())

    /// - Parameter generator: Where the names of sessions come from.
    package init(
        database: any Database,
        epoch: Int64,
        logger: Logger,
        wallClock: @escaping @Sendable () -> UnixTime,
        generator: @escaping @Sendable () -> any RandomNumberGenerator
    ) {
        self.database = database
        self.epoch = epoch
        self.logger = logger
        self.wallClock = wallClock
        self.generator = generator
    }

    // MARK: - Sessions

    /// Makes a session of somebody's own.
    ///
    /// - Returns: Its id.
    /// - Throws: `GatewayError`.
    func open(_ draft: SessionDraft, for principal: Principal) async throws -> String {
        let id = self.freshID()
        let now = self.wallClock()
        let owner = SessionOwner(user: principal.user, keyID: principal.keyID)
        let group = principal.group
        do {
            try await self.database.write(.process) { session in
                _ = try SessionStore().insert(draft, id: id, of: owner, in: group, now: now, in: session)
            }
        } catch let error as SessionError {
            throw GatewayError(error)
        } catch let error as DatabaseError {
            throw GatewayError(SessionError.store(error))
        }
        return id
    }

    private func freshID() -> String {
        func make(_ random: some RandomNumberGenerator) -> String {
            var random = random
            return SessionStore.freshID(using: &random)
        }
        return make(self.generator())
    }

    // MARK: - One answer

    /// Takes what somebody says, and makes room for the answer.
    ///
    /// Waits for the store also if the client leaves meanwhile, since then both messages may be there.
    ///
    /// - Parameter terms: How much of the conversation goes along.
    /// - Throws: `GatewayError`.
    func begin(
        _ message: NewMessage,
        terms: @escaping @Sendable (Session) throws -> HistoryTerms
    ) async throws -> SessionTurn {
        let now = self.wallClock()
        let database = self.database
        do {
            let turn = try await uncancelled {
                try await database.write(.process) {
                    try SessionStore().begin(message, now: now, in: $0, terms: terms)
                }
            }
            self.state.withLockedValue { $0.begun += 1 }
            return turn
        } catch let error as SessionError {
            throw GatewayError(error)
        } catch let error as DatabaseError {
            throw GatewayError(SessionError.store(error))
        }
    }

    /// Notes how far an answer has come; it is written down a little later.
    func note(_ parts: AnswerParts, of session: String, _ seq: Int) {
        self.state.withLockedValue { $0.progress[Place(session: session, seq: seq)] = parts }
    }

    /// Writes down how an answer ended; where the store does not take it, it is tried again.
    func finish(_ seq: Int, of session: String, _ end: AnswerEnd) async {
        let place = Place(session: session, seq: seq)
        let now = self.wallClock()
        self.state.withLockedValue { state in
            state.progress[place] = nil
            if end.status == .cut { state.cut += 1 }
            if end.status == .failed { state.failed += 1 }
        }
        do {
            let database = self.database
            try await uncancelled {
                try await database.write(.process) {
                    _ = try SessionStore().finish(seq, of: session, end, now: now, in: $0)
                }
            }
        } catch {
            let isLost = self.state.withLockedValue { state in
                guard state.unsettled.count < Self.unsettledMax else { return true }
                state.unsettled.append((place, end, now))
                return false
            }
            self.logger.warning(
                "An answer in a session cannot be written down yet",
                metadata: [
                    LogKeys.errorReason: "\(error)", LogKeys.action: isLost ? "lost at the next start" : "tried again",
                ]
            )
        }
    }

    /// Keeps a summary of a session's older messages.
    func keep(_ summary: SessionSummary, of session: String) async throws {
        try await self.database.write(.process) { _ = try SessionStore().setSummary(summary, of: session, in: $0) }
    }

    /// The messages of a range, for a summary.
    func messages(in seqs: ClosedRange<Int>, of session: String) async throws -> [SessionMessage] {
        try await self.database.read { try SessionStore().messages(in: seqs, of: session, in: $0) }
    }

    /// Gives a message that the caller may see.
    ///
    /// - Throws: `GatewayError`.
    func message(_ seq: Int, of session: String, for access: SessionAccess) async throws -> SessionMessage {
        do {
            return try await self.database.read { try SessionStore().message(seq, of: session, for: access, in: $0) }
        } catch let error as SessionError {
            throw GatewayError(error)
        } catch let error as DatabaseError {
            throw GatewayError(SessionError.store(error))
        }
    }

    /// Gives a session that the caller may see.
    ///
    /// - Throws: `GatewayError`, with `NOT_FOUND` if they may not.
    @discardableResult
    func session(_ session: String, for access: SessionAccess) async throws -> Session {
        do {
            return try await self.database.read { try SessionStore().get(session, for: access, in: $0) }
        } catch let error as SessionError {
            throw GatewayError(error)
        } catch let error as DatabaseError {
            throw GatewayError(SessionError.store(error))
        }
    }

    // MARK: - Life

    /// Goes on until cancelled.
    package func run() async throws {
        // What a process before this one was still deleting.
        while (try? await self.database.write(.process, { try SessionStore().sweep(in: $0) })) == true {}
        while true {
            try await Task.sleep(for: .milliseconds(500))
            do {
                try await self.settle()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                self.logger.debug("Answers cannot be written down now", metadata: [LogKeys.errorReason: "\(error)"])
            }
        }
    }

    /// The last of it, once no answer is running any more.
    package func finish() async { try? await self.settle() }

    /// Writes down what waits.
    package func settle() async throws {
        while let next = self.state.withLockedValue({ $0.unsettled.first }) {
            try await self.database.write(.process) {
                _ = try SessionStore().finish(next.place.seq, of: next.place.session, next.end, now: next.time, in: $0)
            }
            self.state.withLockedValue { state in
                if state.unsettled.first?.place == next.place { state.unsettled.removeFirst() }
            }
        }
        let progress = self.state.withLockedValue { state in
            defer { state.progress.removeAll() }
            return state.progress
        }
        guard !progress.isEmpty else { return }
        let contents = progress.map { (place: $0.key, content: $0.value.json) }
        try await self.database.write(.process) { session in
            for (place, content) in contents {
                _ = try SessionStore().checkpoint(place.seq, of: place.session, content: content, in: session)
            }
        }
    }

    /// For `/metrics`.
    package var gauges: [Gauge] {
        func counter(_ name: String, _ help: String, _ path: any KeyPath<State, UInt64> & Sendable) -> Gauge {
            Gauge(name: name, help: help, type: .counter) {
                Double(self.state.withLockedValue { $0[keyPath: path] })
            }
        }
        return [
            counter("turnpike_session_messages_total", "Messages that people sent into sessions.", \.begun),
            counter("turnpike_session_answers_cut_total", "Answers in sessions that ended before their end.", \.cut),
            counter("turnpike_session_answers_failed_total", "Messages in sessions that no model answered.", \.failed),
        ]
    }
}
