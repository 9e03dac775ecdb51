package import Core
internal import Crypto
package import NIOCore

/// Signs requests for AWS: Signature Version 4, in header fields.
///
/// A value without clock and without I/O. Source: "Create a signed AWS API request" in the IAM user guide; checked
/// against the published test suite and against botocore.
package struct SigV4: Sendable, Equatable {
    package var region: String
    /// The name in the credential scope: `secretsmanager`, `kms`, `bedrock`.
    package var service: String

    package init(region: String, service: String) {
        self.region = region
        self.service = service
    }

    /// Signs the head that ends `buffer`, by appending the header lines that make it a signed one.
    ///
    /// They are `x-amz-date`, `x-amz-security-token` if the keys have a token, `x-amz-content-sha256` if wanted, and
    /// `authorization`. Signed are method, path and query as they stand in the request line, every header line that
    /// is there but those that change on the way, and the body. Lines that are appended later are not signed.
    ///
    /// - Parameters:
    ///   - buffer: From `start` to its end: a request line, and header lines with `host` among them, each with its
    ///     CRLF; no blank line. The path is percent-encoded once, without dots and double slashes, the query too.
    ///   - includesDigest: Whether the body's digest gets a line of its own, as S3 wants.
    ///   - now: AWS refuses what is more than five minutes off.
    /// - Returns: Where the session token stands, counted from the beginning of the buffer's memory, to be wiped after
    ///   the write; empty if there is none. The secret key is nowhere in the buffer.
    /// - Throws: `SigningError.badHead`; then nothing was appended.
    package func sign(
        _ buffer: inout ByteBuffer,
        from start: Int,
        body: BodyDigest,
        keys: borrowing AWSKeys,
        now: UnixTime,
        includesDigest: Bool = false
    ) throws(SigningError) -> Range<Int> {
        let end = buffer.writerIndex
        // Else what is appended would become a part of the last line.
        guard end - start >= 2, buffer.getInteger(at: end - 2, as: UInt16.self) == 0x0D0A else { throw .badHead }
        // All the room at once: if the buffer moved later on, a token would stay behind in memory that nobody wipes.
        let head = end - start
        buffer.reserveCapacity(minimumWritableBytes: 2 * head + (keys.sessionToken?.count ?? 0) + 1024)
        let time = Self.timeText(now)
        buffer.writeString("x-amz-date: \(time)\r\n")
        var token = end..<end
        if let bytes = keys.sessionToken {
            buffer.writeStaticString("x-amz-security-token: ")
            let tokenStart = buffer.writerIndex
            buffer.writeBytes(bytes)
            token = tokenStart..<buffer.writerIndex
            buffer.writeStaticString("\r\n")
        }
        if includesDigest {
            buffer.writeStaticString("x-amz-content-sha256: ")
            body.write(into: &buffer)
            buffer.writeStaticString("\r\n")
        }
        let length = buffer.writerIndex - start
        let canonical = buffer.viewBytes(at: start, length: length)?.withUnsafeBytes {
            CanonicalRequest($0, body: body)
        }
        guard let canonical else {
            buffer.setRepeatingByte(0, count: token.count, at: token.lowerBound)
            buffer.moveWriterIndex(to: end)
            throw .badHead
        }
        self.writeAuthorization(canonical, keys: keys, time: time, into: &buffer)
        return token
    }

    private func writeAuthorization(
        _ canonical: CanonicalRequest,
        keys: borrowing AWSKeys,
        time: String,
        into buffer: inout ByteBuffer
    ) {
        let day = time.prefix(8)
        let scope = "\(day)/\(self.region)/\(self.service)/aws4_request"
        var text = ByteBuffer(string: "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n")
        canonical.digest.withUnsafeBytes { Hexadecimal.write($0, into: &text) }
        let key = SigningKey(secret: keys.secretAccessKey, day: day, region: self.region, service: self.service)
        let signature = text.withUnsafeReadableBytes { key.sign($0) }
        buffer.writeStaticString("authorization: AWS4-HMAC-SHA256 Credential=")
        buffer.writeBytes(keys.accessKeyID)
        buffer.writeString("/\(scope), SignedHeaders=")
        buffer.writeImmutableBuffer(canonical.names)
        buffer.writeStaticString(", Signature=")
        signature.withUnsafeBytes { Hexadecimal.write($0, into: &buffer) }
        buffer.writeStaticString("\r\n")
    }

    /// `20150830T123600Z`: RFC 3339 without its marks and its fraction.
    private static func timeText(_ time: UnixTime) -> String {
        var buffer = ByteBuffer()
        time.writeRFC3339(into: &buffer)
        let text = buffer.readableBytesView
        return String(
            decoding: text.prefix(19).filter { $0 != 0x2D && $0 != 0x3A } + [UInt8(ascii: "Z")],
            as: UTF8.self
        )
    }
}
