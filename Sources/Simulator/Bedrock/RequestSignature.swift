internal import Crypto

/// AWS Signature Version 4 as the server sees it: takes a request apart, signs it with the secret it knows, compares.
///
/// Written after AWS's page "Create a signed AWS API request", independently of whatever the gateway signs with.
struct RequestSignature: Equatable {
    /// What is wrong with an `Authorization` header.
    enum Problem: Error, Equatable {
        case incomplete(String)
        case mismatch
        case wrongScope(String)
        case expired
        case unknownKey
        case wrongToken
    }

    /// A key as a simulator was started with: `AKID:SECRET` or `AKID:SECRET:TOKEN`.
    struct Credential: Equatable {
        var accessKeyID: String
        var secret: String
        var token: String?

        /// Nil for a key without a colon, which is some other provider's.
        init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            self.accessKeyID = parts[0]
            self.secret = parts[1]
            self.token = parts.count == 3 ? parts[2] : nil
        }
    }

    /// A request as it stood on the wire.
    struct Request {
        var method: String
        /// Path and query, still encoded.
        var target: String
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        /// The values of a header, in order, joined by commas.
        func value(_ name: String) -> String? {
            let values = self.headers.filter { $0.name.lowercased() == name }.map { Self.trimmed($0.value) }
            return values.isEmpty ? nil : values.joined(separator: ",")
        }

        /// Without white space around it, and runs of spaces made one.
        static func trimmed(_ value: String) -> String {
            value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
        }
    }

    static let algorithm = "AWS4-HMAC-SHA256"

    var accessKeyID: String
    /// Date, region, service and `aws4_request`, as in the credential.
    var scope: [String]
    var signedHeaders: [String]
    var signature: String
    /// The moment of signing, as `20150830T123600Z`.
    var date: String

    /// Reads the `Authorization` header of a request.
    ///
    /// - Throws: `Problem.incomplete` naming what is missing, `Problem.wrongScope` if the parts contradict each other.
    init(_ request: Request) throws(Problem) {
        let header = request.value("authorization") ?? ""
        guard header.hasPrefix(Self.algorithm + " ") else { throw .incomplete("'\(Self.algorithm)' algorithm") }
        var fields: [String: String] = [:]
        for part in header.dropFirst(Self.algorithm.count).split(separator: ",") {
            let halves = Request.trimmed(String(part)).split(separator: "=", maxSplits: 1)
            if halves.count == 2 { fields[String(halves[0])] = String(halves[1]) }
        }
        guard let credential = fields["Credential"] else { throw .incomplete("'Credential' parameter") }
        guard let signature = fields["Signature"] else { throw .incomplete("'Signature' parameter") }
        guard let names = fields["SignedHeaders"] else { throw .incomplete("'SignedHeaders' parameter") }
        guard let date = request.value("x-amz-date") else { throw .incomplete("'X-Amz-Date' header") }
        let parts = credential.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 5, !parts.contains(""), parts[4] == "aws4_request" else {
            throw .incomplete("Credential of the form <akid>/<date>/<region>/<service>/aws4_request")
        }
        guard Self.isDate(date), date.hasPrefix(parts[1]) else {
            throw .wrongScope("Date in Credential scope does not match the date of the request.")
        }
        let signed = names.split(separator: ";").map { String($0) }
        guard signed.contains("host"), signed.contains("x-amz-date") else {
            throw .incomplete("'host' and 'x-amz-date' among 'SignedHeaders'")
        }
        guard signature.utf8.count == 64, signature.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else {
            throw .mismatch
        }
        self.accessKeyID = parts[0]
        self.scope = Array(parts.dropFirst())
        self.signedHeaders = signed
        self.signature = signature
        self.date = date
    }

    /// Checks the signature with what the simulator knows.
    ///
    /// - Parameters:
    ///   - credentials: The keys it was started with. Empty: any signature that is well formed will do.
    ///   - service: What the scope must name.
    ///   - now: Seconds since 1970; a signature is good for five minutes either way.
    /// - Throws: the `Problem` that was found.
    func check(
        _ request: Request,
        credentials: [Credential],
        acceptsAny: Bool,
        service: String,
        now: Int
    ) throws(Problem) {
        guard self.scope[2] == service else {
            throw .wrongScope("Credential should be scoped to correct service: '\(service)'.")
        }
        guard let signedAt = Self.seconds(self.date), abs(now - signedAt) <= 300 else { throw .expired }
        if acceptsAny { return }
        guard let credential = credentials.first(where: { $0.accessKeyID == self.accessKeyID }) else {
            throw .unknownKey
        }
        guard request.value("x-amz-security-token") == credential.token else { throw .wrongToken }
        if credential.token != nil, !self.signedHeaders.contains("x-amz-security-token") { throw .mismatch }
        guard self.expected(request, secret: credential.secret) == self.signature else { throw .mismatch }
    }

    // MARK: - Signing

    /// The signature that `secret` gives this request.
    func expected(_ request: Request, secret: String) -> String {
        let canonical = self.canonicalRequest(request)
        let text = [
            Self.algorithm, self.date, self.scope.joined(separator: "/"),
            Self.hex(SHA256.hash(data: Array(canonical.utf8))),
        ].joined(separator: "\n")
        var key = SymmetricKey(data: Array("AWS4\(secret)".utf8))
        for part in self.scope {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        return Self.hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    }

    /// The request in the one form that both sides sign.
    func canonicalRequest(_ request: Request) -> String {
        let path = String(request.target.prefix { $0 != "?" })
        let query = String(request.target.dropFirst(path.count + 1))
        let headers = self.signedHeaders.map { "\($0):\(request.value($0) ?? "")\n" }.joined()
        return [
            request.method, Self.canonicalPath(path), Self.canonicalQuery(query), headers,
            self.signedHeaders.joined(separator: ";"), Self.hex(SHA256.hash(data: request.body)),
        ].joined(separator: "\n")
    }

    /// The path as it came, without dots and doubled slashes, encoded once more: every service but S3 wants it so.
    private static func canonicalPath(_ path: String) -> String {
        var steps: [Substring] = []
        for step in path.split(separator: "/") where step != "." {
            if step == ".." { _ = steps.popLast() } else { steps.append(step) }
        }
        let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
        guard !steps.isEmpty else { return "/" }
        return "/" + steps.map { Self.encoded($0) }.joined(separator: "/") + (isFolder ? "/" : "")
    }

    private static func canonicalQuery(_ query: String) -> String {
        let pairs = query.split(separator: "&").map { pair -> (String, String) in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.encoded(URLText.decoded(halves[0]))
            return (name, halves.count == 2 ? Self.encoded(URLText.decoded(halves[1])) : "")
        }
        return pairs.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Percent-encodes all but RFC 3986's unreserved characters.
    static func encoded(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(Self.upperDigits[Int(byte >> 4)])
                bytes.append(Self.upperDigits[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let upperDigits = Array("0123456789ABCDEF".utf8)
    private static let lowerDigits = Array("0123456789abcdef".utf8)

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(Self.lowerDigits[Int(byte >> 4)])
            text.append(Self.lowerDigits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: - Dates

    private static func isDate(_ text: String) -> Bool { Self.seconds(text) != nil }

    /// Seconds since 1970 of a date like `20150830T123600Z`.
    static func seconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var sum = 0
            for byte in bytes[range] {
                guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
                sum = sum * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return sum
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
            let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
            1...12 ~= month, 1...31 ~= day
        else { return nil }
        // Days since 1970 of a civil date, in years that begin in March so that leap days come last.
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }
}
