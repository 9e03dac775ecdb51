package import NIOCore

/// How long and how much is kept for clients that send a request again.
package struct IdempotencyLimits: Sendable, Equatable {
    /// How long a key and its answer are kept, from the first call on (`idempotency.keep`).
    package var keep: TimeAmount
    /// How long a call runs on after its client has left (`streams.keep`).
    package var runOn: TimeAmount
    /// The largest answer that is kept, in bytes (`idempotency.max_answer`).
    package var answerBytesMax: Int
    /// The most keys that are kept, those of running calls apart (`idempotency.max_keys`).
    package var keysMax: Int
    /// The most bytes of answers that are kept (`idempotency.max_bytes`).
    package var bytesMax: Int

    package init(
        keep: TimeAmount = .hours(24),
        runOn: TimeAmount = .seconds(60),
        answerBytesMax: Int = 4 << 20,
        keysMax: Int = 100_000,
        bytesMax: Int = 1 << 30
    ) {
        self.keep = keep
        self.runOn = runOn
        self.answerBytesMax = answerBytesMax
        self.keysMax = keysMax
        self.bytesMax = bytesMax
    }
}
