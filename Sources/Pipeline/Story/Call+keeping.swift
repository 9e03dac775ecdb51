internal import Auth
internal import Core
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport
internal import Wire

extension Call {
    /// The call for the book of recent calls, with what its record does not say.
    @inline(never)
    func kept(_ record: CallRecord) -> KeptCall {
        var kept = KeptCall(record)
        kept.user = self.principal?.user?.text ?? ""
        kept.resolution = self.resolution
        kept.timeouts = self.target?.timeouts
        kept.timeoutAsked = self.timeout
        if let story = self.story, !story.notes.isEmpty { kept.notes = story.notes }
        if self.attempts > 0 { kept.changes = self.changes }
        kept.dropped = self.dropped
        // A provider's own words may repeat what the client wrote.
        if let failure = self.failure, failure.provider == nil { kept.message = failure.message }
        kept.upstreamStatus = self.upstreamStatus
        kept.lastBegin = self.attemptBegan.map { self.offset(of: $0) }
        return kept
    }

    private var changes: RequestChanges {
        var changes = RequestChanges()
        if self.target?.modelJSON != nil { changes.insert(.model) }
        if let edits = self.edits {
            if edits.addsUsage { changes.insert(.usage) }
            if edits.limitsOutput { changes.insert(.outputLimit) }
        }
        if self.translation != nil { changes.insert(.translated) }
        if !self.credentialID.isEmpty { changes.insert(.key) }
        if self.head.contains(.traceparent) { changes.insert(.passedTrace) }
        if self.head.contains(.openAIBeta) { changes.insert(.passedBeta) }
        return changes
    }
}
