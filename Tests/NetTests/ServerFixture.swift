import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Transport
import Wire

/// A server on a free port of this machine, with one handler, for the length of a test.
struct ServerFixture {
    let runtime: NetRuntime
    let server: HTTPServer
    let load: ServerLoad
    let port: Int

    static func with<Result>(
        loops: Int = 1,
        limits: ServerLoad.Limits = .init(connectionsMax: 1000),
        options: ServerOptions = ServerOptions(),
        handler: @escaping @Sendable (any ServerExchange) async -> Void,
        _ body: (ServerFixture) async throws -> Result
    ) async throws -> Result {
        let load = ServerLoad(limits: limits)
        let runtime = try await NetRuntime(loopCount: loops, load: load)
        let server = HTTPServer(runtime: runtime, handler: ScriptedHandler(handler), options: options, load: load)
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        let fixture = ServerFixture(runtime: runtime, server: server, load: load, port: address?.port ?? 0)
        do {
            let result = try await body(fixture)
            server.hurry()
            await server.drain(within: .zero)
            await runtime.shutdown()
            return result
        } catch {
            server.hurry()
            await server.drain(within: .zero)
            await runtime.shutdown()
            throw error
        }
    }
}

extension ServerFixture {
    /// Waits until `condition` holds, for 20 s at most: what the server does behind an answer, it may do after its
    /// client has the answer.
    ///
    /// - Returns: Whether it holds.
    func comesTrue(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<2000 {
            if condition() { return true }
            try await self.runtime.run { try await $0.sleep(for: .milliseconds(10)) }
        }
        return condition()
    }
}

/// Answers with the request's method, target and body.
@Sendable func echo(_ exchange: any ServerExchange) async {
    do {
        let body = try await exchange.readBody(limit: 1 << 20)
        var answer = ByteBuffer()
        for range in [exchange.head.methodRange, exchange.head.targetRange] {
            let length = Int(range.end - range.start)
            answer.writeImmutableBuffer(
                exchange.headBytes.getSlice(at: Int(range.start), length: length) ?? ByteBuffer()
            )
            answer.writeString(" ")
        }
        answer.writeImmutableBuffer(body)
        try await exchange.answer(200, answer)
    } catch let fault as RequestFault {
        try? await exchange.answer(status(of: fault), ByteBuffer(string: "\(fault)"))
    } catch {}
}

func status(of fault: RequestFault) -> Int {
    switch fault {
    case .malformed: 400
    case .headTooLarge: 431
    case .bodyTooLarge: 413
    case .timeout: 408
    case .unsupported: 417
    case .overloaded: 503
    }
}

extension ServerExchange {
    /// The whole answer at once.
    func answer(_ status: Int, _ body: ByteBuffer) async throws {
        self.begin(status: status, fields: ByteBuffer(), body: .length(body.readableBytes))
        self.write(body)
        try await self.finish()
    }
}

/// Something a handler tells its test.
final class Signal: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = NIOLockedValueBox(State())

    var count: Int { self.state.withLockedValue { $0.count } }

    func fire() {
        let ready = self.state.withLockedValue { state in
            state.count += 1
            let ready = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Waits until it was fired `count` times.
    func wait(for count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReady = self.state.withLockedValue { state in
                if state.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}
