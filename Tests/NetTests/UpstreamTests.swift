import Core
import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// Exchanges with scripted upstreams over real sockets.
@Suite struct UpstreamTests {
    static let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

    /// One exchange with the server on `port`: status and whole body.
    static func call(
        _ runtime: NetRuntime,
        port: Int,
        timeouts: Timeouts = Timeouts(),
        within limit: TimeAmount = .seconds(20),
        endpoint known: Endpoint? = nil
    ) async throws -> (status: Int, body: String, isFresh: Bool) {
        let endpoint = try known ?? Endpoint(url: "http://127.0.0.1:\(port)", allowPrivate: true)
        return try await runtime.run { transport in
            let bytes = ByteBuffer(string: "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
            let request = UpstreamRequest(
                endpoint: endpoint,
                bytes: bytes,
                timeouts: timeouts,
                deadline: .now() + limit
            )
            let exchange = try await transport.open(request)
            defer { exchange.abandon() }
            var body = ""
            while let part = try await exchange.read() { body += String(buffer: part) }
            return (exchange.head.status, body, exchange.isFreshConnection)
        }
    }

    static func with<Result: Sendable>(
        resolver: Resolver = Resolver(),
        _ serve: @escaping @Sendable (RawPeer) async throws -> Void,
        _ body: (NetRuntime, RawListener) async throws -> Result
    ) async throws -> Result {
        let runtime = try await NetRuntime(loopCount: 1, dialer: Dialer(resolver: resolver))
        let listener = try await RawPeer.listen(serve)
        do {
            let result = try await body(runtime, listener)
            await listener.close()
            await runtime.shutdown()
            return result
        } catch {
            await listener.close()
            await runtime.shutdown()
            throw error
        }
    }

    @Test func `a connection with a complete answer is used again`() async throws {
        let connections = NIOLockedValueBox(0)
        try await Self.with({ peer in
            connections.withLockedValue { $0 += 1 }
            for _ in 0..<3 {
                try await peer.read(until: "hi")
                peer.clear()
                try await peer.send(Self.answer)
            }
            try await peer.readToEnd()
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            for index in 0..<3 {
                let answer = try await Self.call(runtime, port: listener.port, endpoint: endpoint)
                #expect(answer == (200, "hello", index == 0))
            }
            #expect(connections.withLockedValue { $0 } == 1)
            #expect(runtime.dialer.counters.reuses == 2)
        }
    }

    @Test func `an idle connection that died is replaced once, before any byte came back`() async throws {
        let connections = NIOLockedValueBox(0)
        try await Self.with({ peer in
            let number = connections.withLockedValue { count in
                count += 1
                return count
            }
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(Self.answer)
            guard number == 1 else {
                try await peer.readToEnd()
                return
            }
            // The second request is taken and never answered.
            try await peer.read(until: "hi")
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            _ = try await Self.call(runtime, port: listener.port, endpoint: endpoint)
            let second = try await Self.call(runtime, port: listener.port, endpoint: endpoint)
            #expect(second == (200, "hello", true))
            #expect(connections.withLockedValue { $0 } == 2)
        }
    }

    @Test func `a fresh connection that dies is not replaced, row 84`() async throws {
        let connections = NIOLockedValueBox(0)
        try await Self.with({ peer in
            connections.withLockedValue { $0 += 1 }
            try await peer.read(until: "hi")
        }) { runtime, listener in
            await #expect(throws: TransportError.self) { try await Self.call(runtime, port: listener.port) }
            #expect(connections.withLockedValue { $0 } == 1)
        }
    }

    struct Shape: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: String
        var body: String?

        init(_ name: String, _ bytes: String, body: String?) {
            self.testDescription = name
            self.bytes = bytes
            self.body = body
        }
    }

    static let shapes: [Shape] = [
        Shape("length", answer, body: "hello"),
        Shape(
            "chunked",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nx: y\r\n\r\n",
            body: "hello"
        ),
        Shape("until close", "HTTP/1.1 200 OK\r\n\r\nhello", body: "hello"),
        Shape(
            "interim heads",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\(answer)",
            body: "hello"
        ),
        Shape("no content", "HTTP/1.1 204 No Content\r\n\r\n", body: ""),
        Shape("interim storm", String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 9) + answer, body: nil),
        Shape("switching protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", body: nil),
        Shape(
            "two framings",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            body: nil
        ),
        Shape("short body", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", body: nil),
        Shape("cut chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", body: nil),
        Shape(
            "broken chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
            body: nil
        ),
        Shape("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", body: nil),
        Shape("endless head", "HTTP/1.1 200 OK\r\nx: \(String(repeating: "a", count: 70_000))", body: nil),
    ]

    @Test(arguments: shapes, [0, 1])
    func `answers of every framing are read or refused, rows 16 and 34`(_ shape: Shape, _ split: Int) async throws {
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            if split == 1, shape.bytes.utf8.count < 500 {
                for byte in shape.bytes { try await peer.send(String(byte)) }
            } else {
                try await peer.send(shape.bytes)
            }
        }) { runtime, listener in
            let result: String?
            do {
                result = try await Self.call(runtime, port: listener.port).body
            } catch is TransportError {
                result = nil
            }
            #expect(result == shape.body)
        }
    }

    @Test func `bytes behind a complete answer keep the connection out of the pool`() async throws {
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            try await peer.send(Self.answer + "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
            try await peer.readToEnd()
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            for _ in 0..<2 {
                let answer = try await Self.call(runtime, port: listener.port, endpoint: endpoint)
                #expect(answer == (200, "hello", true))
            }
        }
    }

    enum Stall: CaseIterable { case beforeHead, insideHead, insideBody }

    @Test(arguments: Stall.allCases)
    func `a silent upstream runs into the clock that is named in the error, row 90`(_ stall: Stall) async throws {
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            switch stall {
            case .beforeHead: break
            case .insideHead: try await peer.send("HTTP/1.1 200 OK\r\ncont")
            case .insideBody: try await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe")
            }
            try await peer.readToEnd()
        }) { runtime, listener in
            var timeouts = Timeouts()
            // Only the clock that is meant to run out is short, so that a slow machine cannot make the other one first.
            timeouts.firstByte = stall == .insideBody ? .seconds(20) : .milliseconds(200)
            timeouts.idle = stall == .insideBody ? .milliseconds(150) : .seconds(20)
            do {
                _ = try await Self.call(runtime, port: listener.port, timeouts: timeouts)
                Issue.record("the call must not succeed")
            } catch TransportError.timeout(let clock, let limit, let didSend) {
                #expect(clock == (stall == .insideBody ? .idle : .firstByte))
                #expect(limit == (stall == .insideBody ? timeouts.idle : timeouts.firstByte))
                #expect(didSend)
            }
        }
    }

    @Test func `a drip that keeps every other clock happy ends at the total deadline`() async throws {
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            try await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while !peer.isClosed { try await peer.send("x") }
        }) { runtime, listener in
            var timeouts = Timeouts()
            timeouts.total = .milliseconds(300)
            do {
                _ = try await Self.call(runtime, port: listener.port, timeouts: timeouts, within: .milliseconds(300))
                Issue.record("the call must not succeed")
            } catch TransportError.timeout(let clock, let limit, _) {
                #expect(clock == .total)
                #expect(limit == .milliseconds(300))
            } catch TransportError.closedInBody {
                Issue.record("100000 bytes arrived one by one within the deadline")
            }
        }
    }

    @Test func `a refused connection and an unknown name say so and were never sent, row 83`() async throws {
        try await Self.with({ _ in }) { runtime, listener in
            let port = listener.port
            await listener.close()
            do {
                _ = try await Self.call(runtime, port: port)
                Issue.record("the call must not succeed")
            } catch TransportError.connectFailed {}
            let unknown = try Endpoint(url: "http://no-such-host.invalid", allowPrivate: true)
            do {
                _ = try await Self.call(runtime, port: 0, endpoint: unknown)
                Issue.record("the call must not succeed")
            } catch TransportError.nameNotResolved(let name) {
                #expect(name == "no-such-host.invalid")
            }
        }
    }

    @Test func `a resolver that hangs ends at the connect clock, row 116`() async throws {
        let release = Signal()
        let resolver = Resolver { _, _ in
            // Blocks its thread as getaddrinfo does; the test lets go at its end.
            for _ in 0..<200 where release.count == 0 { Blocker.hold(milliseconds: 10) }
            throw ResolverError.noAddress
        }
        try await Self.with(resolver: resolver, { _ in }) { runtime, _ in
            var timeouts = Timeouts()
            timeouts.connect = .milliseconds(150)
            let slow = try Endpoint(url: "http://slow.example", allowPrivate: true)
            do {
                _ = try await Self.call(runtime, port: 0, timeouts: timeouts, endpoint: slow)
                Issue.record("the call must not succeed")
            } catch TransportError.timeout(let clock, _, let didSend) {
                #expect(clock == .connect)
                #expect(!didSend)
            }
            release.fire()
        }
    }

    @Test func `cancelling a call closes its upstream connection, row 91`() async throws {
        let arrived = Signal()
        let closed = Signal()
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            arrived.fire()
            try await peer.readToEnd()
            closed.fire()
        }) { runtime, listener in
            let port = listener.port
            let call = Task { try await Self.call(runtime, port: port) }
            await arrived.wait()
            call.cancel()
            await closed.wait()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test func `an answer nobody reads is not read from the socket either, row 92`() async throws {
        let blocked = Signal()
        try await Self.with({ peer in
            try await peer.read(until: "hi")
            try await peer.send("HTTP/1.1 200 OK\r\n\r\n")
            let part = ByteBuffer(repeating: 120, count: 1 << 20)
            for _ in 0..<64 {
                if !peer.channel.isWritable { blocked.fire() }
                peer.channel.writeAndFlush(part, promise: nil)
            }
            blocked.fire()
            try await peer.readToEnd()
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            try await runtime.run { transport in
                let bytes = ByteBuffer(string: "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
                let exchange = try await transport.open(
                    UpstreamRequest(
                        endpoint: endpoint,
                        bytes: bytes,
                        timeouts: Timeouts(),
                        deadline: .now() + .seconds(20)
                    )
                )
                await blocked.wait()
                try await transport.sleep(for: .milliseconds(100))
                let first = try await exchange.read()
                #expect((first?.readableBytes ?? 0) <= 256 << 10)
                exchange.abandon()
            }
        }
    }
}
