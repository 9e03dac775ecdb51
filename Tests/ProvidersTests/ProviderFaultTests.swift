import Core
import NIOCore
import Providers
import Testing
import Transport

@Suite struct ProviderFaultTests {
    static func fault(_ status: Int, _ body: String) -> ProviderFault {
        ProviderFault(status: status, body: ByteBuffer(string: body), retryAfter: nil)
    }

    static func complaint(_ status: Int, _ body: String) -> ProviderFault.Complaint? {
        if case .complaint(_, let complaint) = Self.fault(status, body) { complaint } else { nil }
    }

    @Test(arguments: [400, 402, 409, 413, 415, 422, 451])
    func `a complaint keeps its status if it has words, else it cannot be read`(status: Int) {
        #expect(Self.complaint(status, #"{"error":{"message":"m","type":"t","code":"c","param":"p"}}"#)?.message == "m")
        #expect(Self.fault(status, "<html>") == .unreadable)
        #expect(Self.fault(status, "") == .unreadable)
        #expect(Self.fault(status, #"{"error":{"mess"#) == .unreadable)
    }

    @Test(arguments: [
        #"{"error":{"message":"words"}}"#, #"{"error":"words"}"#, #"{"message":"words"}"#, #"{"detail":"words"}"#,
        #"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","x"],"msg":"words"}]}}"#,
        #"{"detail":[{"msg":"words"}]}"#, #"{"error":{"code":400,"message":"words","metadata":{}}}"#,
    ])
    func `words are found in every shape`(body: String) {
        #expect(Self.complaint(422, body)?.message == "words")
    }

    @Test func `a 404 is about the model or about the URL`() {
        #expect(Self.fault(404, #"{"error":{"message":"x","code":"model_not_found"}}"#) == .modelNotFound)
        #expect(Self.fault(404, #"{"error":{"message":"x","code":"DeploymentNotFound"}}"#) == .modelNotFound)
        #expect(
            Self.fault(404, #"{"error":{"message":"model 'x' not found","type":"not_found_error"}}"#) == .modelNotFound
        )
        #expect(Self.fault(404, #"{"error":{"message":"No endpoints found for a/b.","code":404}}"#) == .modelNotFound)
        let mistral = #"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}"#
        #expect(Self.fault(400, mistral) == .modelNotFound)
        #expect(Self.fault(404, "<html>nginx</html>") == .unreadable)
        #expect(Self.complaint(404, #"{"error":{"message":"No such thread"}}"#)?.message == "No such thread")
    }

    @Test func `a 403 is about the key unless the provider's moderation says why`() {
        #expect(Self.fault(403, #"{"error":{"message":"no"}}"#) == .credentialRejected)
        let flagged = #"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#
        #expect(Self.complaint(403, flagged)?.message == "flagged")
    }

    @Test(arguments: [
        (401, ProviderFault.credentialRejected), (301, .redirected(status: 301)), (308, .redirected(status: 308)),
        (500, .failed(status: 500)), (502, .failed(status: 502)), (599, .failed(status: 599)),
        (503, .unavailable(status: 503, retryAfter: nil)), (529, .unavailable(status: 529, retryAfter: nil)),
        (504, .timedOut(status: 504)), (408, .timedOut(status: 408)), (405, .unreadable), (101, .unreadable),
        (429, .rateLimited(retryAfter: nil, type: nil)),
    ])
    func `every status means something, with any body`(status: Int, fault: ProviderFault) {
        for body in ["", "<html>", "{", "null", "[[[["] { #expect(Self.fault(status, body) == fault) }
    }

    @Test func `an error inside a success names its status or none`() {
        func inside(_ text: String) -> ProviderFault { ProviderFault(inSuccess: ByteBuffer(string: text)) }
        #expect(inside(#"{"error":{"code":401,"message":"x"}}"#) == .credentialRejected)
        #expect(inside(#"{"error":{"code":"429","message":"x"}}"#) == .rateLimited(retryAfter: nil, type: nil))
        #expect(inside(#"{"error":{"code":"server_error","message":"x"}}"#) == .failed(status: 200))
        #expect(inside(#"{"error":"x"}"#) == .failed(status: 200))
        #expect(inside(#"{"error":{"code":99999999999999999999,"message":"x"}}"#) == .failed(status: 200))
    }

    @Test(
        arguments: [
            ("5", nil, Duration.seconds(5)), ("0", nil, .zero), ("1.5", nil, .milliseconds(1500)),
            (nil, "250", .milliseconds(250)),
            ("9", "250", .milliseconds(250)), ("9", "soon", .seconds(9)), ("1000000000", nil, .seconds(3600)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", nil, .seconds(30)), ("-5", nil, nil), ("NaN", nil, nil),
            ("inf", nil, nil),
            ("1e9", nil, nil), ("Tue, 14 Nov 2023 22:13:00 GMT", nil, nil), ("", nil, nil), ("1.2.3", nil, nil),
            (".", nil, nil),
            ("+5", nil, nil), ("99999999999999999999999999", nil, nil), (nil, nil, nil),
        ] as [(String?, String?, Duration?)]
    )
    func `retry-after is read only where it is sane (row 85)`(seconds: String?, milliseconds: String?, wait: Duration?)
    {
        let now = UnixTime(seconds: 1_700_000_000)
        let parsed = RetryAfter.parse(
            milliseconds: milliseconds.map { Array($0.utf8) },
            seconds: seconds.map { Array($0.utf8) },
            now: now
        )
        #expect(parsed == wait)
    }

    @Test(arguments: [
        ("key sk-or-v1-abcdef0123456789 is bad", "key [removed] is bad"),
        ("Bearer abcdefghij0123456789 refused", "Bearer [removed] refused"),
        ("Bearer authentication required", "Bearer authentication required"),
        ("near canary-0123456789 it", "near [removed] it"), ("part 23456789abc too", "part [removed] too"),
        ("'canary-0123456789abcdef'", "'[removed]'"), ("a\nb\u{7}c", "a b c"), ("plain words stay", "plain words stay"),
        ("see https://platform.openai.com/docs", "see https://platform.openai.com/docs"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", "[removed]"),
    ])
    func `whatever looks like a key is taken out of a provider's words (row 51)`(text: String, clean: String) {
        #expect(Self.scrub(text, credential: "canary-0123456789abcdef") == clean)
    }

    @Test func `a provider's words are cut at a character's edge`() {
        let long = Self.scrub(String(repeating: "é ", count: 2000), credential: "k")
        #expect(long.utf8.count <= Scrubber.bytesMax + 3)
        #expect(long.hasSuffix("…"))
    }

    @Test func `a thousand keys that differ a little never pass`() {
        for number in 0..<1000 {
            let key = "sk-live-\(number * 7919)-abcdefghijklmnop"
            let text = "Incorrect API key provided: \(key). Also \(key.dropFirst(4)) and \(key.suffix(12))"
            let clean = Self.scrub(text, credential: key)
            #expect(!clean.contains("abcdefgh"))
        }
    }

    private static func scrub(_ text: String, credential: String) -> String {
        Array(credential.utf8).withUnsafeBytes { Scrubber.scrub(text, credential: $0) }
    }
}
