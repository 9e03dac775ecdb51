import Core
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// What becomes of upstream connections between calls: kept, replaced, given up.
@Suite struct UpstreamCareTests {
    static let answer = UpstreamTests.answer

    /// A listener that answers every request of every connection, and counts the connections.
    private static func with(
        _ upstream: UpstreamOptions = UpstreamOptions(),
        serve: @escaping @Sendable (RawPeer, Int) async throws -> Void,
        _ body: (NetRuntime, Endpoint, NIOLockedValueBox<Int>) async throws -> Void
    ) async throws {
        let count = NIOLockedValueBox(0)
        let runtime = try await NetRuntime(loopCount: 1, upstream: upstream)
        let listener = try await RawPeer.listen { peer in
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            try await serve(peer, number)
        }
        do {
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            try await body(runtime, endpoint, count)
            await listener.close()
            await runtime.shutdown()
        } catch {
            await listener.close()
            await runtime.shutdown()
            throw error
        }
    }

    /// How many connections have ended for this reason, once the loop has done what it was told.
    static func ended(_ runtime: NetRuntime, _ reason: UpstreamEnd) async throws -> Int {
        try await runtime.run { try await $0.sleep(for: .milliseconds(1)) }
        return runtime.dialer.counters.ended(reason)
    }

    static func answerAll(_ peer: RawPeer, with text: String = UpstreamCareTests.answer) async throws {
        while true {
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(text)
        }
    }

    @Test func `the figures tell open, idle, dialled and reused connections apart`() async throws {
        try await Self.with(serve: { peer, _ in try await Self.answerAll(peer) }) { runtime, endpoint, _ in
            let counters = runtime.dialer.counters
            for _ in 0..<3 { _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) }
            #expect((counters.open, counters.idle, counters.dials, counters.reuses) == (1, 1, 1, 2))
            #expect(counters.dialNanoseconds > 0)
            #expect(counters.replaced == 0)
            try await runtime.run { transport in
                let bytes = ByteBuffer(string: "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
                let request = UpstreamRequest(
                    endpoint: endpoint,
                    bytes: bytes,
                    timeouts: Timeouts(),
                    deadline: .now() + .seconds(20)
                )
                let exchange = try await transport.open(request)
                #expect((counters.open, counters.idle) == (1, 0))
                // Not read to its end.
                exchange.abandon()
            }
            for _ in 0..<100 where counters.open > 0 { try await runtime.run { _ in } }
            #expect((counters.open, counters.idle) == (0, 0))
            #expect(counters.ended(.call) == 1)
        }
    }

    @Test func `an upstream that announces how long it keeps connections is believed`() async throws {
        let closed = Signal()
        try await Self.with(serve: { peer, _ in
            try await peer.read(until: "hi")
            try await peer.send("HTTP/1.1 200 OK\r\nkeep-alive: timeout=1, max=100\r\ncontent-length: 5\r\n\r\nhello")
            try await peer.readToEnd()
            closed.fire()
        }) { runtime, endpoint, _ in
            _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            // Without the announcement it would stay for 55 s, which is more than the peer waits.
            await closed.wait()
            #expect(try await Self.ended(runtime, .idle) == 1)
        }
    }

    static let announcements: [(String, Int64?)] = [
        ("timeout=5", 5), ("timeout=5, max=1000", 5), ("max=1000, timeout = 60", 60), ("Timeout=15", 15),
        ("timeout=0", 0), ("timeout=", nil), ("timeout=-3", nil), ("timeout=1e9", nil), ("timeout=99999999999", nil),
        ("max=3", nil), ("", nil), ("timeout", nil), (",,=", nil),
    ]

    @Test(arguments: announcements)
    func `the announcement is read for its seconds`(_ text: String, _ seconds: Int64?) {
        var text = text
        let found = text.withUTF8 { bytes in KeepAlive.timeout(UnsafeRawBufferPointer(bytes)[...]) }
        #expect(found == seconds)
    }

    @Test func `a 408 that nobody asked for ends an idle connection, and the next call gets another`() async throws {
        let closed = Signal()
        try await Self.with(serve: { peer, number in
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(Self.answer)
            guard number == 1 else { return try await Self.answerAll(peer) }
            try await peer.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            try await peer.readToEnd()
            closed.fire()
        }) { runtime, endpoint, connections in
            _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            await closed.wait()
            let second = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            #expect(second == (200, "hello", true))
            #expect(connections.withLockedValue { $0 } == 2)
            #expect(try await Self.ended(runtime, .upstream) == 1)
        }
    }

    @Test func `a 408 that crosses a request on a kept connection is not its answer`() async throws {
        let gone = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        try await Self.with(serve: { peer, number in
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(Self.answer)
            guard number == 1 else { return try await Self.answerAll(peer) }
            try await peer.read(until: "hi")
            try await peer.send(gone)
        }) { runtime, endpoint, connections in
            _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            let second = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            #expect(second == (200, "hello", true))
            #expect(connections.withLockedValue { $0 } == 2)
            #expect(runtime.dialer.counters.replaced == 1)
            #expect(runtime.dialer.counters.reuses == 0)
        }
        // On a new connection it is what the upstream has to say.
        try await Self.with(serve: { peer, _ in
            try await peer.read(until: "hi")
            try await peer.send(gone)
        }) { runtime, endpoint, connections in
            let answer = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            #expect(answer == (408, "", true))
            #expect(connections.withLockedValue { $0 } == 1)
        }
    }

    @Test func `a kept connection that breaks after a while of work is an ambiguous failure, row 84`() async throws {
        try await Self.with(serve: { peer, number in
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(Self.answer)
            guard number == 1 else { return try await Self.answerAll(peer) }
            try await peer.read(until: "hi")
            // Long enough that the request must have been worked on.
            try await peer.channel.eventLoop.scheduleTask(in: .milliseconds(1200)) {}.futureResult.get()
        }) { runtime, endpoint, connections in
            _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            do {
                _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
                Issue.record("the request must not be sent twice")
            } catch TransportError.closedBeforeHead {}
            #expect(connections.withLockedValue { $0 } == 1)
            #expect(runtime.dialer.counters.replaced == 0)
        }
    }

    @Test func `a connection that is too old takes no further call`() async throws {
        var options = UpstreamOptions()
        options.life = .nanoseconds(100)
        try await Self.with(options, serve: { peer, _ in try await Self.answerAll(peer) }) { runtime, endpoint, _ in
            for _ in 0..<3 {
                let answer = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
                #expect(answer.isFresh)
            }
            #expect(try await Self.ended(runtime, .life) == 3)
        }
    }

    @Test func `no more connections are kept than are allowed, and other rules hold from then on`() async throws {
        var options = UpstreamOptions()
        options.idleMax = 0
        try await Self.with(options, serve: { peer, _ in try await Self.answerAll(peer) }) { runtime, endpoint, _ in
            for _ in 0..<2 { _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) }
            #expect(try await Self.ended(runtime, .surplus) == 2)
            runtime.use(UpstreamOptions())
            for index in 0..<2 {
                let answer = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
                #expect(answer.isFresh == (index == 0))
            }
        }
    }

    @Test func `a connection whose request was answered before it was out is not used again`() async throws {
        try await Self.with(serve: { peer, _ in
            try await peer.read(until: "content-length")
            try await peer.stopReading()
            try await peer.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\n\r\nlarge")
            try await peer.channel.closeFuture.get()
        }) { runtime, endpoint, _ in
            let answer = try await Self.upload(runtime, endpoint, Timeouts())
            #expect(answer == "413 large")
            #expect(try await Self.ended(runtime, .call) == 1)
            #expect(runtime.dialer.counters.idle == 0)
        }
    }

    @Test func `an upstream that stops taking a large request runs into the idle clock`() async throws {
        try await Self.with(serve: { peer, _ in
            try await peer.read(until: "content-length")
            try await peer.stopReading()
            try await peer.channel.closeFuture.get()
        }) { runtime, endpoint, _ in
            var timeouts = Timeouts()
            timeouts.idle = .milliseconds(300)
            do {
                _ = try await Self.upload(runtime, endpoint, timeouts)
                Issue.record("the call must not succeed")
            } catch TransportError.timeout(let clock, let limit, let didSend) {
                #expect(clock == .idle)
                #expect(limit == .milliseconds(300))
                #expect(didSend)
            }
            #expect(runtime.dialer.counters.timeouts(.idle) == 1)
        }
    }

    /// Sends 64 MiB, which no socket takes at once.
    private static func upload(
        _ runtime: NetRuntime,
        _ endpoint: Endpoint,
        _ timeouts: Timeouts
    ) async throws -> String {
        try await runtime.run { transport in
            let body = ByteBuffer(repeating: 120, count: 64 << 20)
            let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.readableBytes)\r\n\r\n"
            var request = UpstreamRequest(
                endpoint: endpoint,
                bytes: ByteBuffer(string: head),
                timeouts: timeouts,
                deadline: .now() + .seconds(20)
            )
            request.rest = [body]
            let exchange = try await transport.open(request)
            defer { exchange.abandon() }
            var text = "\(exchange.head.status) "
            while let part = try await exchange.read() { text += String(buffer: part) }
            return text
        }
    }

    @Test func `nothing is sent, and nobody dialled, for a call that has no time left`() async throws {
        try await Self.with(serve: { peer, _ in try await Self.answerAll(peer) }) { runtime, endpoint, connections in
            var timeouts = Timeouts()
            timeouts.total = .milliseconds(700)
            for isKept in [false, true] {
                if isKept { _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) }
                do {
                    _ = try await UpstreamTests.call(
                        runtime,
                        port: 0,
                        timeouts: timeouts,
                        within: .nanoseconds(-1),
                        endpoint: endpoint
                    )
                    Issue.record("the call must not succeed")
                } catch TransportError.timeout(let clock, let limit, let didSend) {
                    #expect(clock == .total)
                    #expect(limit == .milliseconds(700))
                    #expect(!didSend)
                }
            }
            #expect(connections.withLockedValue { $0 } == 1)
            // The kept connection is still there for the next call.
            #expect(runtime.dialer.counters.idle == 1)
            #expect(runtime.dialer.counters.timeouts(.total) == 2)
        }
    }
}
