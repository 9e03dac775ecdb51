import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS

/// A provider that is not there: answers OpenAI, OpenRouter and Azure calls from memory, misbehaves on request, and
/// keeps a record of all it saw and sent.
///
/// ```swift
/// let simulator = try await SimulatorServer.start(options)
/// defer { try await simulator.stop() }
/// let answer = try await client.chat(base: simulator.baseURL + "/v1", model: "sim?chunks=10")
/// ```
package final class SimulatorServer: Sendable {
    private let service: CallService
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let isTLS: Bool
    private let host: String

    /// The port it listens on.
    package let port: Int

    /// Where it is, without a path: OpenAI's API is under `/v1`, OpenRouter's under `/api/v1`.
    package var baseURL: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "\(self.isTLS ? "https" : "http")://\(host):\(self.port)"
    }

    private init(
        service: CallService,
        group: MultiThreadedEventLoopGroup,
        listener: any Channel,
        isTLS: Bool,
        host: String
    ) {
        self.service = service
        self.group = group
        self.listener = listener
        self.isTLS = isTLS
        self.host = host
        self.port = listener.localAddress?.port ?? 0
    }

    /// Starts listening.
    ///
    /// `stop()` must be called when done.
    ///
    /// - Throws: an `IOError` if the address cannot be taken, a `NIOSSLError` if the certificate cannot be read.
    package static func start(_ options: SimulatorOptions) async throws -> SimulatorServer {
        let service = CallService(options: options)
        let tls = try options.tls.map { try Self.context($0) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, options.threads))
        do {
            let listener = try await Self.bootstrap(service, group: group, tls: tls)
                .bind(host: options.host, port: options.port).get()
            return SimulatorServer(
                service: service,
                group: group,
                listener: listener,
                isTLS: tls != nil,
                host: options.host
            )
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    /// Stops listening and closes all connections.
    ///
    /// Must be called once.
    package func stop() async throws {
        try? await self.listener.close()
        try await self.group.shutdownGracefully()
    }

    // MARK: - The record

    /// The latest calls, oldest first, running ones included.
    package func record() -> [RecordedCall] { self.service.recorder.calls }

    /// Forgets all calls, running ones too.
    package func clearRecord() { self.service.recorder.clear() }

    /// How many connections were accepted since the start.
    package var acceptedConnections: Int { self.service.recorder.connections.accepted }

    /// How many connections are open now.
    package var openConnections: Int { self.service.recorder.connections.open }

    // MARK: - Faults

    /// Adds scripted faults behind those that are there.
    ///
    /// - Throws: `ScriptError` if an entry makes no sense; nothing is added then.
    package func script(_ entries: [ScriptEntry]) throws(ScriptError) { try self.service.script.add(entries) }

    /// Adds the faults of a script in JSON, the same as `POST /sim/script` takes.
    ///
    /// - Throws: `ScriptError` if it is not JSON or makes no sense; nothing is added then.
    package func script(json: String) throws(ScriptError) {
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(json)
        } catch {
            throw ScriptError(description: "The script is no JSON: \(error.message).")
        }
        try self.service.script.add(try FaultScript.entries(in: value))
    }

    /// Removes all scripted faults.
    package func clearScript() { self.service.script.clear() }

    // MARK: - Connections

    private static func context(_ tls: SimulatorOptions.TLS) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(tls.certificateFile).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(file: tls.keyFile, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private static func bootstrap(
        _ service: CallService,
        group: MultiThreadedEventLoopGroup,
        tls: NIOSSLContext?
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Over TLS a side that ends has ended both ways, and waiting for more would only delay the end.
            .childChannelOption(.allowRemoteHalfClosure, value: tls == nil)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 64 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.initialize(channel, service: service, tls: tls) }
            }
    }

    private static func initialize(_ channel: any Channel, service: CallService, tls: NIOSSLContext?) throws {
        let accepted = service.options.clocks.monotonic()
        let number = service.recorder.connectionOpened()
        channel.closeFuture.whenComplete { _ in service.recorder.connectionClosed() }
        if let action = service.onAccept(connection: number, at: accepted) {
            switch action {
            case .close: channel.close(promise: nil)
            case .reset: ConnectionCut.reset(channel)
            case .stall: try channel.pipeline.syncOperations.addHandler(SilentHandler())
            }
            return
        }
        guard let tls else {
            let handler = ConnectionHandler(
                service: service,
                number: number,
                isTLS: false,
                serverName: nil,
                accepted: accepted
            )
            try Self.addHTTP(channel, handler)
            return
        }
        let sniffer = SNIHandler { result in
            channel.eventLoop.makeCompletedFuture {
                var name: String?
                if case .hostname(let asked) = result { name = asked }
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                let handler = ConnectionHandler(
                    service: service,
                    number: number,
                    isTLS: true,
                    serverName: name,
                    accepted: accepted
                )
                try Self.addHTTP(channel, handler)
            }
        }
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(sniffer))
    }

    private static func addHTTP(_ channel: any Channel, _ handler: ConnectionHandler) throws {
        try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)),
            handler,
        ])
    }
}

/// Takes what comes and never says a word, until the client leaves.
private final class SilentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }
}
