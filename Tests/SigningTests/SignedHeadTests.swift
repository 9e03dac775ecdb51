import Core
import NIOCore
import Signing
import TestKit
import Testing

/// Signatures of heads that are in a buffer already, by keys that are only lent.
@Suite struct SignedHeadTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var target: String
        var body: String
        var keys: String
        let signature: String
    }

    static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    static let now = UnixTime(milliseconds: 1_795_278_605_999)
    static let signer = SigV4(region: "us-east-1", service: "bedrock")

    /// What botocore 1.44 makes of the same requests.
    static let cases: [Case] = [
        Case(
            testDescription: "a colon in the path, sent as %3A and signed as %253A",
            target: "/model/amazon.nova-lite-v1%3A0/converse",
            body: #"{"messages":[]}"#,
            keys: "AKIDEXAMPLE:\(secret)",
            signature: "a6f41a1e59b95d18fc9812fb0c50b40997f0fd79ca1858e52db04fd0d4b3f88b"
        ),
        Case(
            testDescription: "an ARN in the path, and the keys of a role",
            target: "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
                + "us.anthropic.claude-sonnet-4-5-v1%3A0/converse-stream",
            body: "",
            keys: "AKIDEXAMPLE:\(secret):IQoJb3JpZ2luX2VjEXAMPLE//token+with=signs",
            signature: "7f35be11b9c78a308b82a6991ed09cc556ca669501415548bbff6cfd271e0903"
        ),
        Case(
            testDescription: "a query out of order, with names alone and values alone",
            target: "/model/m~1_-.x/invoke?b=2&a=1&a=%20&c&a-=7&=e",
            body: "x",
            keys: "AKIDEXAMPLE:\(secret)",
            signature: "4999b4527f7ab76b156f8e3c6152d64809e16a1d923340b53c118b6796549d87"
        ),
        Case(
            testDescription: "a secret that fills a block of the hash",
            target: "/model/m/converse",
            body: "{}",
            keys: "AKIDEXAMPLE:" + String(repeating: "s", count: 60),
            signature: "553d6e583fa71e542fdf128990387acd5c2c4c91df4eb69201345b6cb7fd5277"
        ),
        Case(
            testDescription: "a secret that is longer than a block of the hash",
            target: "/model/m/converse",
            body: "{}",
            keys: "AKIDEXAMPLE:" + String(repeating: "s", count: 61) + ":t",
            signature: "d988cee83ef959951bf929b3b02dec8151b8fbd895ec9a58aadd68687c59eadb"
        ),
        Case(
            testDescription: "escapes and marks in the path",
            target: "/model/%C3%A9%20%2B(x)!*'/converse",
            body: "{}",
            keys: "AKIDEXAMPLE:k",
            signature: "369ffedb00a5334e86d67f1b60c721c4c98720b6dece99bb97366409e0a0d12b"
        ),
    ]

    static func head(_ target: String) -> String {
        "POST \(target) HTTP/1.1\r\nhost: bedrock-runtime.us-east-1.amazonaws.com\r\n"
            + "user-agent: turnpike\r\ncontent-type: application/json\r\naccept: application/json\r\n"
    }

    /// Signs what stands in `buffer` from `start` on.
    static func sign(
        _ buffer: inout ByteBuffer,
        from start: Int = 0,
        _ keys: String,
        pieces: [ByteBuffer] = [],
        includesDigest: Bool = false
    ) throws(SigningError) -> Range<Int> {
        let result: Result<Range<Int>, SigningError> = ByteBuffer(string: keys).withUnsafeReadableBytes { bytes in
            do throws(SigningError) {
                return .success(
                    try Self.signer.sign(
                        &buffer,
                        from: start,
                        body: BodyDigest(pieces),
                        keys: AWSKeys(parsing: bytes),
                        now: Self.now,
                        includesDigest: includesDigest
                    )
                )
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    @Test(arguments: cases)
    func `a head is signed as AWS's own Python library signs it`(_ item: Case) throws {
        let parts = item.keys.split(separator: ":").map(String.init)
        let head = Self.head(item.target)
        // What stands before the head, and what was read of the buffer, does not matter.
        var buffer = ByteBuffer(string: "left over")
        buffer.moveReaderIndex(forwardBy: 4)
        let start = buffer.writerIndex
        buffer.writeString(head)
        let body = ByteBuffer(string: item.body)
        let middle = item.body.utf8.count / 2
        let pieces = [
            body.getSlice(at: 0, length: middle), body.getSlice(at: middle, length: body.readableBytes - middle),
        ]
        let token = try Self.sign(&buffer, from: start, item.keys, pieces: pieces.compactMap { $0 })
        let names = "accept;content-type;host;x-amz-date" + (parts.count > 2 ? ";x-amz-security-token" : "")
        var expected = "left over\(head)x-amz-date: 20261121T163005Z\r\n"
        if parts.count > 2 { expected += "x-amz-security-token: \(parts[2])\r\n" }
        expected += "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/bedrock/aws4_request, "
        expected += "SignedHeaders=\(names), Signature=\(item.signature)\r\n"
        buffer.moveReaderIndex(to: 0)
        #expect(String(buffer: buffer) == expected)
        #expect(buffer.getString(at: token.lowerBound, length: token.count) == (parts.count > 2 ? parts[2] : ""))
    }

    @Test func `what changes one byte of what is sent changes the signature`() throws {
        func signature(_ head: String, _ body: String = "{}", _ keys: String = "AKID:secret:token") throws -> Substring
        {
            var buffer = ByteBuffer(string: head)
            _ = try Self.sign(&buffer, keys, pieces: [ByteBuffer(string: body)])
            return String(buffer: buffer).dropLast(2).suffix(64)
        }
        let head = Self.head("/model/m/converse")
        let same = try signature(head)
        #expect(try signature(head) == same)
        #expect(try signature(head.replacing("user-agent: turnpike", with: "user-agent: other")) == same)
        for (old, new) in [
            ("POST", "PUT"), ("/m/", "/n/"), ("converse", "converse?a=1"), ("us-east-1.", "us-east-2."),
            ("content-type: application/json", "content-type: text/plain"), ("accept", "accepts"),
        ] {
            #expect(try signature(head.replacing(old, with: new)) != same, "\(old) to \(new)")
        }
        #expect(try signature(head, "{ }") != same)
        #expect(try signature(head, "{}", "AKID:Secret:token") != same)
        #expect(try signature(head, "{}", "AKID:secret:Token") != same)
    }

    @Test func `the digest of the body gets a line where a service wants one`() throws {
        var buffer = ByteBuffer(string: Self.head("/"))
        _ = try Self.sign(&buffer, "AKID:secret", includesDigest: true)
        let text = String(buffer: buffer)
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(text.contains("\r\nx-amz-content-sha256: \(empty)\r\n"))
        #expect(text.contains("SignedHeaders=accept;content-type;host;x-amz-content-sha256;x-amz-date,"))
    }

    @Test func `the secret key never gets into the buffer, nor into memory that the buffer grew out of`() throws {
        var buffer = ByteBuffer(string: Self.head("/model/m/converse"))
        _ = try Self.sign(&buffer, "AKIDEXAMPLE:\(Self.secret):token")
        let memory = String(decoding: buffer.withVeryUnsafeBytes { Array($0) }, as: UTF8.self)
        #expect(memory.contains("token") && !memory.contains("wJalrXUt") && !memory.contains("AWS4wJal"))
    }

    @Test(arguments: [
        "", "AKID", "AKID:", ":secret", "AKID::token", "AKID:secret:", "AK ID:secret", "AKID:sec ret",
        "AKID:secret:to\nken",
        "AKID:secret\r:token", "AK\u{E9}:secret", "AKID/1:secret", "AKID:s\u{E9}cret",
    ])
    func `keys of another form are refused and leave nothing behind (row 2)`(_ keys: String) {
        var buffer = ByteBuffer(string: Self.head("/"))
        let before = buffer
        #expect(throws: SigningError.badKeys) { try Self.sign(&buffer, keys) }
        #expect(buffer == before)
    }

    @Test(arguments: [
        "", "POST / HTTP/1.1", "POST / HTTP/1.1\r\n", "POST /\r\nhost: a\r\n", "POST x HTTP/1.1\r\nhost: a\r\n",
        "POST / HTTP/1.1\r\nhost a\r\n", "POST / HTTP/1.1\r\n: a\r\nhost: a\r\n", "POST / HTTP/1.1\r\nhost: a\n",
        "POST / HTTP/1.1\r\nhost: a\r\n\r\n", " / HTTP/1.1\r\nhost: a\r\n", "POST / HTTP/1.1\r\nhosts: a\r\n",
    ])
    func `what is no head is refused, and the token is wiped`(_ head: String) {
        var buffer = ByteBuffer(string: head)
        #expect(throws: SigningError.badHead) { try Self.sign(&buffer, "AKID:secret:wipe-me") }
        #expect(String(buffer: buffer) == head)
        let memory = String(decoding: buffer.withVeryUnsafeBytes { Array($0) }, as: UTF8.self)
        #expect(!memory.contains("wipe-me"))
    }
}
