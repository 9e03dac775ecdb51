import Conversations
import NIOCore

extension SettingsTable {
    /// What is kept for clients of `/v1/responses`.
    static let responses: [Setting] = [
        Setting(
            path: "responses.keep",
            kind: .duration(.zero...(.hours(8_760))),
            standard: "720h",
            help: "How long an answer of `/v1/responses` is kept, to be asked for and gone on from; 0 keeps none.",
            example: "24h"
        ),
        Setting(
            path: "responses.max_response",
            kind: .size(1_024...67_108_864),
            standard: "8MiB",
            help: "Largest answer that is kept, with all that led to it.",
            example: "1MiB"
        ),
        Setting(
            path: "responses.max_bytes",
            kind: .size(65_536...1_000_000_000_000),
            standard: "4GiB",
            help: "Most bytes of such answers that are kept; beyond it the oldest go before their time.",
            example: "100MB"
        ),
    ]
}

extension SettingsBuilder {
    /// `responses:`.
    func responses() -> ResponseLimits {
        ResponseLimits(
            keep: self.values.duration("responses.keep"),
            responseBytesMax: self.values.integer("responses.max_response"),
            bytesMax: self.values.integer("responses.max_bytes")
        )
    }
}
