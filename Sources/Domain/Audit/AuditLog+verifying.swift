package import Database

/// What a check of the whole log found.
package struct AuditVerdict: Sendable, Equatable {
    /// The first thing that is not as it was written.
    package struct Fault: Sendable, Equatable, CustomStringConvertible {
        /// The number of the record that is bad, or missing.
        package let seq: Int64
        /// In words.
        package let reason: String

        package var description: String { "record \(self.seq): \(self.reason)" }
    }

    /// Records there are.
    package fileprivate(set) var count: Int64 = 0
    /// The signed end; worth writing down elsewhere if the log is good.
    package fileprivate(set) var head: AuditHead?
    /// Nil for a log that is as it was written.
    package fileprivate(set) var fault: Fault?

    /// Whether nothing was found.
    package var isIntact: Bool { self.fault == nil }
}

extension AuditLog {
    /// Checks every record, the chain and the signed end (row 55).
    ///
    /// Finds any change, deletion, insertion and exchange by somebody who does not have the encryption key, with one
    /// limit: a whole older state of the database, its signed end included, looks good by itself. `known` ends that.
    /// - Parameter known: An end that was noted earlier; the log must still contain it.
    package func verify(
        against known: AuditHead? = nil,
        in session: any SQLSession
    ) throws(AuditError) -> AuditVerdict {
        var verdict = AuditVerdict()
        var previousHash = AuditRecord.noHash
        var hasKnown = known == nil
        try self.forEach(in: session) { record throws(DatabaseError) in
            verdict.count += 1
            guard verdict.fault == nil else { return }
            if let reason = Self.complaint(about: record, seq: verdict.count, after: previousHash) {
                let seq = min(record.seq, verdict.count)
                verdict.fault = AuditVerdict.Fault(seq: seq, reason: reason)
            }
            if let known, record.seq == known.seq { hasKnown = record.hash == known.hash }
            previousHash = record.hash
        }
        verdict.head = try self.head(in: session)
        if verdict.fault == nil { verdict.fault = self.faultAtEnd(verdict, lastHash: previousHash) }
        if verdict.fault == nil, let known, !hasKnown {
            let reason =
                known.seq > verdict.count ? "it is gone; it was noted elsewhere" : "another one was noted elsewhere"
            verdict.fault = AuditVerdict.Fault(seq: min(known.seq, verdict.count + 1), reason: reason)
        }
        if verdict.fault == nil, let known, !self.signers.contains(where: { $0.accepts(known) }) {
            verdict.fault = AuditVerdict.Fault(
                seq: known.seq,
                reason: "the noted end is not signed with a key of the ring"
            )
        }
        return verdict
    }

    private static func complaint(about record: AuditRecord, seq: Int64, after previousHash: [UInt8]) -> String? {
        if record.seq > seq { return "it is missing" }
        if record.seq < seq { return "its number is out of order" }
        if record.previousHash != previousHash { return "it does not follow from the one before it" }
        return record.hash == record.expectedHash ? nil : "it was changed"
    }

    /// What is wrong behind the last record.
    private func faultAtEnd(_ verdict: AuditVerdict, lastHash: [UInt8]) -> AuditVerdict.Fault? {
        func fault(_ seq: Int64, _ reason: String) -> AuditVerdict.Fault {
            AuditVerdict.Fault(seq: max(seq, 1), reason: reason)
        }
        guard let head = verdict.head else {
            return verdict.count == 0 ? nil : fault(verdict.count, "the signed end of the log is missing")
        }
        guard let signer = self.signers.first(where: { $0.keyID == head.keyID }) else {
            return fault(head.seq, "the end was signed with key \(head.keyID), which is not in the ring")
        }
        guard signer.accepts(head) else { return fault(head.seq, "the signature of the end is wrong") }
        if head.seq > verdict.count { return fault(verdict.count + 1, "it is missing, cut off at the end") }
        if head.seq < verdict.count { return fault(head.seq + 1, "it was not signed") }
        return head.hash == lastHash ? nil : fault(head.seq, "it is not the one that was signed")
    }
}
