import Core
import Logging
import NIOCore
import Synchronization
import Telemetry
import Transport

/// Sends alerts to a webhook, one after the other, without keeping anybody waiting.
final class AlertSender: Sendable {
    /// Alerts that wait at most; the oldest give way.
    static let queueMax = 100
    /// Tries at most for one alert.
    static let triesMax = 4

    private static let timeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(10),
        idle: .seconds(10),
        total: .seconds(15)
    )

    private let alerts: AsyncStream<Alert>
    private let queue: AsyncStream<Alert>.Continuation
    private let webhook: @Sendable () async -> Settings.Webhook?
    private let fetcher: Fetcher
    /// Names this gateway in what is sent.
    private let gateway: String
    private let logger: Logger
    private let endpoints = EndpointMemory()
    /// Waits between two tries.
    private let sleep: @Sendable (Duration) async throws -> Void
    private let sent = Atomic<UInt64>(0)
    private let lost = Atomic<UInt64>(0)

    init(
        webhook: @escaping @Sendable () async -> Settings.Webhook?,
        fetcher: Fetcher,
        gateway: String,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        (self.alerts, self.queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.queueMax))
        self.webhook = webhook
        self.fetcher = fetcher
        self.gateway = gateway
        self.logger = logger
        self.sleep = sleep
    }

    /// Has an alert sent, as soon as those before it are.
    func send(_ alert: Alert) {
        if case .dropped = self.queue.yield(alert) { self.lost.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Takes no more; `run` returns when those that wait are dealt with.
    func finish() { self.queue.finish() }

    /// Alerts that were taken by the webhook, and those that never were.
    var counts: (sent: UInt64, lost: UInt64) {
        (self.sent.load(ordering: .relaxed), self.lost.load(ordering: .relaxed))
    }

    /// Sends until cancelled, or until the last one behind `finish`.
    func run() async throws {
        for await alert in self.alerts {
            guard let webhook = await self.webhook() else { continue }
            if try await self.deliver(alert, to: webhook) {
                self.sent.wrappingAdd(1, ordering: .relaxed)
            } else {
                self.lost.wrappingAdd(1, ordering: .relaxed)
            }
        }
        try Task.checkCancellation()
    }

    /// Sends one alert; what may go better the next time is tried again after a second, two, four.
    ///
    /// - Returns: Whether the webhook took it.
    private func deliver(_ alert: Alert, to webhook: Settings.Webhook) async throws -> Bool {
        guard let request = self.request(alert, to: webhook) else {
            self.complain("its address cannot be used")
            return false
        }
        var reason = ""
        for attempt in 1...Self.triesMax {
            do {
                let status = try await self.fetcher.fetch(request).status
                if (200..<300).contains(status) { return true }
                reason = "it answers with status \(status)"
                guard status >= 500 || status == 429 || status == 408 else { break }
            } catch let error as TransportError {
                reason = error.sentence
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                reason = "it cannot be asked"
            }
            if attempt < Self.triesMax { try await self.sleep(.seconds(1 << (attempt - 1))) }
        }
        self.complain(reason)
        return false
    }

    private func complain(_ reason: String) {
        self.logger.error("An alert could not be sent to the webhook", metadata: [LogKeys.errorReason: "\(reason)"])
    }

    private func request(_ alert: Alert, to webhook: Settings.Webhook) -> FetchRequest? {
        let url = webhook.url.reveal { WebhookURL($0) }
        guard let made = try? Endpoint(url: url.base, allowPrivate: webhook.allowPrivate) else { return nil }
        let endpoint = self.endpoints.keep(made, for: "webhook")
        var fields = [(name: "user-agent", value: "turnpike/\(Version.text)")]
        if let authorization = webhook.authorization {
            fields.append((name: "authorization", value: authorization.reveal { $0 }))
        }
        return FetchRequest(
            "POST",
            endpoint,
            path: url.query,
            fields: fields,
            body: ByteBuffer(string: alert.json(gateway: self.gateway).text),
            timeouts: Self.timeouts
        )
    }
}
