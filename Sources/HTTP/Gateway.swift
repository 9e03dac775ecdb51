internal import Auth
internal import Chat
internal import Core
internal import Logging
internal import NIOConcurrencyHelpers
package import NIOCore
package import Pipeline
package import Providers
package import Telemetry
package import Transport
internal import Wire

/// What the gateway is told about its surroundings.
package struct GatewayOptions: Sendable {
    package var version: String
    /// Where clients reach this gateway, without a trailing slash: `http://127.0.0.1:8080`.
    package var publicURL: String
    /// Whether calls can be served; false from the moment a shutdown begins.
    package var isReady: @Sendable () -> Bool
    /// What is wrong although calls can be served, in words for an operator; nil if nothing is.
    package var trouble: @Sendable () -> String?
    /// How long a call should wait because there is too much to do; nil: come in.
    ///
    /// Asked for calls only.
    package var shouldShed: @Sendable () -> Duration?
    /// Figures that others keep, for `/metrics`.
    package var gauges: [Gauge]
    /// Whether administration has a listener of its own, and is served nowhere else.
    package var hasAdminListener: Bool
    /// What `/api/v1` administers; nil if there is no store.
    package var admin: AdminAPI?
    /// The tool servers of `/mcp/…`, by name.
    package var toolServers: [String: MCPFront]
    /// Asks providers which models they have, each with the credential it comes with: their models by their names.
    package var listModels: @Sendable ([AskableProvider]) async -> [String: [String]]

    package init(
        version: String,
        publicURL: String,
        isReady: @escaping @Sendable () -> Bool = { true },
        trouble: @escaping @Sendable () -> String? = { nil },
        shouldShed: @escaping @Sendable () -> Duration? = { nil },
        gauges: [Gauge] = [],
        hasAdminListener: Bool = false,
        admin: AdminAPI? = nil,
        toolServers: [String: MCPFront] = [:],
        listModels: @escaping @Sendable ([AskableProvider]) async -> [String: [String]] = { _ in [:] }
    ) {
        self.version = version
        self.publicURL = publicURL
        self.isReady = isReady
        self.trouble = trouble
        self.shouldShed = shouldShed
        self.gauges = gauges
        self.hasAdminListener = hasAdminListener
        self.admin = admin
        self.toolServers = toolServers
        self.listModels = listModels
    }
}

/// A provider that a caller can use, and the credential to ask it with.
package typealias AskableProvider = (provider: Provider, credential: Credential?)

/// Answers every request: finds its row in `Routes`, checks the row's policy, and takes it down the road or answers by
/// itself.
package final class Gateway: RequestHandler {
    let snapshots: SnapshotBox
    let instruments: Instruments
    let options: GatewayOptions
    private let pipeline: Pipeline
    let chances: [NIOLockedValueBox<Chance>]
    private let openAPI: ByteBuffer
    /// Answers messages in sessions; nil if there is no store.
    let sessions: SessionDesk?

    /// - Parameter loops: The number of event loops that requests come in on.
    package init(snapshots: SnapshotBox, instruments: Instruments, options: GatewayOptions, loops: Int) {
        var random = SystemRandomNumberGenerator()
        self.snapshots = snapshots
        self.instruments = instruments
        self.options = options
        let pipeline = Pipeline(instruments: instruments, loops: loops)
        self.pipeline = pipeline
        self.sessions = instruments.sessions.map { SessionDesk($0, pipeline: pipeline, instruments: instruments) }
        self.chances = (0..<loops).map { _ in NIOLockedValueBox(Chance(seed: random.next())) }
        self.openAPI = OpenAPI.document(version: options.version)
    }

    package func handle(_ exchange: any ServerExchange) async {
        do {
            if let call = self.call(for: exchange) {
                try await self.serve(call)
            } else {
                try await self.answer(exchange)
            }
        } catch {
            // The client went away; nobody is left to be told, and the connection closes because nothing was finished.
        }
    }

    /// The call that a request begins; nil for one that is none, or that may not start now.
    // Not inlined: what it works with would stand in the frame of every open stream.
    @inline(never)
    private func call(for exchange: any ServerExchange) -> Call? {
        let head = exchange.head
        let headBytes = exchange.headBytes
        guard case .row(let row, _) = Self.route(head, headBytes), case .call(let operation, let format) = row.action,
            self.reasonToShed(exchange) == nil
        else { return nil }
        let transport = exchange.transport
        let loop = transport.loopIndex
        let chance = self.chances[loop].withLockedValue { $0.pair() }
        return Call(
            id: Self.requestID(head, headBytes, chance),
            chance: chance,
            operation: operation,
            format: format,
            exchange: exchange,
            head: head,
            headBytes: headBytes,
            transport: transport,
            loop: loop,
            snapshot: self.snapshots.current(loop: loop),
            time: self.instruments.wallClock()
        )
    }

    /// Answers what begins no call.
    private func answer(_ exchange: any ServerExchange) async throws {
        let loop = exchange.transport.loopIndex
        let chance = self.chances[loop].withLockedValue { $0.pair() }
        let id = Self.requestID(exchange.head, exchange.headBytes, chance)
        switch Self.route(exchange.head, exchange.headBytes) {
        case .row(let row, let parameters):
            if case .call(_, let format) = row.action {
                if !exchange.isDraining { self.instruments.metrics.refused(loop: loop) }
                let error = self.reasonToShed(exchange) ?? GatewayError(.overloaded, "The gateway was busy. Try again.")
                let dialect: Dialect = format == .anthropic ? .anthropic : .openAI
                try await Answer(error, dialect: dialect, requestID: id).send(on: exchange, requestID: id)
            } else {
                try await self.answer(row, parameters, on: exchange, id)
            }
        case let other:
            self.instruments.metrics.refused(loop: loop)
            try await self.refusal(other, exchange, id).send(on: exchange, requestID: id)
        }
    }

    package func refuse(_ fault: RequestFault, rawHead: ByteBuffer, exchange: any ServerExchange) async {
        let loop = exchange.transport.loopIndex
        self.instruments.metrics.refused(loop: loop)
        let chance = self.chances[loop].withLockedValue { $0.pair() }
        let id = RequestID(high: chance.high, low: chance.low)
        // What came may not be a request at all; its second word is where a path would be.
        let words = rawHead.readableBytesView.split(separator: UInt8(ascii: " "), maxSplits: 2)
        let dialect = words.count > 1 ? Routes.dialect(ofPath: words[1]) : .native
        do {
            try await Answer(GatewayError(fault), dialect: dialect, requestID: id).send(on: exchange, requestID: id)
        } catch {
            // The client went away before it could be told what was wrong; the connection closes in any case.
        }
    }

    package func hurry() {
        self.instruments.running.hurry()
        self.instruments.drains.hurry()
    }

    // MARK: - Calls to models

    /// Why no call may start now.
    private func reasonToShed(_ exchange: any ServerExchange) -> GatewayError? {
        if exchange.isDraining {
            return GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
        }
        return self.options.shouldShed().map {
            GatewayError(.overloaded, "The gateway is busy. Try again shortly.", retryAfter: $0)
        }
    }

    private func serve(_ call: Call) async throws {
        let reply = ClientReply(call)
        call.exchange.onHurry { reply.hurry() }
        defer {
            call.exchange.onHurry(nil)
            call.exchange.onSilence(.zero, nil)
        }
        try await self.pipeline.run(call, reply: reply)
    }

    // MARK: - What is common to all requests

    private static func route(_ head: HTTPHead, _ headBytes: ByteBuffer) -> Routes.Match {
        headBytes.withUnsafeReadableBytes { bytes in
            Routes.find(head.method, target: UnsafeRawBufferPointer(rebasing: bytes[head.targetRange.range]))
        }
    }

    /// The client's own id where it is a sane token, else a new one.
    private static func requestID(
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        _ chance: (high: UInt64, low: UInt64)
    ) -> RequestID {
        guard let field = head.first(.xRequestID) else { return RequestID(high: chance.high, low: chance.low) }
        let kept = headBytes.withUnsafeReadableBytes { RequestID(clientToken: $0[field.value]) }
        return kept ?? RequestID(high: chance.high, low: chance.low)
    }

    private func refusal(_ match: Routes.Match, _ exchange: any ServerExchange, _ id: RequestID) -> Answer {
        let head = exchange.head
        let dialect = exchange.headBytes.withUnsafeReadableBytes { Routes.dialect(ofPath: $0[head.targetRange.range]) }
        let error: GatewayError
        var allow: String?
        switch match {
        case .methodNotAllowed(let allowed):
            let names = allowed.flatMap { $0 == .get ? ["GET", "HEAD"] : ["\($0.text)"] } + ["OPTIONS"]
            allow = names.joined(separator: ", ")
            error = GatewayError(.methodNotAllowed, "This path takes \(names.joined(separator: ", ")).")
        case .badTarget:
            error = GatewayError(.invalidRequest, "The request's target is not a valid path.")
        case .row, .notFound:
            error = GatewayError(.notFound, "There is nothing at this path.")
        }
        var answer = Answer(error, dialect: dialect, requestID: id)
        if let allow {
            if head.method == .options { answer = Answer(status: 204, body: ByteBuffer()) }
            answer.fields.writeStaticString("allow: ")
            answer.fields.writeString(allow)
            answer.fields.writeCRLF()
        }
        return answer
    }

    // MARK: - Everything but calls

    private func answer(
        _ row: RouteRow,
        _ parameters: PathParameters,
        on exchange: any ServerExchange,
        _ id: RequestID
    ) async throws {
        let snapshot = self.snapshots.current(loop: exchange.transport.loopIndex)
        let dialect = Routes.dialect(ofPath: "\(row.path)".utf8)
        let answer: Answer
        do {
            guard !self.options.hasAdminListener || exchange.isAdministrative || !row.isAdministrative else {
                throw GatewayError(.notFound, "There is nothing at this path.")
            }
            let principal = try await self.admit(exchange, row, snapshot)
            if let principal { try self.checkRoute(principal, exchange) }
            switch row.action {
            case .page: answer = HomePage.answer(self.options, snapshot)
            case .health: answer = Answer(json: ["status": "ok"])
            case .readiness: answer = self.readiness(isDraining: exchange.isDraining)
            case .metrics: answer = self.metrics()
            case .openAPI: answer = Answer(body: self.openAPI)
            case .status: answer = self.status(snapshot, for: principal)
            case .models: answer = await self.models(snapshot, principal, exchange).answer
            case .model:
                let name = try Self.text(parameters.only, exchange)
                answer = try await self.models(snapshot, principal, exchange).answer(for: name)
            case .storedResponse(let action):
                let id = try Self.text(parameters.only, exchange)
                answer = try await self.storedResponse(action, id, for: principal, exchange)
            case .toolServer:
                let name = try Self.text(parameters.only, exchange)
                answer = try await self.toolServer(name, for: principal, exchange, id)
            case .chat:
                guard let principal else { throw CallerIdentity.refusal }
                answer = try await self.chat(principal, on: exchange, id)
            case .cancelKeyed:
                guard let principal else { throw CallerIdentity.refusal }
                answer = try self.cancelKeyed(principal, exchange)
            case .session(let action):
                guard let principal else { throw CallerIdentity.refusal }
                let name = try Self.text(parameters.only, exchange)
                return try await self.serve(action, name, for: principal, on: exchange, id)
            case .liveCalls:
                return try await self.showCalls(on: exchange, id, to: principal)
            case .admin:
                guard let principal else { throw CallerIdentity.refusal }
                guard let found = try await self.administer(row, parameters, for: principal, on: exchange, id) else {
                    return
                }
                answer = found
            case .call:
                throw GatewayError(.internalFailure, "A call to a model is answered on the road.")
            }
        } catch let error as GatewayError {
            answer = Answer(error, dialect: dialect, requestID: id)
        }
        // Where the server went down meanwhile, the client has been told so.
        guard !exchange.isResponseStarted else { throw CancellationError() }
        try await answer.send(on: exchange, requestID: id)
    }

    private func models(
        _ snapshot: Snapshot,
        _ principal: Principal?,
        _ exchange: any ServerExchange
    ) async -> ModelList {
        let askable = principal.map { ModelList.askable(snapshot, $0) } ?? []
        let reported = await self.options.listModels(askable)
        return ModelList(snapshot, principal, reported: reported, for: exchange)
    }
}
