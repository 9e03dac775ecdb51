/// One upstream server, as the boot file names it.
///
/// Connections are pooled per `Endpoint` object, so a reload keeps the object of an entry that did not change.
package final class Endpoint: Sendable, Equatable {
    package enum Scheme: String, Sendable { case http, https }

    package let scheme: Scheme
    /// A DNS name in lower case, or an address literal without brackets.
    ///
    /// Also the name that TLS checks.
    package let host: String
    package let port: Int
    /// Path that stands before every route, without a trailing slash: `/api/v1` or empty.
    package let basePath: String
    /// Whether loopback, private and link-local addresses may be dialled (`allow_private: true`).
    package let allowPrivate: Bool
    /// PEM file of the authorities trusted for this server, in place of the system's.
    package let caFile: String?

    /// - Throws: `EndpointError` if `url` is not a plain `http(s)://host[:port][/path]`.
    package init(url: String, allowPrivate: Bool, caFile: String? = nil) throws(EndpointError) {
        var rest = Substring(url)
        if rest.hasPrefix("https://") {
            self.scheme = .https
            rest = rest.dropFirst(8)
        } else if rest.hasPrefix("http://") {
            self.scheme = .http
            rest = rest.dropFirst(7)
        } else {
            throw .notHTTP
        }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else { throw .badCharacter }
        guard !rest.contains("@") else { throw .hasUserInfo }
        guard !rest.contains("?"), !rest.contains("#") else { throw .hasQuery }
        let authority = rest.prefix { $0 != "/" }
        (self.host, self.port) = try Self.hostAndPort(authority, defaultPort: self.scheme == .https ? 443 : 80)
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }), !path.contains("//") else {
            throw .badPath
        }
        self.basePath = String(path)
        self.allowPrivate = allowPrivate
        self.caFile = caFile
    }

    private static func hostAndPort(
        _ authority: Substring,
        defaultPort: Int
    ) throws(EndpointError) -> (host: String, port: Int) {
        var host = authority
        var port = defaultPort
        let isBracketed = authority.hasPrefix("[")
        if let colon = authority.lastIndex(of: ":"), !isBracketed || authority[..<colon].hasSuffix("]") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.allSatisfy(\.isNumber), let number = Int(digits), (1...65_535).contains(number) else {
                throw .badPort
            }
            port = number
            host = authority[..<colon]
        }
        if isBracketed {
            guard host.hasSuffix("]") else { throw .badHost }
            host = host.dropFirst().dropLast()
            guard host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { throw .badHost }
        } else {
            guard host.utf8.allSatisfy(Self.isHostByte) else { throw .badHost }
        }
        guard !host.isEmpty, host.utf8.count <= 253 else { throw .badHost }
        return (host.lowercased(), port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            return true
        default:
            return false
        }
    }

    /// What the `Host` field says: the port only where it is not the scheme's own.
    package var authority: String {
        let name = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.scheme == .https ? 443 : 80) ? name : "\(name):\(self.port)"
    }

    /// The whole URL, for start-up texts and `doctor`.
    package var url: String { "\(self.scheme.rawValue)://\(self.authority)\(self.basePath)" }

    package static func == (left: Endpoint, right: Endpoint) -> Bool {
        left.scheme == right.scheme && left.host == right.host && left.port == right.port
            && left.basePath == right.basePath && left.allowPrivate == right.allowPrivate && left.caFile == right.caFile
    }
}

/// Why a text is not the URL of an upstream.
package enum EndpointError: String, Error, Sendable {
    case notHTTP = "must start with http:// or https://"
    case badCharacter = "has a character that a URL cannot have"
    case hasUserInfo = "must not carry a user name or password"
    case hasQuery = "must not carry a query or fragment"
    case badHost = "has no valid host name"
    case badPort = "has a port outside 1 to 65535"
    case badPath = "has a path with empty, '.' or '..' parts"
}
