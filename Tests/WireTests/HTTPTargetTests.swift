import TestKit
import Testing
import Wire

private func parse(_ target: String, _ method: HTTPMethod = .get) -> HTTPTarget? {
    latin1(target).withUnsafeBytes { try? HTTPTarget.parse($0, method: method) }
}

private func path(_ target: String) -> String? {
    parse(target).map { String(decoding: latin1(target)[$0.path], as: UTF8.self) }
}

@Suite struct HTTPTargetTests {
    @Test(arguments: [
        ("/", "/"), ("/v1/chat/completions", "/v1/chat/completions"), ("/v1/", "/v1/"), ("/a?b=c", "/a"), ("/?", "/"),
        ("/a?b/../c//d", "/a"), ("/a%20b", "/a%20b"), ("/%C3%A9", "/%C3%A9"), ("/a:b@c", "/a:b@c"), ("/...", "/..."),
        ("/.a/b.", "/.a/b."), ("/..a", "/..a"), ("/a..", "/a.."), ("/~x", "/~x"), ("http://h/x", "/x"),
        ("https://h:8080/x?y", "/x"), ("HTTP://[::1]:8080/x", "/x"), ("/a?x;y|z\"{}<>^`'", "/a"), ("/%3A", "/%3A"),
        ("/v1/models/openai%40x", "/v1/models/openai%40x"), ("/'()!*,=&+$", "/'()!*,=&+$"),
    ])
    func `a path in its normal spelling is accepted as it stands (row 11)`(target: String, expected: String) {
        #expect(path(target) == expected)
    }

    @Test(arguments: [
        "", "a", "*", "//", "//evil", "/a//b", "/a//", "/.", "/..", "/./a", "/a/.", "/a/..", "/a/../b", "/a/./b",
        "/../a",
        "/..?x", "/.?x", "/%2e", "/%2E%2e", "/a/%2e%2e/b", "/.%2e/a", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b",
        "/a;b", "/a;b=c", "/a%3bb", "/a%00", "/a%0d%0a", "/a%1f", "/a%7f", "/a%09", "/a%", "/a%2", "/a%2g", "/a%g0",
        "/a%%20", "/a%25", "/a%252f", "/a%252e", "/%61", "/%41dmin", "/a%2d", "/%7e", "/%5f", "/%30", "/a b", "/a\t",
        "/a#b", "/a?b#c", "/\u{E9}", "/a?\u{E9}", "/\"", "/<a>", "/^", "/`", "/{a}", "/|", "/[a]", "/a?b%", "/a?%2",
        "/a?%zz", "/a?%00", "/a?b c", "/a?\\", "http://h", "http://h?x", "http:///x", "http://h//x", "http://h/../x",
        "http://u@h/x", "http://h:/x", "http://h:99999/x", "http://h%41/x", "ftp://h/x", "http:/h/x", "h:443",
        "/\u{7F}",
    ])
    func `a path that another reader could take for another one is refused (row 11)`(target: String) {
        #expect(parse(target) == nil)
    }

    @Test(arguments: [
        ("/m/a%2Fb", true), ("/m/a%2fb/c", true), ("/m/a%2F", true), ("/m/..a%2F.b", true), ("/m/%2Fa", false),
        ("/m/a%2F%2Fb", false), ("/m/a%2F/b", false), ("/m/a%2F..", false), ("/m/..%2Fa", false),
        ("/m/a%2F.%2Fb", false), ("/m/%2E%2Fa", false), ("/m/a%5Cb", false), ("/m/a%252Fb", false), ("/m%2Fa", false),
        ("/n/a%2Fb", false), ("/M/a%2Fb", false), ("/x/m/a%2Fb", false),
    ])
    func `behind one prefix an escaped slash is a slash, with all that holds for slashes (row 11)`(
        target: String,
        isAccepted: Bool
    ) {
        let parsed = latin1(target).withUnsafeBytes {
            try? HTTPTarget.parse($0, method: .get, slashEscapesBehind: "/m/")
        }
        #expect((parsed != nil) == isAccepted)
    }

    @Test func `an asterisk is a target for OPTIONS only`() {
        #expect(parse("*", .options)?.form == .asterisk)
        #expect(parse("*", .options)?.path == 0..<1)
        #expect(parse("*", .post) == nil)
        #expect(parse("**", .options) == nil)
    }

    @Test func `query and authority are found where they stand`() throws {
        let target = try #require(parse("http://h.example:80/a/b?c=d?e"))
        #expect(target.form == .absolute)
        #expect(target.authority == 7..<19)
        #expect(target.path == 19..<23)
        #expect(target.query == 24..<29)
        #expect(parse("/a")?.query == nil)
        #expect(parse("/a?")?.query == 3..<3)
    }

    /// What a careless reader would make of a path: escapes decoded as often as it can, parameters cut off, dots and
    /// empty segments resolved, back slashes taken for slashes.
    private static func careless(_ path: [UInt8], decodings: Int) -> [[UInt8]] {
        var bytes = path
        for _ in 0..<decodings {
            var plain: [UInt8] = []
            var index = 0
            while index < bytes.count {
                if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                    let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
                {
                    plain.append(byte)
                    index += 3
                } else {
                    plain.append(bytes[index])
                    index += 1
                }
            }
            bytes = plain
        }
        var segments: [[UInt8]] = []
        for segment in bytes.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 0x2F || $0 == 0x5C }) {
            let name = Array(segment.prefix { $0 != UInt8(ascii: ";") && $0 != 0 })
            switch name {
            case latin1("."), []: continue
            case latin1(".."): _ = segments.popLast()
            default: segments.append(name)
            }
        }
        return segments
    }

    @Test func `careful and careless readers see the same segments in every accepted path (row 11)`() {
        var random = SeededGenerator(seed: 11)
        let pieces = [
            "/", "/", "//", "a", "admin", ".", "..", "%2e", "%2f", "%5c", "\\", ";", "%3b", "%00", "%25", "%61",
            "%C3%A9",
            "%20", "?", "#", "%", "2", "e", "f", ":", "@", "~", "v1", "%252e",
        ]
        var accepted = 0
        for _ in 0..<200_000 {
            let text = "/" + (0..<random.below(7)).map { _ in random.pick(pieces) }.joined()
            guard let path = path(text) else { continue }
            accepted += 1
            let bytes = latin1(path)
            let exact = bytes.split(separator: 0x2F).map { Array($0) }
            let once = exact.map { Self.careless($0, decodings: 1) }.flatMap { $0 }
            guard Self.careless(bytes, decodings: 1) == once, Self.careless(bytes, decodings: 2) == once,
                Self.careless(bytes, decodings: 0) == exact
            else {
                Issue.record("\(text)")
                return
            }
        }
        #expect(accepted > 5000)
    }

    @Test func `parts are decoded once, and only if they are text`() {
        #expect(HTTPTarget.decoded("a%20b%C3%A9".utf8) == "a b\u{E9}")
        #expect(HTTPTarget.decoded("plain".utf8) == "plain")
        #expect(HTTPTarget.decoded("%FF".utf8) == nil)
        #expect(HTTPTarget.decoded("%2".utf8) == nil)
        #expect(HTTPTarget.decoded("%".utf8) == nil)
        #expect(HTTPTarget.decoded("%zz".utf8) == nil)
    }

    @Test func `parsing never looks beyond the target, for every byte and pair of bytes`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes: [UInt8] = [UInt8(ascii: "/"), first, second]
                let target = bytes.withUnsafeBytes { try? HTTPTarget.parse($0, method: .get) }
                guard let target else { continue }
                #expect(target.path.upperBound <= 3)
                #expect(bytes[target.path].allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5C && $0 != 0x3B })
            }
        }
    }
}
