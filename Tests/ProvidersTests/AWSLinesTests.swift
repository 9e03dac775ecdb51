import Core
import NIOCore
import Providers
import Signing
import Testing

/// How a group's key for AWS becomes header lines.
@Suite struct AWSLinesTests {
    private struct Locked: Error {}

    private static func credential(_ open: @escaping Credential.Opener) throws -> Credential {
        let catalog = try Catalog(providers: [ProviderEntry(name: "openai")], userAgent: "t/1")
        let entry = CredentialBook.Entry(id: "c1", group: .defaultGroup, provider: "openai", open: open)
        let provider = try #require(catalog.provider(named: "openai"))
        let book = try CredentialBook([entry], catalog: catalog)
        return try #require(book.row(of: .defaultGroup).credential(for: provider))
    }

    private static func credential(_ key: String) throws -> Credential {
        try self.credential { $0.writeString(key) }
    }

    private static let head = "POST /model/m%3A0/converse HTTP/1.1\r\nhost: bedrock-runtime.eu-west-1.amazonaws.com\r\n"

    private static func lines(_ credential: Credential) throws -> (text: String, secret: String) {
        var buffer = ByteBuffer(string: "before" + self.head)
        let range = try credential.writeAWSLines(
            by: SigV4(region: "eu-west-1", service: "bedrock"),
            from: 6,
            body: BodyDigest(CollectionOfOne(ByteBuffer(string: "{}"))),
            now: UnixTime(seconds: 1_795_278_605),
            into: &buffer
        )
        let text = String(buffer: buffer)
        #expect(text.hasPrefix("before" + self.head))
        return (
            String(decoding: text.utf8.dropFirst(6 + self.head.utf8.count), as: UTF8.self),
            buffer.getString(at: range.lowerBound, length: range.count) ?? ""
        )
    }

    @Test func `a key without a colon is an API key of Bedrock`() throws {
        let (text, secret) = try Self.lines(Self.credential("ABSKQmVkcm9ja0FQSUtleS0="))
        #expect(text == "authorization: Bearer ABSKQmVkcm9ja0FQSUtleS0=\r\n")
        #expect(secret == "ABSKQmVkcm9ja0FQSUtleS0=")
    }

    @Test func `two or three parts with colons between them sign, and only the token is sent`() throws {
        let (text, secret) = try Self.lines(Self.credential("AKID:s3cret/key:to+ken="))
        #expect(
            text.hasPrefix("x-amz-date: 20261121T163005Z\r\nx-amz-security-token: to+ken=\r\nauthorization: AWS4-HMAC")
        )
        #expect(text.contains("Credential=AKID/20261121/eu-west-1/bedrock/aws4_request"))
        #expect(secret == "to+ken=" && !text.contains("s3cret"))
        let plain = try Self.lines(Self.credential("AKID:s3cret/key"))
        #expect(
            plain.text.hasPrefix("x-amz-date: 20261121T163005Z\r\nauthorization: AWS4-HMAC") && plain.secret.isEmpty
        )
    }

    @Test func `a key that cannot be opened or cannot be one leaves the head as it was (row 2)`() throws {
        let broken: [Credential] = [
            try Self.credential { _ in throw Locked() }, try Self.credential("AKID:"), try Self.credential(":x"),
            try Self.credential("with space"), try Self.credential(""), try Self.credential("AKID:a\r\nx: y"),
        ]
        for credential in broken {
            var buffer = ByteBuffer(string: Self.head)
            #expect(throws: CredentialUnreadable.self) {
                try credential.writeAWSLines(
                    by: SigV4(region: "eu-west-1", service: "bedrock"),
                    from: 0,
                    body: BodyDigest(EmptyCollection()),
                    now: UnixTime(seconds: 0),
                    into: &buffer
                )
            }
            #expect(String(buffer: buffer) == Self.head)
        }
    }
}
