import Metering
import NIOCore

extension SettingsTable {
    /// What is kept for clients that send a request again.
    static let idempotency: [Setting] = [
        Setting(
            path: "streams.keep",
            kind: .duration(.zero...(.hours(24))),
            standard: "60s",
            help: "How long a call with an `Idempotency-Key` runs on after its client has left.",
            example: "2m"
        ),
        Setting(
            path: "idempotency.keep",
            kind: .duration(.minutes(1)...(.hours(720))),
            standard: "24h",
            help: "How long an `Idempotency-Key` and the answer to it are kept, from the first call on.",
            example: "48h"
        ),
        Setting(
            path: "idempotency.max_answer",
            kind: .size(1_024...67_108_864),
            standard: "4MiB",
            help: "Largest answer that is kept; of a larger one only that it was given.",
            example: "1MiB"
        ),
        Setting(
            path: "idempotency.max_keys",
            kind: .integer(1...100_000_000),
            standard: "100000",
            help: "Most keys that are kept; beyond it the oldest go before their time.",
            example: "5000"
        ),
        Setting(
            path: "idempotency.max_bytes",
            kind: .size(65_536...1_000_000_000_000),
            standard: "1GiB",
            help: "Most bytes of answers that are kept; beyond it the oldest go before their time.",
            example: "100MB"
        ),
    ]
}

extension SettingsBuilder {
    /// `idempotency:` and `streams:`.
    func idempotency() -> IdempotencyLimits {
        IdempotencyLimits(
            keep: self.values.duration("idempotency.keep"),
            runOn: self.values.duration("streams.keep"),
            answerBytesMax: self.values.integer("idempotency.max_answer"),
            keysMax: self.values.integer("idempotency.max_keys"),
            bytesMax: self.values.integer("idempotency.max_bytes")
        )
    }
}
