import Testing

@testable import Simulator

@Suite struct EventStreamTests {
    /// A reader of the format that shares nothing with the writer but the checksum, which gzip's test vouches for.
    static func read(_ bytes: [UInt8]) throws -> [EventStreamMessage] {
        struct Broken: Error {}
        func number(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        func sum(_ range: Range<Int>) -> Int {
            var sum = CRC32()
            sum.add(Array(bytes[range]))
            return Int(sum.value)
        }
        var messages: [EventStreamMessage] = []
        var at = 0
        while at < bytes.count {
            guard bytes.count - at >= 16 else { throw Broken() }
            let end = at + number(at)
            let headersEnd = at + 12 + number(at + 4)
            guard end <= bytes.count, headersEnd <= end - 4, sum(at..<at + 8) == number(at + 8),
                sum(at..<end - 4) == number(end - 4)
            else { throw Broken() }
            var headers: [EventStreamMessage.Header] = []
            var place = at + 12
            while place < headersEnd {
                let nameEnd = place + 1 + Int(bytes[place])
                guard bytes[nameEnd] == 7 else { throw Broken() }
                let valueEnd = nameEnd + 3 + Int(bytes[nameEnd + 1]) << 8 + Int(bytes[nameEnd + 2])
                headers.append(
                    .init(
                        name: String(decoding: bytes[place + 1..<nameEnd], as: UTF8.self),
                        value: String(decoding: bytes[nameEnd + 3..<valueEnd], as: UTF8.self)
                    )
                )
                place = valueEnd
            }
            messages.append(EventStreamMessage(headers: headers, payload: Array(bytes[headersEnd..<end - 4])))
            at = end
        }
        return messages
    }

    @Test func `an empty message is the one that the specification shows`() {
        // Total length 16, no headers, and the two checksums of the published test vector "empty_message".
        let expected: [UInt8] = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xC2, 0x48, 0xEB, 0x7D, 0x98, 0xC8, 0xFF]
        #expect(EventStreamMessage(headers: [], payload: []).bytes == expected)
    }

    @Test func `a payload without headers is the one that the specification shows`() {
        // The published test vector "payload_no_headers".
        let bytes = EventStreamMessage(headers: [], payload: Array("{'foo':'bar'}".utf8)).bytes
        #expect(bytes.prefix(12) == [0, 0, 0, 0x1D, 0, 0, 0, 0, 0xFD, 0x52, 0x8C, 0x5A])
        #expect(bytes.suffix(4) == [0xC3, 0x65, 0x39, 0x36])
    }

    @Test func `what is written can be read, and a flipped bit is found`() throws {
        let written: [EventStreamMessage] = [
            .event("messageStart", Array(#"{"role":"assistant"}"#.utf8)),
            .exception("throttlingException", message: "Slow down"), .event("x", []),
        ]
        let bytes = written.flatMap(\.bytes)
        #expect(try Self.read(bytes) == written)
        for at in bytes.indices {
            var broken = bytes
            broken[at] ^= 0x10
            #expect(throws: (any Error).self, "byte \(at)") { try Self.read(broken) }
        }
    }
}

@Suite struct RequestSignatureTests {
    private static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    private static let now = 1_440_938_160  // 2015-08-30 12:36:00

    private static func request(
        _ method: String = "GET",
        _ target: String = "/",
        _ headers: [(name: String, value: String)] = [],
        _ body: String = "",
        signed: String = "host;x-amz-date",
        signature: String,
        service: String = "service"
    ) -> RequestSignature.Request {
        let authorization =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/\(service)/aws4_request,"
            + " SignedHeaders=\(signed), Signature=\(signature)"
        let fixed = [
            (name: "Host", value: "example.amazonaws.com"), (name: "X-Amz-Date", value: "20150830T123600Z"),
            (name: "Authorization", value: authorization),
        ]
        return .init(method: method, target: target, headers: fixed + headers, body: Array(body.utf8))
    }

    /// Cases of AWS's "Signature Version 4 test suite", with the signatures that it publishes.
    private struct Case: Sendable {
        var name: String
        var method = "GET"
        var target = "/"
        var headers: [(name: String, value: String)] = []
        var body = ""
        var signed = "host;x-amz-date"
        var signature: String
    }

    private static let cases: [Case] = [
        Case(name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Case(
            name: "get-vanilla-query-order-key-case",
            target: "/?Param2=value2&Param1=value1",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        Case(
            name: "post-vanilla",
            method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
        Case(
            name: "get-utf8",
            target: "/\u{1234}",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"
        ),
        Case(
            name: "get-space",
            target: "/example space/",
            signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"
        ),
        Case(
            name: "get-header-value-trim",
            headers: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            signed: "host;my-header1;my-header2;x-amz-date",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
        Case(
            name: "post-x-www-form-urlencoded",
            method: "POST",
            headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1",
            signed: "content-type;host;x-amz-date",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        ),
        Case(
            name: "get-slash-dot-slash",
            target: "/./",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        Case(
            name: "get-relative",
            target: "/example/..",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
    ]

    @Test func `the published signatures come out`() throws {
        for one in Self.cases {
            let request = Self.request(
                one.method,
                one.target,
                one.headers,
                one.body,
                signed: one.signed,
                signature: one.signature
            )
            let signature = try RequestSignature(request)
            #expect(signature.expected(request, secret: Self.secret) == one.signature, "\(one.name)")
        }
    }

    @Test func `a colon in a model's name is encoded twice`() throws {
        let request = Self.request(
            "POST",
            "/model/vendor.model-v1%3A0/converse",
            signature: String(repeating: "0", count: 64)
        )
        let canonical = try RequestSignature(request).canonicalRequest(request)
        #expect(canonical.hasPrefix("POST\n/model/vendor.model-v1%253A0/converse\n"))
    }

    private static let good = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

    private func check(
        _ request: RequestSignature.Request,
        keys: [String] = ["AKIDEXAMPLE:\(secret)"],
        service: String = "service",
        now: Int = now
    ) throws(RequestSignature.Problem) {
        try RequestSignature(request).check(
            request,
            credentials: keys.compactMap { RequestSignature.Credential($0) },
            acceptsAny: keys.isEmpty,
            service: service,
            now: now
        )
    }

    @Test func `only the right secret, scope and time are accepted`() throws {
        let request = Self.request(signature: Self.good)
        try self.check(request)
        try self.check(request, keys: ["OTHER:x", "AKIDEXAMPLE:\(Self.secret)"])
        try self.check(request, keys: [])
        #expect(throws: RequestSignature.Problem.mismatch) { try self.check(request, keys: ["AKIDEXAMPLE:other"]) }
        #expect(throws: RequestSignature.Problem.unknownKey) { try self.check(request, keys: ["OTHER:x"]) }
        #expect(throws: RequestSignature.Problem.unknownKey) { try self.check(request, keys: ["bearer-key"]) }
        #expect(throws: RequestSignature.Problem.expired) { try self.check(request, now: Self.now + 301) }
        #expect(throws: RequestSignature.Problem.expired) { try self.check(request, now: Self.now - 301) }
        #expect(throws: RequestSignature.Problem.self) { try self.check(request, service: "bedrock") }
        let changed = Self.request("POST", signature: Self.good)
        #expect(throws: RequestSignature.Problem.mismatch) { try self.check(changed) }
        let claimed = [
            (name: "X-Amz-Content-SHA256", value: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        ]
        let forged = Self.request("GET", "/", claimed, "more", signature: Self.good)
        #expect(throws: RequestSignature.Problem.mismatch) { try self.check(forged) }
        let longer = Self.request("GET", "/", [], "more", signature: Self.good)
        #expect(throws: RequestSignature.Problem.mismatch) { try self.check(longer) }
    }

    @Test func `a token must be there, be right and be signed`() throws {
        let keys = ["AKIDEXAMPLE:\(Self.secret):the-token"]
        let without = Self.request(signature: Self.good)
        #expect(throws: RequestSignature.Problem.wrongToken) { try self.check(without, keys: keys) }
        let unsigned = Self.request("GET", "/", [("X-Amz-Security-Token", "the-token")], signature: Self.good)
        #expect(throws: RequestSignature.Problem.mismatch) { try self.check(unsigned, keys: keys) }
    }

    @Test(arguments: [
        "", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s, SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150831/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=xy",
    ])
    func `a header that is not well formed is refused`(header: String) {
        let request = RequestSignature.Request(
            method: "GET",
            target: "/",
            headers: [("host", "h"), ("x-amz-date", "20150830T123600Z"), ("authorization", header)],
            body: []
        )
        #expect(throws: RequestSignature.Problem.self) { try RequestSignature(request) }
    }

    @Test(arguments: [
        ("19700101T000000Z", 0), ("20150830T123600Z", 1_440_938_160), ("20240229T235959Z", 1_709_251_199),
        ("20000301T000000Z", 951_868_800),
    ])
    func `dates are counted from 1970`(text: String, seconds: Int) {
        #expect(RequestSignature.seconds(text) == seconds)
    }

    @Test(arguments: ["", "20150830T123600", "20151330T123600Z", "2015083OT123600Z", "20150830 123600Z"])
    func `what is no date has no seconds`(text: String) {
        #expect(RequestSignature.seconds(text) == nil)
    }
}
