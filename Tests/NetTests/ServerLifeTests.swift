import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport

/// What happens when clients are slow, leave, or the server has to stop.
@Suite struct ServerLifeTests {
    private let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test func `a head that drips in is cut at its total deadline, row 5`() async throws {
        var options = ServerOptions()
        options.headTimeout = .milliseconds(300)
        try await ServerFixture.with(options: options, handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            for byte in "GET / HTTP/1.1\r\nhost: a-name-that-is-far-too-long-to-arrive-in-time.example\r\n" {
                try? await client.send(String(byte))
                if client.isClosed { break }
                try await fixture.runtime.run { try await $0.sleep(for: .milliseconds(10)) }
            }
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test func `a body that drips in is cut, row 6`() async throws {
        var options = ServerOptions()
        options.bodyGrace = .milliseconds(200)
        try await ServerFixture.with(options: options, handler: echo) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test func `an idle connection is closed, row 7`() async throws {
        var options = ServerOptions()
        options.idleTimeout = .seconds(3)
        try await ServerFixture.with(options: options, handler: echo) { fixture in
            let silent = try await RawPeer.connect(port: fixture.port)
            let used = try await RawPeer.connect(port: fixture.port)
            try await used.send(self.get)
            #expect(try await silent.readToEnd().isEmpty)
            #expect(try await used.readToEnd().contains("200 OK"))
        }
    }

    enum Leaving: CaseIterable { case fin, reset }
    enum Moment: CaseIterable { case beforeTheAnswer, insideTheBody, insideTheStream }

    @Test(arguments: Leaving.allCases, Moment.allCases)
    func `a client that leaves cancels what is done for it, row 91`(_ leaving: Leaving, _ moment: Moment) async throws {
        let started = Signal()
        let cancelled = Signal()
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            do {
                switch moment {
                case .beforeTheAnswer:
                    started.fire()
                    try await exchange.transport.sleep(for: .hours(1))
                case .insideTheBody:
                    started.fire()
                    _ = try await exchange.readBody(limit: 1 << 20)
                case .insideTheStream:
                    exchange.begin(status: 200, fields: ByteBuffer(), body: .stream)
                    exchange.write(ByteBuffer(string: "x"))
                    try await exchange.flush()
                    started.fire()
                    try await exchange.transport.sleep(for: .hours(1))
                }
            } catch is CancellationError {
                cancelled.fire()
            } catch {}
        }
        try await ServerFixture.with(handler: handler) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
            await started.wait()
            if leaving == .fin { await client.close() } else { try await client.reset() }
            await cancelled.wait()
            #expect(cancelled.count == 1)
        }
    }

    @Test func `a client that half-closes gets its answer where that is allowed`() async throws {
        var options = ServerOptions()
        options.allowsHalfClose = true
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            try? await exchange.transport.sleep(for: .milliseconds(100))
            try? await exchange.answer(200, ByteBuffer(string: "late"))
        }
        try await ServerFixture.with(options: options, handler: handler) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(self.get)
            try await client.closeOutput()
            #expect(try await client.readToEnd().hasSuffix("late"))
        }
    }

    @Test func `a client that does not read stops the writer at its byte credit, row 92`() async throws {
        let written = NIOLockedValueBox(0)
        let cancelled = Signal()
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            exchange.begin(status: 200, fields: ByteBuffer(), body: .stream)
            let part = ByteBuffer(repeating: 120, count: 16 << 10)
            do {
                while true {
                    exchange.write(part)
                    try await exchange.flush()
                    written.withLockedValue { $0 += part.readableBytes }
                }
            } catch { cancelled.fire() }
        }
        var options = ServerOptions()
        options.writeStallTimeout = .milliseconds(500)
        try await ServerFixture.with(options: options, handler: handler) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.stopReading()
            try await client.send(self.get)
            await cancelled.wait()
            // What the kernel's socket buffers take is not ours; beyond it there may be one credit and a part.
            #expect(written.withLockedValue { $0 } < 16 << 20)
            await client.close()
        }
    }

    @Test func `a slow reader gets everything`() async throws {
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            exchange.begin(status: 200, fields: ByteBuffer(), body: .length(8 << 20))
            for _ in 0..<128 {
                exchange.write(ByteBuffer(repeating: 120, count: 64 << 10))
                guard (try? await exchange.flush()) != nil else { return }
            }
            try? await exchange.finish()
        }
        try await ServerFixture.with(handler: handler) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(self.get)
            try await client.read(count: 1)
            try await client.stopReading()
            try await fixture.runtime.run { try await $0.sleep(for: .milliseconds(200)) }
            try await client.startReading()
            try await client.read(count: 8 << 20)
            #expect(client.text.utf8.count > 8 << 20)
            await client.close()
        }
    }

    @Test func `draining lets an answer finish and takes nothing new, row 96`() async throws {
        let started = Signal()
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            exchange.begin(status: 200, fields: ByteBuffer(), body: .stream)
            exchange.write(ByteBuffer(string: "begun "))
            try? await exchange.flush()
            started.fire()
            try? await exchange.transport.sleep(for: .milliseconds(300))
            exchange.write(ByteBuffer(string: "done"))
            try? await exchange.finish()
        }
        try await ServerFixture.with(handler: handler) { fixture in
            let idle = try await RawPeer.connect(port: fixture.port)
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(self.get)
            await started.wait()
            let cut = await fixture.server.drain(within: .seconds(10))
            #expect(cut == 0)
            #expect(try await client.readToEnd().contains("done"))
            #expect(try await idle.readToEnd().isEmpty)
            await #expect(throws: (any Error).self) { try await RawPeer.connect(port: fixture.port) }
        }
    }

    @Test func `what does not finish in the drain time is told to hurry and may say so, row 96`() async throws {
        let started = Signal()
        let handler: @Sendable (any ServerExchange) async -> Void = { exchange in
            exchange.begin(status: 200, fields: ByteBuffer(), body: .stream)
            started.fire()
            do {
                try await exchange.transport.sleep(for: .hours(1))
            } catch {
                exchange.write(ByteBuffer(string: "the server is shutting down"))
                try? await exchange.finish()
            }
        }
        try await ServerFixture.with(handler: handler) { fixture in
            let client = try await RawPeer.connect(port: fixture.port)
            try await client.send(self.get)
            await started.wait()
            let cut = await fixture.server.drain(within: .milliseconds(50))
            #expect(cut == 1)
            #expect(try await client.readToEnd().contains("shutting down"))
        }
    }

    @Test func `connections, tasks and buffers are back to nothing after churn, row 14`() async throws {
        try await ServerFixture.with(loops: 2, handler: echo) { fixture in
            for _ in 0..<20 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<20 {
                        group.addTask {
                            let client = try await RawPeer.connect(port: fixture.port)
                            try await client.send(self.get)
                            if index.isMultiple(of: 3) {
                                try await client.reset()
                            } else {
                                try await client.read(until: "GET /")
                                await client.close()
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            for _ in 0..<400 where fixture.load.connections > 0 {
                try await fixture.runtime.run { try await $0.sleep(for: .milliseconds(10)) }
            }
            #expect(fixture.load.connections == 0)
            #expect(fixture.load.bodyBytesInFlight == 0)
        }
    }
}

/// Row 95: shedding follows a loop that stays late, not one that paused once.
@Suite struct ServerLoadTests {
    @Test func `one long pause does not shed, a loop that stays late does, and it ends by itself`() async throws {
        let load = ServerLoad(
            limits: .init(connectionsMax: 10, lagMax: .milliseconds(100), lagHold: .milliseconds(500))
        )
        let runtime = try await NetRuntime(loopCount: 1, load: load)
        let blocking = NIOLockedValueBox(0)
        runtime.every(.milliseconds(1)) { _ in
            let isBlocking = blocking.withLockedValue { count in
                count -= 1
                return count >= 0
            }
            if isBlocking { Blocker.hold(milliseconds: 250) }
        }
        let rest: @Sendable (any LoopTransport) async throws -> Void = { try await $0.sleep(for: .milliseconds(50)) }
        blocking.withLockedValue { $0 = 1 }
        for _ in 0..<5 { try await runtime.run(rest) }
        #expect(load.retryAfter() == nil)
        blocking.withLockedValue { $0 = 1000 }
        var sheds = false
        for _ in 0..<100 where !sheds {
            try await runtime.run(rest)
            sheds = load.retryAfter() != nil
        }
        blocking.withLockedValue { $0 = 0 }
        #expect(sheds)
        for _ in 0..<100 where load.retryAfter() != nil {
            try await runtime.run { try await $0.sleep(for: .milliseconds(50)) }
        }
        #expect(load.retryAfter() == nil)
        await runtime.shutdown()
    }
}
