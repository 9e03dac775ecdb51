import Core
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Net
import TestKit
import Testing
import Transport

/// Names with many addresses, with dead ones, and with others than a moment ago.
@Suite struct AddressTests {
    private static func address(_ port: Int, host: String = "127.0.0.1") throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: port)
    }

    /// A place that takes no connection and refuses none: a listener that accepts nobody and whose queue is full.
    private static func withBlackHole(_ body: (_ port: Int) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 0)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        // One fits into the queue; whoever comes next waits for ever.
        let first = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(port))
        } catch {
            result = .failure(error)
        }
        try await first.close()
        try await listener.close()
        try result.get()
    }

    /// Whether so many connections are open once the loop has done what it was told.
    private static func settled(_ runtime: NetRuntime, open count: Int) async throws -> Bool {
        for _ in 0..<100 where runtime.dialer.counters.open != count { try await runtime.run { _ in } }
        return runtime.dialer.counters.open == count
    }

    @Test func `an address that leads nowhere costs a moment and not the connect clock, row 83`() async throws {
        try await Self.withBlackHole { hole in
            let live = NIOLockedValueBox(0)
            let resolver = Resolver { _, _ in
                try [Self.address(hole), Self.address(live.withLockedValue { $0 })]
            }
            try await UpstreamTests.with(resolver: resolver, { try await UpstreamCareTests.answerAll($0) }) {
                runtime,
                listener in
                live.withLockedValue { $0 = listener.port }
                let endpoint = try Endpoint(url: "http://two.example", allowPrivate: true)
                let answer = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
                #expect(answer.status == 200)
                // The attempt that led nowhere is over too.
                #expect(try await Self.settled(runtime, open: 1))
                #expect(runtime.dialer.counters.dials == 1)
            }
        }
    }

    /// Once with both addresses under way when the clock runs out, once with one that was not tried yet.
    @Test(arguments: [400, 100])
    func `with nothing but such addresses the connect clock says so, and nothing stays open`(
        _ milliseconds: Int64
    ) async throws {
        try await Self.withBlackHole { hole in
            let resolver = Resolver { _, _ in try [Self.address(hole), Self.address(hole)] }
            try await UpstreamTests.with(resolver: resolver, { _ in }) { runtime, _ in
                var timeouts = Timeouts()
                timeouts.connect = .milliseconds(milliseconds)
                let endpoint = try Endpoint(url: "http://two.example", allowPrivate: true)
                do {
                    _ = try await UpstreamTests.call(runtime, port: 0, timeouts: timeouts, endpoint: endpoint)
                    Issue.record("the call must not succeed")
                } catch TransportError.timeout(let clock, let limit, let didSend) {
                    #expect(clock == .connect)
                    #expect(limit == .milliseconds(milliseconds))
                    #expect(!didSend)
                }
                #expect(try await Self.settled(runtime, open: 0))
                #expect(runtime.dialer.counters.dialFailures == 1)
                #expect(runtime.dialer.counters.timeouts(.connect) == 1)
            }
        }
    }

    @Test func `whenever in a dial its clock runs out, nothing stays open`() async throws {
        try await Self.withBlackHole { hole in
            let resolver = Resolver { _, _ in try [Self.address(hole)] }
            try await UpstreamTests.with(resolver: resolver, { _ in }) { runtime, _ in
                let endpoint = try Endpoint(url: "http://hole.example", allowPrivate: true)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for count in 0..<200 {
                        group.addTask {
                            var timeouts = Timeouts()
                            timeouts.connect = .microseconds(Int64(count) * 100)
                            _ = try? await UpstreamTests.call(runtime, port: 0, timeouts: timeouts, endpoint: endpoint)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(runtime.dialer.counters.timeouts(.connect) == 200)
                #expect(try await Self.settled(runtime, open: 0))
            }
        }
    }

    @Test func `a caller that leaves while it is dialled leaves no connection behind`() async throws {
        try await Self.withBlackHole { hole in
            let asked = Signal()
            let resolver = Resolver { _, _ in
                asked.fire()
                return try [Self.address(hole), Self.address(hole)]
            }
            try await UpstreamTests.with(resolver: resolver, { _ in }) { runtime, _ in
                let endpoint = try Endpoint(url: "http://hole.example", allowPrivate: true)
                let call = Task { try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) }
                await asked.wait()
                while runtime.dialer.counters.open == 0 { await Task.yield() }
                call.cancel()
                await #expect(throws: CancellationError.self) { try await call.value }
                #expect(try await Self.settled(runtime, open: 0))
            }
        }
    }

    @Test func `the next address takes over at once where one refuses`() async throws {
        let live = NIOLockedValueBox((dead: 0, alive: 0))
        let resolver = Resolver { _, _ in
            let (dead, alive) = live.withLockedValue { $0 }
            return try [Self.address(dead), Self.address(dead), Self.address(alive)]
        }
        try await UpstreamTests.with(resolver: resolver, { try await UpstreamCareTests.answerAll($0) }) {
            runtime,
            listener in
            let gone = try await RawPeer.listen { _ in }
            let port = gone.port
            await gone.close()
            live.withLockedValue { $0 = (port, listener.port) }
            let endpoint = try Endpoint(url: "http://three.example", allowPrivate: true)
            #expect(try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint).status == 200)
        }
    }

    @Test func `the address that was checked is the one that is dialled, row 27`() async throws {
        let port = NIOLockedValueBox(0)
        let lookups = NIOLockedValueBox(0)
        // A second question would get another answer, as it does from one who rebinds a name.
        let resolver = Resolver(freshFor: .zero, usableFor: .zero) { _, _ in
            let isFirst = lookups.withLockedValue { count in
                count += 1
                return count == 1
            }
            return try [Self.address(isFirst ? port.withLockedValue { $0 } : 1)]
        }
        try await UpstreamTests.with(resolver: resolver, { try await UpstreamCareTests.answerAll($0) }) {
            runtime,
            listener in
            port.withLockedValue { $0 = listener.port }
            let endpoint = try Endpoint(url: "http://rebind.example", allowPrivate: true)
            #expect(try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint).status == 200)
            #expect(lookups.withLockedValue { $0 } == 1)
        }
    }

    @Test func `both kinds of addresses take turns, the first one's kind first`() throws {
        let six = try (1...3).map { try Self.address($0, host: "::1") }
        let four = try (1...2).map { try Self.address($0) }
        #expect(Dial.inTurns(six + four) == [six[0], four[0], six[1], four[1], six[2]])
        #expect(Dial.inTurns(four + six) == [four[0], six[0], four[1], six[1], six[2]])
        #expect(Dial.inTurns(four) == four)
        #expect(Dial.inTurns([]).isEmpty)
    }

    // MARK: Addresses that change

    @Test func `an address is gone after several answers without it, and not after one`() throws {
        let (old, new) = try (Self.address(1), Self.address(2))
        var memory = AddressMemory()
        memory.note(old)
        #expect(!memory.isGone(old))
        #expect(memory.isGone(new))
        for round in 1...AddressMemory.missesMax {
            memory.note(answer: [new])
            #expect(memory.round == round)
            #expect(!memory.isGone(new))
            #expect(memory.isGone(old) == (round == AddressMemory.missesMax))
        }
        // Names of many addresses show some of them at a time.
        for round in 0..<100 {
            memory.note(answer: [try Self.address(10 + round % AddressMemory.missesMax)])
            if round >= AddressMemory.missesMax {
                for port in 0..<AddressMemory.missesMax { #expect(!memory.isGone(try Self.address(10 + port))) }
            }
        }
    }

    @Test func `calls move to the addresses that a name has now`() async throws {
        let port = NIOLockedValueBox(0)
        let resolver = Resolver(freshFor: .zero, usableFor: .zero) { _, _ in
            try [Self.address(port.withLockedValue { $0 })]
        }
        let second = try await RawPeer.listen { peer in
            try await UpstreamCareTests.answerAll(peer, with: "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew")
        }
        let runtime = try await NetRuntime(
            loopCount: 1,
            dialer: Dialer(resolver: resolver),
            upstream: UpstreamOptions(resolveEvery: .zero)
        )
        let first = try await RawPeer.listen { try await UpstreamCareTests.answerAll($0) }
        port.withLockedValue { $0 = first.port }
        let endpoint = try Endpoint(url: "http://moving.example", allowPrivate: true)
        _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
        port.withLockedValue { $0 = second.port }
        var bodies: [String] = []
        while bodies.last != "new", bodies.count < 100_000 {
            bodies.append(try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint).body)
        }
        #expect(bodies.last == "new")
        // One answer without an address may be chance: the connection stays for a while.
        #expect(bodies.prefix(AddressMemory.missesMax - 1).allSatisfy { $0 == "hello" })
        #expect(try await UpstreamCareTests.ended(runtime, .address) == 1)
        await first.close()
        await second.close()
        await runtime.shutdown()
    }

    @Test func `a connection whose address went away while it was in use is not kept either`() async throws {
        let port = NIOLockedValueBox(0)
        let resolver = Resolver(freshFor: .zero, usableFor: .zero) { _, _ in
            try [Self.address(port.withLockedValue { $0 })]
        }
        let rest = Signal()
        let first = try await RawPeer.listen { peer in
            try await peer.read(until: "hi")
            try await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
            await rest.wait()
            try await peer.send("k")
            try await peer.readToEnd()
        }
        let second = try await RawPeer.listen { try await UpstreamCareTests.answerAll($0) }
        let runtime = try await NetRuntime(
            loopCount: 1,
            dialer: Dialer(resolver: resolver),
            upstream: UpstreamOptions(resolveEvery: .zero)
        )
        port.withLockedValue { $0 = first.port }
        let endpoint = try Endpoint(url: "http://moving.example", allowPrivate: true)
        let slow = Task { try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint).body }
        while runtime.dialer.counters.dials == 0 { await Task.yield() }
        port.withLockedValue { $0 = second.port }
        for _ in 0..<1000 { _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) }
        rest.fire()
        #expect(try await slow.value == "ok")
        #expect(try await UpstreamCareTests.ended(runtime, .address) == 1)
        #expect(runtime.dialer.counters.idle == 1)
        await first.close()
        await second.close()
        await runtime.shutdown()
    }

    @Test func `a resolver that fails takes no connection away`() async throws {
        let isDown = NIOLockedValueBox(false)
        let lookups = NIOLockedValueBox(0)
        let port = NIOLockedValueBox(0)
        let resolver = Resolver(freshFor: .zero, usableFor: .zero) { _, _ in
            lookups.withLockedValue { $0 += 1 }
            if isDown.withLockedValue({ $0 }) { throw ResolverError.noAddress }
            return try [Self.address(port.withLockedValue { $0 })]
        }
        let runtime = try await NetRuntime(
            loopCount: 1,
            dialer: Dialer(resolver: resolver),
            upstream: UpstreamOptions(resolveEvery: .zero)
        )
        let listener = try await RawPeer.listen { try await UpstreamCareTests.answerAll($0) }
        port.withLockedValue { $0 = listener.port }
        let endpoint = try Endpoint(url: "http://flaky.example", allowPrivate: true)
        _ = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
        isDown.withLockedValue { $0 = true }
        let before = lookups.withLockedValue { $0 }
        while lookups.withLockedValue({ $0 }) < before + 10 {
            let answer = try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint)
            #expect(answer == (200, "hello", false))
        }
        await listener.close()
        await runtime.shutdown()
    }

    @Test func `a name is asked for once, however many want to know it, row 116`() async throws {
        let lookups = NIOLockedValueBox(0)
        let port = NIOLockedValueBox(0)
        let release = Signal()
        let resolver = Resolver { _, _ in
            lookups.withLockedValue { $0 += 1 }
            for _ in 0..<2000 where release.count == 0 { Blocker.hold(milliseconds: 10) }
            return try [Self.address(port.withLockedValue { $0 })]
        }
        try await UpstreamTests.with(resolver: resolver, { try await UpstreamCareTests.answerAll($0) }) {
            runtime,
            listener in
            port.withLockedValue { $0 = listener.port }
            let endpoint = try Endpoint(url: "http://slow.example", allowPrivate: true)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint).status }
                }
                while lookups.withLockedValue({ $0 }) == 0 { await Task.yield() }
                release.fire()
                for try await status in group { #expect(status == 200) }
            }
            #expect(lookups.withLockedValue { $0 } == 1)
        }
    }

    @Test func `an answer of the last minute is used while the resolver hangs, row 116`() async throws {
        let port = NIOLockedValueBox(0)
        let lookups = NIOLockedValueBox(0)
        let release = Signal()
        let resolver = Resolver(freshFor: .zero) { _, _ in
            let isFirst = lookups.withLockedValue { count in
                count += 1
                return count == 1
            }
            if !isFirst { for _ in 0..<2000 where release.count == 0 { Blocker.hold(milliseconds: 10) } }
            return try [Self.address(port.withLockedValue { $0 })]
        }
        try await UpstreamTests.with(
            resolver: resolver,
            { peer in
                try await peer.read(until: "hi")
                try await peer.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
            }
        ) { runtime, listener in
            port.withLockedValue { $0 = listener.port }
            let endpoint = try Endpoint(url: "http://hanging.example", allowPrivate: true)
            for _ in 0..<3 {
                #expect(try await UpstreamTests.call(runtime, port: 0, endpoint: endpoint) == (200, "ok", true))
            }
            while lookups.withLockedValue({ $0 }) < 2 { await Task.yield() }
            release.fire()
        }
    }
}
