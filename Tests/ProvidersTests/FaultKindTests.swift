import Core
import NIOCore
import Providers
import Testing

/// What failures of real providers mean for whether, and where, they may be tried again (row 87 and WIRE facts).
@Suite struct FaultKindTests {
    private static func kind(_ status: Int, _ body: String, at family: String = "openai") -> ProviderFault.Kind {
        ProviderFault(status: status, body: ByteBuffer(string: body), retryAfter: nil)
            .kind(at: Family.row(kind: Family.kind(named: family), named: family, host: nil))
    }

    @Test(arguments: [
        (400, #"{"error":{"message":"x","code":"context_length_exceeded"}}"#, ProviderFault.Kind.tooLong),
        (
            400,
            #"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8"}}"#,
            .tooLong
        ),
        (400, #"{"error":{"message":"This endpoint's maximum context length is 8192 tokens."}}"#, .tooLong),
        (
            400,
            #"{"error":{"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}}"#,
            .tooLong
        ),
        (413, #"{"error":{"type":"request_too_large","message":"x"}}"#, .tooLong),
        (400, #"{"error":{"message":"x","code":"content_filter"}}"#, .contentRefused),
        (400, #"{"error":{"message":"x","code":"content_policy_violation"}}"#, .contentRefused),
        (403, #"{"error":{"message":"flagged","metadata":{"reasons":["x"]}}}"#, .contentRefused),
        (402, #"{"error":{"message":"Insufficient credits"}}"#, .spent),
        (429, #"{"error":{"message":"x","type":"insufficient_quota"}}"#, .spent),
        (400, #"{"error":{"message":"Your credit balance is too low to access the API."}}"#, .spent),
        (429, #"{"error":{"message":"x","type":"tokens"}}"#, .rateLimited),
        (429, "", .rateLimited),
        (401, "", .credential),
        (403, #"{"error":{"message":"no"}}"#, .credential),
        (400, #"{"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}}"#, .credential),
        (400, #"[{"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}}]"#, .credential),
        (404, #"{"error":{"message":"x","code":"model_not_found"}}"#, .modelMissing),
        (409, #"{"error":{"message":"x"}}"#, .conflict),
        (422, #"{"detail":[{"msg":"field required"}]}"#, .complaint),
        (400, #"{"error":{"message":"'stop' must be a string"}}"#, .complaint),
        (500, "", .failed), (502, "", .failed), (520, "", .failed),
        (503, "", .unavailable), (529, "", .unavailable), (521, "", .unavailable), (523, "", .unavailable),
        (408, "", .timedOut), (504, "", .timedOut), (522, "", .timedOut), (524, "", .timedOut),
        (302, "", .garbled), (405, "", .garbled), (400, "<html>", .garbled),
    ])
    func `a status and its words have one meaning`(status: Int, body: String, kind: ProviderFault.Kind) {
        #expect(Self.kind(status, body) == kind, "\(status) \(body)")
    }

    @Test func `some statuses mean something else at one provider`() {
        let body = #"{"error":{"message":"x"}}"#
        #expect(Self.kind(498, body, at: "groq") == .unavailable)
        #expect(Self.kind(498, body) == .complaint)
        #expect(Self.kind(412, body, at: "fireworks") == .spent)
        #expect(Self.kind(412, body, at: "mistral") == .complaint)
        #expect(Self.kind(498, #"{"message":"blocked"}"#, at: "cohere") == .contentRefused)
        #expect(Self.kind(499, #"{"message":"request cancelled by user"}"#, at: "cohere") == .failed)
    }

    @Test(
        arguments: [
            ("7s", Duration.seconds(7)), ("0.5121s", .milliseconds(513)), ("0s", .zero), ("99999s", .seconds(3600)),
            ("-1s", nil), ("7", nil), ("s", nil), ("1e3s", nil), ("nans", nil), ("7ss", nil),
        ] as [(String, Duration?)]
    )
    func `Google's RetryInfo says how long to wait, or nothing (row 85)`(text: String, wait: Duration?) {
        let body = """
            {"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.Help"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\(text)"}]}}
            """
        for body in [body, "[\(body)]"] {
            let fault = ProviderFault(status: 429, body: ByteBuffer(string: body), retryAfter: nil)
            #expect(fault == .rateLimited(retryAfter: wait, type: nil))
        }
        let fields = ProviderFault(status: 429, body: ByteBuffer(string: body), retryAfter: .seconds(1))
        #expect(fields == .rateLimited(retryAfter: .seconds(1), type: nil))
    }
}
