import Core
import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// Bodies that go from a client to a provider while they come in, over real sockets.
@Suite struct UploadTests {
    static let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

    /// What became of an upload, as its handler saw it.
    final class Outcome: Sendable {
        private let errors = NIOLockedValueBox<[String]>([])
        let isOver = Signal()
        let isOpen = Signal()

        /// Called when the handler is done and its connection does not yet read what is left.
        let atEnd = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)

        var error: String? { self.errors.withLockedValue { $0.last } }
        func note(_ error: (any Error)?) {
            self.errors.withLockedValue { $0.append(error.map { "\($0)" } ?? "none") }
            self.atEnd.withLockedValue { $0 }?()
            self.isOver.fire()
        }
    }

    /// A gateway in miniature: every request's body goes to the provider, and the provider's answer comes back.
    static func with<Result>(
        limit: Int = 1 << 30,
        options: ServerOptions = ServerOptions(),
        timeouts: Timeouts = Timeouts(),
        provider: @escaping @Sendable (RawPeer) async throws -> Void,
        _ body: (ServerFixture, RawListener, Outcome) async throws -> Result
    ) async throws -> Result {
        let listener = try await RawPeer.listen(provider)
        let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
        let outcome = Outcome()
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            do {
                let source = try exchange.takePieces(limit: limit, held: 0)
                let framing = source.length.map { "content-length: \($0)" } ?? "transfer-encoding: chunked"
                var request = UpstreamRequest(
                    endpoint: endpoint,
                    bytes: ByteBuffer(string: "POST / HTTP/1.1\r\nhost: x\r\n\(framing)\r\n\r\n"),
                    timeouts: timeouts,
                    deadline: .now() + .seconds(60)
                )
                request.upload = source
                let upstream = try await exchange.transport.open(request)
                defer { upstream.abandon() }
                outcome.isOpen.fire()
                var answer = ByteBuffer()
                while let bytes = try await upstream.read() { answer.writeImmutableBuffer(bytes) }
                try await exchange.answer(upstream.head.status, answer)
                outcome.note(nil)
            } catch let fault as RequestFault {
                try? await exchange.answer(status(of: fault), ByteBuffer(string: "\(fault)"))
                outcome.note(fault)
            } catch {
                try? await exchange.answer(502, ByteBuffer(string: "\(error)"))
                outcome.note(error)
            }
        }
        return try await ServerFixture.with(options: options, handler: handler) { fixture in
            do {
                let result = try await body(fixture, listener, outcome)
                await listener.close()
                return result
            } catch {
                await listener.close()
                throw error
            }
        }
    }

    static func head(length: Int) -> String { "POST /u HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n\r\n" }
    static let chunkedHead = "POST /u HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    @Test func `a body with a length arrives whole and with that length, and both connections go on`() async throws {
        let requests = NIOLockedValueBox<[String]>([])
        try await Self.with(provider: { peer in
            for _ in 0..<2 {
                let text = try await peer.read(until: "tail")
                requests.withLockedValue { $0.append(text) }
                peer.clear()
                try await peer.send(Self.answer)
            }
            try await peer.readToEnd()
        }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            for _ in 0..<2 {
                try await client.send(Self.head(length: 10))
                for part in ["bo", "dy", "--", "tail"] { try await client.send(part) }
                #expect(try await client.read(until: "hello").hasPrefix("HTTP/1.1 200"))
                client.clear()
            }
            await client.close()
        }
        let seen = requests.withLockedValue { $0 }
        #expect(seen.allSatisfy { $0.contains("content-length: 10\r\n") && $0.hasSuffix("\r\n\r\nbody--tail") })
    }

    @Test func `a chunked body arrives chunked, and the request behind it is not part of it`() async throws {
        let request = NIOLockedValueBox("")
        try await Self.with(provider: { peer in
            for _ in 0..<2 {
                let text = try await peer.read(until: "0\r\n\r\n")
                request.withLockedValue { if $0.isEmpty { $0 = text } }
                peer.clear()
                try await peer.send(Self.answer)
            }
            try await peer.readToEnd()
        }) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            let chunks = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: v\r\n\r\n"
            try await client.send(Self.chunkedHead + chunks + Self.head(length: 0))
            try await client.read(until: "hello")
            await outcome.isOver.wait(for: 2)
            await client.close()
        }
        // Its payload, in chunks of our own; no extension and no trailer passes.
        #expect(request.withLockedValue { $0 }.hasSuffix("transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"))
    }

    @Test func `a body that ends with its head is sent at once`() async throws {
        try await Self.with(provider: { peer in
            try await peer.read(until: "content-length: 0\r\n\r\n")
            try await peer.send(Self.answer)
            try await peer.readToEnd()
        }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 0))
            try await client.read(until: "hello")
            await client.close()
        }
    }

    @Test func `a length over the limit is refused before anything is dialled, row 19`() async throws {
        let dials = Signal()
        try await Self.with(limit: 1000, provider: { _ in dials.fire() }) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 1001))
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 413"))
            #expect(outcome.error == "bodyTooLarge(limit: 1000)")
            #expect(dials.count == 0)
        }
    }

    @Test func `a chunked body that passes the limit ends there, and never looks whole, row 19`() async throws {
        let seen = NIOLockedValueBox("")
        let isClosed = Signal()
        try await Self.with(
            limit: 1000,
            provider: { peer in
                let text = try await peer.readToEnd()
                seen.withLockedValue { $0 = text }
                isClosed.fire()
            }
        ) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            let chunk = "1f4\r\n\(String(repeating: "x", count: 500))\r\n"
            try await client.send(Self.chunkedHead + chunk + chunk)
            try await client.send(chunk)
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 413"))
            #expect(outcome.error == "bodyTooLarge(limit: 1000)")
            await isClosed.wait()
        }
        #expect(!seen.withLockedValue { $0 }.contains("0\r\n\r\n"))
    }

    @Test func `a client that sends too slowly is told so, and the provider is let go, row 6`() async throws {
        var options = ServerOptions()
        options.bodyGrace = .milliseconds(200)
        let isClosed = Signal()
        try await Self.with(
            options: options,
            provider: { peer in
                try await peer.readToEnd()
                isClosed.fire()
            }
        ) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 100_000) + "x")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408"))
            #expect(outcome.error?.contains("slower than 1 KiB") == true)
            await isClosed.wait()
        }
    }

    @Test func `a provider that takes nothing holds the client back, and its clock runs, row 90`() async throws {
        var timeouts = Timeouts()
        timeouts.idle = .seconds(2)
        // The gateway waits for the provider all the time, so the client's own clock must not run.
        var options = ServerOptions()
        options.bodyGrace = .milliseconds(100)
        let isStopped = Signal()
        try await Self.with(
            options: options,
            timeouts: timeouts,
            provider: { peer in
                try await peer.stopReading()
                isStopped.fire()
                try await peer.readToEnd()
            }
        ) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            let size = 64 << 20
            let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
            // So much at once that the client cannot be too slow while it waits for its provider to stop.
            try await client.send(Self.head(length: size))
            try await client.send(piece)
            await isStopped.wait()
            let written = NIOLockedValueBox(0)
            let taken = NIOLockedValueBox(Int.max)
            outcome.atEnd.withLockedValue { $0 = { taken.withLockedValue { $0 = written.withLockedValue { $0 } } } }
            for _ in 1..<64 {
                client.channel.writeAndFlush(piece).whenSuccess { written.withLockedValue { $0 += 1 << 20 } }
            }
            await outcome.isOver.wait()
            #expect(outcome.error?.hasPrefix("timeout(") == true)
            #expect(outcome.error?.contains("idle") == true)
            // What fits into the buffers of two sockets, and no more.
            #expect(taken.withLockedValue { $0 } < size / 2)
            await client.close()
        }
    }

    @Test func `an answer that comes before the whole body is passed on, and neither connection is used again`()
        async throws
    {
        let connections = Signal()
        let isClosed = Signal()
        try await Self.with(provider: { peer in
            connections.fire()
            try await peer.read(until: "begin")
            try await peer.send("HTTP/1.1 422 Unprocessable\r\ncontent-length: 2\r\n\r\nno")
            try await peer.readToEnd()
            isClosed.fire()
        }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 1_000_000) + "begin")
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 422"))
            #expect(answer.contains("connection: close\r\n"))
            #expect(answer.hasSuffix("no"))
            await isClosed.wait()
            #expect(connections.count == 1)
        }
    }

    @Test func `a provider that answers early and closes has its answer told, not a broken pipe`() async throws {
        try await Self.with(provider: { peer in
            try await peer.read(until: "begin")
            try await peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
        }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 50 << 20) + "begin")
            let piece = ByteBuffer(repeating: 0x61, count: 64 << 10)
            for _ in 0..<800 { client.channel.writeAndFlush(piece, promise: nil) }
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func `a provider may answer all along, and gets the rest of the body meanwhile`() async throws {
        try await Self.with(provider: { peer in
            try await peer.read(until: "first")
            try await peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            try await peer.read(until: "second")
            try await peer.send("5\r\nhello\r\n0\r\n\r\n")
            try await peer.readToEnd()
        }) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: 11) + "first")
            await outcome.isOpen.wait()
            try await client.send("second")
            #expect(try await client.read(until: "hello").hasPrefix("HTTP/1.1 200"))
            await client.close()
        }
    }

    @Test(arguments: [false, true])
    func `a client that leaves in the middle ends the upload at once, rows 50 and 93`(_ resets: Bool) async throws {
        let seen = NIOLockedValueBox("")
        let isClosed = Signal()
        let hasBegun = Signal()
        try await Self.with(provider: { peer in
            try await peer.read(until: "abc")
            hasBegun.fire()
            let text = try await peer.readToEnd()
            seen.withLockedValue { $0 = text }
            isClosed.fire()
        }) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.chunkedHead + "3\r\nabc\r\n")
            await hasBegun.wait()
            if resets { try await client.reset() } else { await client.close() }
            await isClosed.wait()
            await outcome.isOver.wait()
            #expect(outcome.error == "CancellationError()")
        }
        #expect(!seen.withLockedValue { $0 }.contains("0\r\n\r\n"))
    }

    @Test func `a client that waits for 100 gets it once the provider is there, row 10`() async throws {
        try await Self.with(provider: { peer in
            try await peer.read(until: "ok")
            try await peer.send(Self.answer)
            try await peer.readToEnd()
        }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("POST /e HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
            try await client.read(until: "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("ok")
            try await client.read(until: "hello")
            #expect(client.text.ranges(of: "100 Continue").count == 1)
            await client.close()
        }
    }

    @Test func `broken chunks end the upload with a 400`() async throws {
        try await Self.with(provider: { peer in try await peer.readToEnd() }) { fixture, _, _ in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.chunkedHead + "3\r\nabc\r\nzz\r\n")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test func `a hundred megabytes go through, and are never held, row 20`() async throws {
        let size = 100 << 20
        let taken = NIOLockedValueBox(0)
        try await Self.with(provider: { peer in
            let head = try await peer.read(until: "\r\n\r\n")
            peer.clear()
            var count = head.firstRange(of: "\r\n\r\n").map { head[$0.upperBound...].utf8.count } ?? 0
            while count < size {
                try await peer.read(count: 1)
                count += peer.takeCount()
                let sum = count
                taken.withLockedValue { $0 = sum }
            }
            try await peer.send(Self.answer)
            try await peer.readToEnd()
        }) { fixture, _, outcome in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(Self.head(length: size))
            let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
            var behind = 0
            for sent in 1...100 {
                try await client.send(piece)
                behind = max(behind, sent << 20 - taken.withLockedValue { $0 })
            }
            try await client.read(until: "hello")
            await outcome.isOver.wait()
            // What is between the two ends is in the buffers of four sockets.
            #expect(behind < size / 2)
            #expect(fixture.load.bodyBytesInFlight == 0)
            await client.close()
        }
        #expect(taken.withLockedValue { $0 } == size)
    }

    /// One upload over a loop of its own.
    static func call(_ runtime: NetRuntime, _ endpoint: Endpoint, canRewind: Bool) async throws -> Bool {
        try await runtime.run { transport in
            var request = UpstreamRequest(
                endpoint: endpoint,
                bytes: ByteBuffer(string: "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n"),
                timeouts: Timeouts(),
                deadline: .now() + .seconds(20)
            )
            request.upload = ScriptedBody([ByteBuffer(string: "hi")], canRewind: canRewind)
            let exchange = try await transport.open(request)
            defer { exchange.abandon() }
            while try await exchange.read() != nil {}
            return exchange.isFreshConnection
        }
    }
}
