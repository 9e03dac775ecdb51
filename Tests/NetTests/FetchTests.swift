import Core
import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// Small HTTP calls over the one dialer.
@Suite struct FetchTests {
    /// Fetches from a server that answers every request with `answer`; returns what it received, too.
    private static func fetch(
        _ answer: String,
        _ change: @escaping @Sendable (inout FetchRequest) -> Void = { _ in }
    ) async throws -> (answer: FetchAnswer, received: String) {
        let received = NIOLockedValueBox("")
        let result = try await UpstreamTests.with({ peer in
            let text = try await peer.read(until: "\r\n\r\n")
            received.withLockedValue { $0 = text }
            try await peer.send(answer)
            try await peer.readToEnd()
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)/base", allowPrivate: true)
            var request = FetchRequest("GET", endpoint, path: "/x?y=1")
            change(&request)
            return try await runtime.fetcher.fetch(request)
        }
        return (result, received.withLockedValue { $0 })
    }

    @Test func `an answer comes whole, with its status and its fields`() async throws {
        let text =
            "HTTP/1.1 404 Not Found\r\nX-Odd: a b \r\nContent-Type: text/plain\r\n"
            + "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        let (answer, received) = try await Self.fetch(text) { $0.fields = [("x-one", "1")] }
        #expect(answer.status == 404)
        #expect(String(buffer: answer.body) == "hello")
        #expect(answer.field(.contentType) == "text/plain")
        #expect(answer.field(named: "x-odd") == "a b")
        #expect(answer.field(named: "x-none") == nil && answer.field(.location) == nil)
        #expect(received.hasPrefix("GET /base/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:"))
        #expect(received.hasSuffix("\r\naccept-encoding: identity\r\nx-one: 1\r\n\r\n"))
    }

    @Test func `a body goes out with its type and its length`() async throws {
        let (_, received) = try await Self.fetch(UpstreamTests.answer) { request in
            request.method = "POST"
            request.body = ByteBuffer(string: "")
            request.contentType = "text/plain"
        }
        #expect(received.hasSuffix("content-type: text/plain\r\ncontent-length: 0\r\n\r\n"))
    }

    @Test(arguments: [300, 301, 302, 303, 307, 308])
    func `a redirect is an error and is never followed, row 29`(status: Int) async throws {
        let visits = NIOLockedValueBox(0)
        try await UpstreamTests.with({ peer in
            visits.withLockedValue { $0 += 1 }
            try await peer.read(until: "\r\n\r\n")
            try await peer.send("HTTP/1.1 \(status) Moved\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n")
            try await peer.readToEnd()
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            let request = FetchRequest("GET", endpoint, path: "/", fields: [("x-api-key", "secret")])
            await #expect(throws: FetchError.redirected(status: status)) {
                try await runtime.fetcher.fetch(request)
            }
        }
        #expect(visits.withLockedValue { $0 } == 1)
    }

    @Test func `not modified is an answer`() async throws {
        #expect(try await Self.fetch("HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n").answer.status == 304)
    }

    @Test(arguments: [
        "content-length: 11\r\n\r\nhello world",
        "transfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
    ])
    func `an answer over the limit is refused, row 34`(rest: String) async throws {
        await #expect {
            _ = try await Self.fetch("HTTP/1.1 200 OK\r\n" + rest) { $0.answerBytesMax = 10 }
        } throws: { error in
            if case TransportError.bodyTooLarge(let limit) = error { limit == 10 } else { false }
        }
        let (answer, _) = try await Self.fetch("HTTP/1.1 200 OK\r\n" + rest) { $0.answerBytesMax = 11 }
        #expect(answer.body.readableBytes == 11)
    }

    @Test func `an answer that is compressed unasked is refused, row 33`() async throws {
        await #expect(throws: FetchError.encoded) {
            try await Self.fetch("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx")
        }
        let plain = "HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\ncontent-length: 2\r\n\r\nxx"
        #expect(try await Self.fetch(plain).answer.body.readableBytes == 2)
    }

    @Test func `the address guard stands in the way here too, rows 26 and 31`() async throws {
        try await UpstreamTests.with({ _ in Issue.record("somebody connected") }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: false)
            await #expect {
                _ = try await runtime.fetcher.fetch(FetchRequest("GET", endpoint, path: "/"))
            } throws: { error in
                if case TransportError.forbiddenAddress = error { true } else { false }
            }
        }
    }

    @Test func `a drip ends at the total clock`() async throws {
        try await UpstreamTests.with({ peer in
            try await peer.read(until: "\r\n\r\n")
            try await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while !peer.isClosed { try await peer.send("x") }
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            var request = FetchRequest("GET", endpoint, path: "/")
            request.timeouts.total = .milliseconds(300)
            let sent = request
            await #expect {
                _ = try await runtime.fetcher.fetch(sent)
            } throws: { error in
                if case TransportError.timeout(.total, .milliseconds(300), _) = error { true } else { false }
            }
        }
    }

    @Test func `nothing in a request can end a line or the target too early, row 2`() throws {
        let endpoint = try Endpoint(url: "https://a.example", allowPrivate: false)
        let good = FetchRequest("GET", endpoint, path: "/a?b=%20")
        #expect(throws: Never.self) { try good.bytes() }
        let changes: [(inout FetchRequest) -> Void] = [
            { $0.method = "get" }, { $0.method = "GET /evil HTTP/1.1\r\nx: " }, { $0.method = "CONNECT" },
            { $0.path = "a" }, { $0.path = "/a b" }, { $0.path = "/a\r\nx: y" }, { $0.path = "/a#b" },
            { $0.path = "/\\evil" }, { $0.path = "/é" }, { $0.path = "/a\0" }, { $0.path = "?a" },
            { $0.fields = [("x", "a\r\nb: c")] }, { $0.fields = [("x", "a\0")] }, { $0.fields = [("x", "a\u{7F}")] },
            { $0.fields = [("x: y", "a")] }, { $0.fields = [("", "a")] }, { $0.fields = [("x\r\n", "a")] },
            {
                $0.body = ByteBuffer(); $0.contentType = "a\nb"
            },
        ]
        for (index, change) in changes.enumerated() {
            var request = good
            change(&request)
            #expect(throws: FetchError.self, "change \(index)") { try request.bytes() }
        }
    }
}
