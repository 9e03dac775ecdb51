/// Where the server listens: a host and a port.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// An address literal without brackets, or a name.
    package let host: String
    /// 0 lets the system choose.
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for all interfaces.
    ///
    /// Nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(digits),
            port <= 65_535
        else { return nil }
        var host = text[..<colon]
        if host.isEmpty {
            host = "0.0.0.0"
        } else if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
        } else {
            let isName = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard isName else { return nil }
        }
        self.init(host: String(host), port: port)
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        self.host == "localhost" || self.host == "::1"
            || (self.host.hasPrefix("127.") && self.host.split(separator: ".").count == 4)
    }

    /// Whether it stands for every interface, so that clients need another name for it.
    package var isWildcard: Bool { self.host == "0.0.0.0" || self.host == "::" }

    /// The host as a URL has it, brackets around IPv6.
    package var urlHost: String { self.host.contains(":") ? "[\(self.host)]" : self.host }

    package var description: String { "\(self.urlHost):\(self.port)" }
}
