internal import Core
internal import NIOCore
internal import Net
internal import Transport
internal import Wire

/// The way to a gateway: sends calls, reads their answers, and takes them up again where the connection dropped.
final class RemoteLine: Sendable {
    /// The longest answer that is not streamed.
    private static let answerBytesMax = 64 << 20

    private let runtime: NetRuntime
    private let endpoint: Endpoint
    private let key: Secret<String>
    private let timeout: Duration
    private let resumes: Int
    private let tasks = CallTasks()

    init(runtime: NetRuntime, endpoint: Endpoint, key: Secret<String>, timeout: Duration, resumes: Int) {
        self.runtime = runtime
        self.endpoint = endpoint
        self.key = key
        self.timeout = timeout
        self.resumes = resumes
    }

    /// A stream whose call begins when it is read.
    func stream(_ messages: [ChatMessage], _ options: ChatOptions, model: String?, isStream: Bool) -> ChatStream {
        self.tasks.stream { channel in
            let body = try ChatWire.body(messages, options, model: model, isStream: isStream)
            try await self.runtime.run { transport in
                let answer = RemoteAnswer(channel, transport)
                try await self.follow(answer, self.request(body, options), options, on: transport)
            }
        }
    }

    private func follow(
        _ answer: RemoteAnswer,
        _ request: FetchRequest,
        _ options: ChatOptions,
        on transport: any LoopTransport
    ) async throws {
        var tries = 0
        while true {
            do {
                var request = request
                if let id = answer.lastID { request.fields.append(("last-event-id", id)) }
                let exchange = try await transport.open(request)
                defer { exchange.abandon() }
                exchange.setDeadline(.now() + request.timeouts.total, limit: request.timeouts.total, clock: .total)
                return try await answer.read(exchange, bytesMax: Self.answerBytesMax)
            } catch let error as TransportError {
                // With a key it runs once, however often it is sent; without one only what was not sent can be again.
                let isSafe = options.idempotencyKey != nil || (!error.didSend && !answer.hasBegun)
                guard isSafe, tries < self.resumes, !error.isTimeout else { throw Self.explain(error) }
                tries += 1
                try await transport.sleep(for: .milliseconds(Int64(100 << min(tries, 6))))
            } catch let error as FetchError {
                throw AIError(code: GatewayError.Code.invalidRequest.rawValue, message: error.description)
            } catch is SSEError {
                throw AIError(code: GatewayError.Code.providerError.rawValue, message: "The answer cannot be read.")
            }
        }
    }

    private func request(_ body: ByteBuffer, _ options: ChatOptions) -> FetchRequest {
        var fields = [("authorization", self.key.reveal { "Bearer \($0)" })]
        if let key = options.idempotencyKey { fields.append(("idempotency-key", key)) }
        if let metadata = options.metadata { fields.append(("x-turnpike-metadata", metadata)) }
        if let timeout = options.timeout {
            fields.append(("x-turnpike-timeout-ms", "\(max(1, TimeAmount(timeout).milliseconds))"))
        }
        let limit = TimeAmount(self.timeout)
        return FetchRequest(
            "POST",
            self.endpoint,
            path: "/v1/chat/completions",
            fields: fields.map { (name: $0.0, value: $0.1) },
            body: body,
            answerBytesMax: Self.answerBytesMax,
            timeouts: Timeouts(
                connect: min(limit, .seconds(10)),
                firstByte: limit,
                idle: limit,
                total: limit,
                streamMax: limit
            )
        )
    }

    private static func explain(_ error: TransportError) -> AIError {
        switch error {
        case .timeout(let clock, let limit, _):
            AIError(
                code: "GATEWAY_TIMEOUT",
                message: "The gateway did not answer in time: the \(clock.rawValue) limit of \(limit.milliseconds) ms "
                    + "was reached.",
                timeout: .milliseconds(limit.milliseconds)
            )
        default: AIError(code: "GATEWAY_UNREACHABLE", message: "The connection to the gateway cannot be used.")
        }
    }

    func close(within grace: Duration) async {
        await self.tasks.close(within: grace)
        await self.runtime.shutdown()
    }
}

extension TransportError {
    fileprivate var isTimeout: Bool { if case .timeout = self { true } else { false } }
}

extension TimeAmount {
    /// The same time; what is too long for it is a year.
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self =
            seconds > 31_536_000 ? .hours(8_760) : .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
