import NIOCore
import Net
import TestKit
import Testing
import Transport

@Suite struct ServerTests {
    private let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test func `a connection carries one request after the other`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\none")
            #expect(try await client.read(until: "POST /a one").contains("200 OK"))
            client.clear()
            try await client.send("POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\ntwo")
            #expect(try await client.read(until: "POST /b two").contains("200 OK"))
            await client.close()
        }
    }

    @Test func `pipelined requests are answered in order, row 9`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            let requests = (0..<20).map { "POST /\($0) HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n-" }.joined()
            try await client.send(requests)
            let answer = try await client.read(until: "POST /19 -")
            let order = (0..<20).compactMap { answer.range(of: "POST /\($0) -")?.lowerBound }
            #expect(order.count == 20)
            #expect(order == order.sorted())
            await client.close()
        }
    }

    @Test func `a chunked body is read, and its next request is not part of it`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(
                "POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
                    + self.get
            )
            let answer = try await client.read(until: "GET / ")
            #expect(answer.contains("POST /c abcde"))
            await client.close()
        }
    }

    @Test func `a body that arrives byte by byte is the same body`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            for byte in "POST /s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" {
                try await client.send(String(byte))
            }
            #expect(try await client.read(until: "POST /s hello").contains("200"))
            await client.close()
        }
    }

    @Test func `a client that waits for 100 gets it only when the body is wanted, row 10`() async throws {
        let head = "POST /e HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(head)
            try await client.read(until: "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("ok")
            #expect(try await client.read(until: "POST /e ok").contains("200 OK"))
            await client.close()
        }
        let refuse: @Sendable (any ServerExchange) async -> Void = {
            try? await $0.answer(401, ByteBuffer(string: "no"))
        }
        try await ServerFixture.with(handler: refuse) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(head)
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 401"))
            #expect(!answer.contains("100 Continue"))
        }
    }

    @Test func `HTTP 1.0 is answered and closed, and kept only where asked`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("GET /old HTTP/1.0\r\n\r\n")
            #expect(try await client.readToEnd().contains("GET /old"))
            let keeper = try await RawPeer.connect(port: fixture.port)
            try await keeper.send("GET /old HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            #expect(try await keeper.read(until: "GET /old").contains("connection: keep-alive"))
            try await keeper.send("GET /again HTTP/1.0\r\n\r\n")
            #expect(try await keeper.readToEnd().contains("GET /again"))
        }
    }

    @Test func `HEAD has a length and no body`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("HEAD /h HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let answer = try await client.readToEnd()
            #expect(answer.contains("content-length: 8\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `a stream is chunked for 1.1 and ends with the connection for 1.0`() async throws {
        let stream: @Sendable (any ServerExchange) async -> Void = { exchange in
            exchange.begin(status: 200, fields: ByteBuffer(), body: .stream)
            for part in ["one", "two", String(repeating: "x", count: 300)] {
                exchange.write(ByteBuffer(string: part))
                try? await exchange.flush()
            }
            try? await exchange.finish()
        }
        try await ServerFixture.with(handler: stream) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(self.get)
            let chunked = try await client.read(until: "0\r\n\r\n")
            #expect(chunked.contains("3\r\none\r\n3\r\ntwo\r\n12c\r\nxxx"))
            await client.close()
            let old = try await RawPeer.connect(port: fixture.port)
            try await old.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try await old.readToEnd().contains("\r\n\r\nonetwoxxx"))
        }
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n", "GET / HTTP/1.1\nhost: x\n\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", "GET //evil HTTP/1.1\r\nhost: x\r\n\r\n",
    ])
    func `a request that two servers could read in two ways is refused and closed, row 1`(_ request: String)
        async throws
    {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(request + "GET /second HTTP/1.1\r\nhost: x\r\n\r\n")
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 400"))
            #expect(!answer.contains("/second "))
        }
    }

    @Test func `too many or too large fields are 431, row 4`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let many = (0..<200).map { "x-\($0): y\r\n" }.joined()
            for fields in [many, "x: \(String(repeating: "a", count: 40_000))\r\n"] {
                let client = try await RawPeer.connect(port: fixture.port)
                try await client.send("GET / HTTP/1.1\r\nhost: x\r\n\(fields)\r\n")
                #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 431"))
            }
        }
    }

    @Test func `a body over the limit is refused at its length or at the byte, row 19`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let announced = try await RawPeer.connect(port: fixture.port)
            try await announced.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n")
            #expect(try await announced.readToEnd().hasPrefix("HTTP/1.1 413"))
            let endless = try await RawPeer.connect(port: fixture.port)
            try await endless.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n\(String(repeating: "a", count: 65_536))\r\n"
            var sent = 0
            while !endless.isClosed, endless.text.isEmpty, sent < 64 {
                try? await endless.send(chunk)
                sent += 1
            }
            #expect(try await endless.read(until: "413").contains("413"))
            #expect(try await fixture.comesTrue { fixture.load.bodyBytesInFlight == 0 })
            await endless.close()
        }
    }

    @Test func `body bytes in memory have a cap for the whole process, row 20`() async throws {
        let reading = Signal()
        let limits = ServerLoad.Limits(connectionsMax: 100, bodyBytesMax: 1000)
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            reading.fire()
            await echo(exchange)
        }
        try await ServerFixture.with(limits: limits, handler: handler) { fixture in
            let holder = try await RawPeer.connect(port: fixture.port)
            try await holder.send("POST /one HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n-")
            await reading.wait()
            let surplus = try await RawPeer.connect(port: fixture.port)
            try await surplus.send("POST /two HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n-")
            #expect(try await surplus.readToEnd().hasPrefix("HTTP/1.1 503"))
            try await holder.send(String(repeating: "a", count: 899))
            try await holder.read(until: "POST /one -a")
            await holder.close()
        }
    }

    @Test func `connections beyond the cap are told so, and a freed place is used again, row 7`() async throws {
        try await ServerFixture.with(limits: .init(connectionsMax: 2), handler: echo) { fixture in
            let first = try await RawPeer.connect(port: fixture.port)
            let second = try await RawPeer.connect(port: fixture.port)
            for client in [first, second] {
                try await client.send(self.get)
                try await client.read(until: "GET /")
            }
            let surplus = try await RawPeer.connect(port: fixture.port)
            let answer = try await surplus.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 503"))
            #expect(answer.contains("retry-after: 1"))
            await first.close()
            var answered = false
            for _ in 0..<200 where !answered {
                let next = try await RawPeer.connect(port: fixture.port)
                try? await next.send(self.get)
                answered = (try? await next.read(until: "GET /")) != nil
                await next.close()
            }
            #expect(answered)
            await second.close()
        }
    }

    @Test func `TLS clients without a certificate file never reach a handler in clear`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("\u{16}\u{3}\u{1}\u{0}\u{5}hello\n")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 400"))
        }
    }
}

extension String {
    /// Where `text` stands, without Foundation.
    func range(of text: String) -> Range<String.Index>? { self.firstRange(of: text) }
}
