internal import NIOConcurrencyHelpers
package import NIOCore

/// The sessions of MCP clients of the older generation: what they were told, and whose they are (row 103).
///
/// A session is no proof of anything: each request has a key of its own, and with another's the session does not exist.
/// They are in memory alone; a client whose session is gone begins another.
package final class MCPSessions: Sendable {
    /// Sessions that one key may have, and all together; the ones used least lately are forgotten.
    static let perHolderMax = 100
    static let countMax = 10_000
    /// How long one is kept that nobody uses.
    static let idleMax = TimeAmount.hours(1)

    private struct Session {
        let holder: String
        var usedAt: NIODeadline
    }

    private let sessions = NIOLockedValueBox<[String: Session]>([:])

    package init() {}

    /// Begins a session.
    ///
    /// - Parameters:
    ///   - holder: Whose it is: the id of a key.
    ///   - random: 128 bits that nobody can foresee.
    /// - Returns: Its id.
    package func begin(for holder: String, random: (UInt64, UInt64), now: NIODeadline) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for word in [random.0, random.1] {
            for shift in stride(from: 60, through: 0, by: -4) { text.append(digits[Int(word >> UInt64(shift) & 15)]) }
        }
        let id = String(decoding: text, as: UTF8.self)
        self.sessions.withLockedValue { sessions in
            Self.makeRoom(&sessions, for: holder, now: now)
            sessions[id] = Session(holder: holder, usedAt: now)
        }
        return id
    }

    private static func makeRoom(_ sessions: inout [String: Session], for holder: String, now: NIODeadline) {
        func forgetOldest(_ isCandidate: (Session) -> Bool) {
            let oldest = sessions.filter { isCandidate($0.value) }.min { $0.value.usedAt < $1.value.usedAt }
            if let oldest { sessions[oldest.key] = nil }
        }
        if sessions.count >= Self.countMax { sessions = sessions.filter { now - $0.value.usedAt < Self.idleMax } }
        if sessions.count >= Self.countMax { forgetOldest { _ in true } }
        let own = sessions.values.count { $0.holder == holder }
        if own >= Self.perHolderMax { forgetOldest { $0.holder == holder } }
    }

    /// Notes a use; false if there is no such session of this holder.
    package func use(_ id: String, by holder: String, now: NIODeadline) -> Bool {
        self.sessions.withLockedValue { sessions in
            guard let session = sessions[id], session.holder == holder else { return false }
            guard now - session.usedAt < Self.idleMax else {
                sessions[id] = nil
                return false
            }
            sessions[id]?.usedAt = now
            return true
        }
    }

    /// Ends a session; false if there is no such session of this holder.
    package func end(_ id: String, by holder: String) -> Bool {
        self.sessions.withLockedValue { sessions in
            guard sessions[id]?.holder == holder else { return false }
            sessions[id] = nil
            return true
        }
    }
}
