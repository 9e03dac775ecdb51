package import Core
import Crypto
import FoundationEssentials
package import NIOCore

/// AWS's keys for signing requests, of a user or of a role for some hours.
package struct AWSCredentials: Sendable {
    /// The public part; safe to log.
    package var accessKeyID: String
    package var secretAccessKey: Secret<String>
    /// Comes with the keys of a role.
    package var sessionToken: Secret<String>?

    package init(accessKeyID: String, secretAccessKey: Secret<String>, sessionToken: Secret<String>? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

/// Signs requests for AWS: Signature Version 4, in header fields.
///
/// A value without clock and without I/O. Source: "Create a signed AWS API request" in the IAM user guide; checked
/// against the published test suite and against botocore.
package struct SigV4: Sendable {
    package var credentials: AWSCredentials
    package var region: String
    /// The name in the credential scope: `secretsmanager`, `kms`, `bedrock`.
    package var service: String

    package init(credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// What is signed of a request.
    package struct Request: Sendable {
        package var method: String
        /// What the `Host` field says.
        package var host: String
        /// As it is sent, without dots and double slashes; for every service but S3 it is encoded once more here.
        package var path: String
        /// Not encoded; send `SigV4.queryText` of them.
        package var query: [(name: String, value: String)]
        /// The fields to be signed, without `host` and those that signing adds.
        package var fields: [(name: String, value: String)]
        package var body: ByteBuffer

        package init(
            method: String,
            host: String,
            path: String = "/",
            query: [(name: String, value: String)] = [],
            fields: [(name: String, value: String)] = [],
            body: ByteBuffer = ByteBuffer()
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.fields = fields
            self.body = body
        }
    }

    /// The fields that make `request` a signed one: `x-amz-date`, the session token if there is one, `authorization`.
    ///
    /// - Parameter now: AWS refuses what is more than five minutes off.
    package func fields(for request: Request, now: UnixTime) -> [(name: String, value: String)] {
        let time = Self.timeText(now)
        var added = [(name: "x-amz-date", value: time)]
        if let token = self.credentials.sessionToken { added.append(("x-amz-security-token", token.reveal { $0 })) }
        let canonical = self.canonicalFields(request, added)
        let names = canonical.map(\.name).joined(separator: ";")
        let scope = "\(time.prefix(8))/\(self.region)/\(self.service)/aws4_request"
        let text = Self.textToSign(request, fields: canonical, names: names, time: time, scope: scope)
        let signature = Self.hex(Self.hmac(Array(text.utf8), key: self.signingKey(day: String(time.prefix(8)))))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(self.credentials.accessKeyID)/\(scope), SignedHeaders=\(names), "
            + "Signature=\(signature)"
        return added + [("authorization", authorization)]
    }

    /// The query as it is sent and signed, without question mark.
    package static func queryText(_ query: [(name: String, value: String)]) -> String {
        let pairs = query.map { (Self.encode($0.name, keepsSlash: false), Self.encode($0.value, keepsSlash: false)) }
        let sorted = pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        return sorted.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    // MARK: - Steps of the recipe

    /// Names in lower case and in order; values without outer and double spaces; one name's values in one line.
    private func canonicalFields(
        _ request: Request,
        _ added: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for (name, value) in [("host", request.host)] + request.fields + added {
            let words = value.split(whereSeparator: { $0 == " " || $0 == "\t" })
            values[name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }

    private static func textToSign(
        _ request: Request,
        fields: [(name: String, value: String)],
        names: String,
        time: String,
        scope: String
    ) -> String {
        let canonical = [
            request.method,
            Self.encode(request.path.isEmpty ? "/" : request.path, keepsSlash: true),
            Self.queryText(request.query),
            fields.map { "\($0.name):\($0.value)\n" }.joined(),
            names,
            Self.hex(request.body.withUnsafeReadableBytes { Self.sha256($0) }),
        ]
        let digest = Array(canonical.joined(separator: "\n").utf8).withUnsafeBytes { Self.sha256($0) }
        return "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(Self.hex(digest))"
    }

    private func signingKey(day: String) -> [UInt8] {
        var key = self.credentials.secretAccessKey.reveal { Array("AWS4\($0)".utf8) }
        for part in [day, self.region, self.service, "aws4_request"] { key = Self.hmac(Array(part.utf8), key: key) }
        return key
    }

    private static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    private static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return Array(hash.finalize())
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var buffer = ByteBuffer()
        for byte in bytes {
            for digit in [byte >> 4, byte & 0xF] { buffer.writeInteger(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
        return String(buffer: buffer)
    }

    /// Percent-encodes all but letters, digits and `-._~` (RFC 3986 section 2.3).
    private static func encode(_ text: String, keepsSlash: Bool) -> String {
        var buffer = ByteBuffer()
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                buffer.writeInteger(byte)
            case UInt8(ascii: "/") where keepsSlash:
                buffer.writeInteger(byte)
            default:
                buffer.writeInteger(UInt8(ascii: "%"))
                for digit in [byte >> 4, byte & 0xF] { buffer.writeInteger(digit < 10 ? 0x30 + digit : 0x37 + digit) }
            }
        }
        return String(buffer: buffer)
    }

    /// `20150830T123600Z`.
    private static func timeText(_ time: UnixTime) -> String {
        var buffer = ByteBuffer()
        UnixTime(seconds: time.seconds).writeRFC3339(into: &buffer)
        return String(buffer: buffer).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
