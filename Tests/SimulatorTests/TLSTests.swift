import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Simulator

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite(.timeLimit(.minutes(2))) struct TLSTests {
    private static let fixtures = #filePath.replacing("SimulatorTests/TLSTests.swift", with: "Fixtures/tls")

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<String>
        private var text = ""

        init(promise: EventLoopPromise<String>) {
            self.promise = promise
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.text += String(buffer: self.unwrapInboundIn(data))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // A peer that closes without saying so is the point of some of these tests.
            self.promise.succeed(self.text)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { self.promise.succeed(self.text) }
    }

    private func connect(_ bench: Bench) async throws -> (channel: any Channel, answer: EventLoopFuture<String>) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: String.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLClientHandler(context: context, serverHostname: "provider.example"),
                        Answer(promise: promise),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: bench.simulator.port).get()
        return (channel, promise.futureResult)
    }

    private func ask(_ bench: Bench, _ model: String) async throws -> String {
        let (channel, answer) = try await self.connect(bench)
        let request = Bench.chat(model, stream: true, headers: "Connection: close\r\n")
        try await channel.writeAndFlush(ByteBuffer(string: request))
        return try await answer.get()
    }

    @Test func `over TLS the record names the server that was asked for, and cuts are cuts`() async throws {
        let certificate = "\(Self.fixtures)/localhost.pem"
        let key = "\(Self.fixtures)/localhost.key"
        try await Bench.with {
            $0.tls = .init(certificateFile: certificate, keyFile: key)
        } _: { bench in
            #expect(bench.simulator.baseURL.hasPrefix("https://127.0.0.1:"))
            let whole = try await self.ask(bench, "sim?text=secret%20words")
            #expect(whole.contains("[DONE]"))
            let call = try await bench.nextEnded()
            #expect(call.serverName == "provider.example")
            #expect(call.ending == .completed)
            for cut in ["close", "reset"] {
                let part = try await self.ask(bench, "sim?cut_after_events=2&cut=\(cut)")
                #expect(part.ranges(of: "data: ").count == 2)
                #expect(try await bench.nextEnded().ending == .cut)
            }
        }
    }

    @Test func `a client that leaves over TLS is noticed, whether it says goodbye or not`() async throws {
        let certificate = "\(Self.fixtures)/localhost.pem"
        let key = "\(Self.fixtures)/localhost.key"
        try await Bench.with {
            $0.tls = .init(certificateFile: certificate, keyFile: key)
        } _: { bench in
            for leaving in [RecordedCall.Ending.clientClosed, .clientReset] {
                let (channel, _) = try await self.connect(bench)
                let request = Bench.chat("sim?stall_before_head=1", stream: true)
                try await channel.writeAndFlush(ByteBuffer(string: request))
                while bench.simulator.record().last?.bodyCompleteNanoseconds ?? 0 == 0 { await Task.yield() }
                if leaving == .clientClosed {
                    // The simulator answers the goodbye; that this side waits for it is no part of the test.
                    channel.close(promise: nil)
                } else {
                    try await channel.eventLoop.submit {
                        // Beneath TLS, so without goodbye.
                        let tls = try channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
                        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                            .assumeIsolated().whenComplete { _ in tls.close(promise: nil) }
                    }.get()
                }
                #expect(try await bench.nextEnded().ending == leaving)
                bench.simulator.clearRecord()
            }
        }
    }

    @Test func `a certificate that is not there is an error at the start`() async throws {
        await #expect(throws: (any Error).self) {
            try await Bench.with {
                $0.tls = .init(certificateFile: "/nowhere", keyFile: "/nowhere")
            } _: { _ in
            }
        }
    }
}
