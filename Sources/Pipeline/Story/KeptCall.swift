package import Core
package import NIOCore
package import Providers
package import Telemetry

/// A call that is over, as the book of recent calls keeps it.
///
/// Holds names and numbers only, never a prompt, an answer, a key or a provider's own words.
package struct KeptCall: Sendable {
    package var record: CallRecord
    /// The person who made it; empty where it was nobody's key.
    package var user = ""
    /// What served its model; nil where it did not come to that.
    package var resolution: Resolution?
    /// The clocks of its last target.
    package var timeouts: Timeouts?
    /// What `x-turnpike-timeout-ms` asked for.
    package var timeoutAsked: TimeAmount?
    /// What was noted on its way; nil where it went straight.
    package var notes: CallNotes?
    /// What its last provider was sent in place of what came.
    package var changes = RequestChanges()
    /// Fields that its last target does not take and that were left out.
    package var dropped: [String] = []
    /// Why it failed, in the words that its client was told; nil where those were a provider's.
    package var message: String?
    /// The status that its last provider answered with; 0 if it did not come to that.
    package var upstreamStatus = 0
    /// Microseconds from its arrival to the begin of its last attempt; nil where nobody looked at the clock.
    package var lastBegin: Int64?

    package init(_ record: CallRecord) { self.record = record }

    /// Whether there is more to say of it than that it was answered.
    package var isEventful: Bool {
        if self.record.code != nil || self.record.attempts > 1 { return true }
        return self.notes?.entries.contains { $0.step.isEventful } ?? false
    }
}

/// What a provider was sent in place of what came from the client.
package struct RequestChanges: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The model is called by the target's own name for it.
    package static let model = RequestChanges(rawValue: 1)
    /// Usage is asked for at the end of the stream.
    package static let usage = RequestChanges(rawValue: 2)
    /// The answer may have only as many tokens as can be paid for.
    package static let outputLimit = RequestChanges(rawValue: 4)
    /// The group's own key is sent; without it none is.
    package static let key = RequestChanges(rawValue: 8)
    /// The client's `traceparent` and `tracestate` were passed on; without it one was made.
    package static let passedTrace = RequestChanges(rawValue: 16)
    /// The client's `openai-beta` was passed on.
    package static let passedBeta = RequestChanges(rawValue: 32)

    /// The whole request was put into the provider's dialect.
    package static let translated = RequestChanges(rawValue: 64)

    /// What became of the body, each in a sentence.
    package var body: [String] {
        var texts: [String] = []
        if self.contains(.model) { texts.append("model: the target's own name for it") }
        if self.contains(.translated) { texts.append("all of it: put into the provider's own dialect") }
        if self.contains(.usage) {
            texts.append("stream_options.include_usage: asked for, and taken out of the answer again")
        }
        if self.contains(.outputLimit) { texts.append("max tokens: no more than a budget can pay for") }
        return texts
    }

    /// What became of the headers, each in a sentence.
    package var headers: [String] {
        var texts = [
            self.contains(.key)
                ? "authorization: the group's own key for the provider" : "authorization: none, the provider takes none"
        ]
        texts.append(self.contains(.passedTrace) ? "traceparent: passed on" : "traceparent: made here, not sampled")
        if self.contains(.passedBeta) { texts.append("openai-beta: passed on") }
        return texts + ["all others of the client's: left out"]
    }
}
