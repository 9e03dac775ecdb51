import TestKit

/// Makes HTTP messages by a grammar that goes astray now and then, and mutates bytes of some of them.
struct MessageGenerator {
    var random: SeededGenerator
    let isRequest: Bool

    init(seed: UInt64, isRequest: Bool) {
        self.random = SeededGenerator(seed: seed)
        self.isRequest = isRequest
    }

    /// The bytes of one to three messages, one behind the other.
    mutating func next() -> [UInt8] {
        var bytes: [UInt8] = []
        // Sound, a little off here and there, or odd throughout: the lower, the odder.
        self.oddness = self.random.pick([1_000_000, 60, 60, 12])
        for _ in 0...self.random.below(3) { self.appendMessage(&bytes) }
        if self.random.oneIn(4) { self.mutate(&bytes) }
        return bytes
    }

    private var oddness = 60

    private mutating func isOdd() -> Bool { self.random.oneIn(self.oddness) }

    private mutating func choose(_ sound: [String], _ odd: [String]) -> String {
        self.isOdd() ? self.random.pick(odd) : self.random.pick(sound)
    }

    // MARK: - Message

    private mutating func appendMessage(_ bytes: inout [UInt8]) {
        let end = { (generator: inout MessageGenerator) in generator.choose(["\r\n"], ["\n", "\r", "\r\r\n", "\n\r"]) }
        bytes += latin1(self.isRequest ? self.requestLine() : self.statusLine()) + latin1(end(&self))
        var lines: [String] = []
        for _ in 0..<self.random.below(4) { lines.append(self.field()) }
        if self.isRequest, !self.isOdd() { lines.append(self.host()) }
        if self.isRequest, self.isOdd() { lines.append(self.host()) }
        let framing = self.random.below(self.isRequest ? 3 : 4)
        let body = self.random.pick(["", "hello", "x", "0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])
        var wire = ""
        switch framing {
        case 0 where self.isRequest: break
        case 0, 1:
            lines.append(self.length(of: body))
            wire = body
        case 2:
            lines.append(self.coding())
            wire = self.chunks(of: body)
            if self.isOdd() { lines.append(self.length(of: body)) }
        default:
            wire = body
        }
        for index in lines.indices.dropFirst() where self.random.oneIn(2) {
            lines.swapAt(index, self.random.below(index + 1))
        }
        for line in lines { bytes += latin1(line) + latin1(end(&self)) }
        bytes += latin1(end(&self)) + latin1(wire)
    }

    private mutating func requestLine() -> String {
        let method = self.choose(
            ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"],
            ["get", "G T", "M-SEARCH", "CONNECT", "", "PRI", "GET\t", "@", "POSTX", "BREW", "\u{C9}"]
        )
        let target = self.choose(
            ["/", "/v1/chat/completions", "/a?b=c", "/a%20b", "http://a/x", "/~x/@:!$&'()*+,;="],
            [
                "*", "", "//evil", "/a b", "a", "/\u{E9}", "/#x", "/\\", "http://b/", "http://u@a/", "/\0", "/\t",
                "a:443",
            ]
        )
        let version = self.choose(
            ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"],
            ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.11", "HTTP/1", "", "HTTP/1.1 ", "ICE/1.1"]
        )
        let space = { (generator: inout MessageGenerator) in generator.choose([" "], ["  ", "\t", "", " \t"]) }
        return method + space(&self) + target + space(&self) + version
    }

    private mutating func statusLine() -> String {
        let version = self.choose(
            ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"],
            ["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1", "", "ICY", "HTTP/1.1\t"]
        )
        let status = self.choose(
            ["200", "200", "201", "404", "500", "529", "204", "304", "100", "103"],
            ["99", "600", "999", "20", "2000", "abc", "", "000", "101", "+20", "2 0", "199"]
        )
        let reason = self.choose(
            [" OK", " ", "", " Not Found", " \u{E9}"],
            ["\tOK", " \0", " a\u{7F}", "OK", " \t", " a\tb", "  x"]
        )
        return version + self.choose([" "], ["  ", "\t", ""]) + status + reason
    }

    private mutating func host() -> String {
        "Host: "
            + self.choose(
                ["a", "a", "a.example:8080", "127.0.0.1", "[::1]:80"],
                ["", "a b", "a,b", "u@a", "a/b", "\u{E9}", "a:", "a:x", "::1", "a\\b"]
            )
    }

    private mutating func field() -> String {
        let name = self.choose(
            ["X", "Accept", "X-Long-Name", "Content-Type", "Connection", "a!#$%&'*+-.^_`|~", "Expect", "TE", "Date"],
            ["X ", " X", "X\t", "", "X\0", "X:Y", "(X)", "\u{E9}", "X Y", "\"X\"", "Upgrade", "Proxy-Connection", "X="]
        )
        let value = self.choose(
            ["y", "", "a b", "a\tb", " y ", "\u{E9}", "close", "keep-alive", "100-continue", "a, b", "0"],
            ["\0", "a\u{7F}", "a\u{B}b", "\r", "y\r\n z", "y\r\n\tz", "\u{1B}", "a\rb", "upgrade", "close, x", "("]
        )
        return name + self.choose([": ", ":", ":\t"], [" : ", "", " ", ":: ", "= "]) + value
    }

    private mutating func length(of body: String) -> String {
        let exact = String(body.utf8.count)
        return self.choose(
            ["Content-Length: \(exact)", "content-length:\(exact)", "CONTENT-LENGTH: \(exact) "],
            [
                "Content-Length: +\(exact)", "Content-Length: -1", "Content-Length: 0\(exact)", "Content-Length: ",
                "Content-Length: \(exact), \(exact)", "Content-Length: \(exact)\r\nContent-Length: \(exact)",
                "Content-Length: 18446744073709551616", "Content-Length: 9223372036854775808",
                "Content-Length: 0x5", "Content-Length : \(exact)", "Content-Length: \(exact)a",
                "Content-Length: 3", "Content-Length: \(exact) \(exact)", "Content-Length:\r\n \(exact)",
                "Content-Length: 00000000000000000000\(exact)",
            ]
        )
    }

    private mutating func coding() -> String {
        self.choose(
            ["Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding:  Chunked "],
            [
                "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: gzip, chunked",
                "Transfer-Encoding: identity",
                "Transfer-Encoding: chunked, x", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
                "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: ", "Transfer-Encoding: \"chunked\"",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked;x",
                "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked\u{B}", "Transfer_Encoding: chunked",
            ]
        )
    }

    // MARK: - Body

    private mutating func chunks(of body: String) -> String {
        var wire = ""
        var rest = Substring(body)
        let end = { (generator: inout MessageGenerator) in generator.choose(["\r\n"], ["\n", "\r", "", " \r\n"]) }
        while !rest.isEmpty {
            let part = rest.prefix(1 + self.random.below(rest.count))
            rest = rest.dropFirst(part.count)
            // Characters are not bytes: CRLF is one of the first and two of the others.
            let size = String(part.unicodeScalars.count, radix: 16)
            wire += self.choose([size, "0\(size)", size.uppercased()], ["+\(size)", "0x\(size)", "", "-1", "g"])
            wire += self.choose(
                ["", "", ";x", ";x=y", ";x=\"y z\"", ";x;y"],
                [" ", " ;x", ";", ";=", ";x=", "; x", ";x=\"", ";x=\"\\\"\"", "\t", ";x y", ";\u{E9}"]
            )
            wire += end(&self) + part + end(&self)
        }
        wire += self.choose(["0", "000"], ["", "00000000000000000000", "-0", "0x0", " 0"])
        wire += self.choose(["", ";x"], [" ", ";", ";x="]) + end(&self)
        if self.random.oneIn(4) {
            wire += self.choose(
                ["X: y", "Trailing: value"],
                ["X : y", "Content-Length: 5", "Transfer-Encoding: chunked", "Host: b", "X", " y", "X: \0"]
            )
            wire += end(&self)
        }
        return wire + end(&self)
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let interesting = latin1("\r\n\t \0:;,/=\"\\0159aAxX\u{7F}\u{80}\u{E9}\u{FF}-+.*#%")
        for _ in 0...self.random.below(3) {
            guard !bytes.isEmpty else { return }
            let index = self.random.below(bytes.count)
            switch self.random.below(5) {
            case 0: bytes[index] = self.random.pick(interesting)
            case 1: bytes.insert(self.random.pick(interesting), at: index)
            case 2: bytes.remove(at: index)
            case 3: bytes[index] ^= 1 << UInt8(self.random.below(8))
            default: bytes.removeLast(self.random.below(min(bytes.count, 12)))
            }
        }
    }
}
