import Core
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Testing
import Transport

@testable import Engine
@testable import Telemetry
@testable import turnpike

@Suite struct AlertSenderTests {
    /// A webhook that answers as it is told, and keeps what it got.
    private final class Hook: Sendable {
        let answers: NIOLockedValueBox<[Result<Int, TransportError>]>
        let requests = NIOLockedValueBox<[FetchRequest]>([])
        let waits = NIOLockedValueBox<[Duration]>([])

        init(_ answers: [Result<Int, TransportError>]) { self.answers = NIOLockedValueBox(answers) }

        var fetcher: Fetcher {
            Fetcher { request in
                self.requests.withLockedValue { $0.append(request) }
                let answer = self.answers.withLockedValue { $0.count > 1 ? $0.removeFirst() : $0[0] }
                return FetchAnswer(status: try answer.get(), body: ByteBuffer())
            }
        }
    }

    private static let webhook = Settings.Webhook(
        url: Secret("https://hooks.example.com/T0/B0?thread=1"),
        authorization: Secret("Bearer of-the-hook"),
        allowPrivate: false
    )

    private static func alert(_ subject: String = "openai") -> Alert {
        Alert(
            status: .firing,
            condition: AlertCondition(.errorRate, subject, "It fails."),
            since: UnixTime(seconds: 0),
            time: UnixTime(seconds: 0)
        )
    }

    private static func sender(_ hook: Hook, webhook: Settings.Webhook? = Self.webhook) -> AlertSender {
        AlertSender(
            webhook: { webhook },
            fetcher: hook.fetcher,
            gateway: "here:8080",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { time in hook.waits.withLockedValue { $0.append(time) } }
        )
    }

    /// Runs the sender until all that it was given has been dealt with.
    private static func run(_ sender: AlertSender) async throws {
        sender.finish()
        try await sender.run()
    }

    @Test func `an alert goes to the webhook once, as JSON, with what the settings say`() async throws {
        let hook = Hook([.success(204)])
        let sender = Self.sender(hook)
        sender.send(Self.alert())
        try await Self.run(sender)
        let request = try #require(hook.requests.withLockedValue { $0 }.first)
        #expect(hook.requests.withLockedValue { $0.count } == 1 && sender.counts == (1, 0))
        #expect(request.method == "POST" && request.endpoint.url == "https://hooks.example.com/T0/B0")
        #expect(request.path == "?thread=1" && !request.endpoint.allowPrivate)
        #expect(request.fields.contains { $0 == (name: "authorization", value: "Bearer of-the-hook") })
        let json = try JSONValue.parse(String(buffer: request.body ?? ByteBuffer()))
        #expect(json["kind"] == "error_rate" && json["gateway"] == "here:8080")
        let text = String(buffer: try request.bytes())
        #expect(text.hasPrefix("POST /T0/B0?thread=1 HTTP/1.1\r\n"))
    }

    @Test func `what may go better the next time is tried again, each time later`() async throws {
        let hook = Hook([.failure(.connectFailed("no")), .success(503), .success(429), .success(200)])
        let sender = Self.sender(hook)
        sender.send(Self.alert())
        try await Self.run(sender)
        #expect(sender.counts == (1, 0))
        #expect(hook.waits.withLockedValue { $0 } == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test func `a webhook that is gone loses the alert after four tries, and one that says no at once`() async throws {
        let gone = Hook([.success(500)])
        let sender = Self.sender(gone)
        sender.send(Self.alert())
        try await Self.run(sender)
        #expect(sender.counts == (0, 1) && gone.requests.withLockedValue { $0.count } == AlertSender.triesMax)
        let unwilling = Hook([.success(404)])
        let other = Self.sender(unwilling)
        other.send(Self.alert())
        try await Self.run(other)
        #expect(other.counts == (0, 1) && unwilling.requests.withLockedValue { $0.count } == 1)
    }

    @Test func `a queue that is full loses the oldest alerts and counts them`() async throws {
        let hook = Hook([.success(200)])
        let sender = Self.sender(hook)
        for number in 0..<(AlertSender.queueMax + 5) { sender.send(Self.alert("p\(number)")) }
        #expect(sender.counts == (0, 5))
        try await Self.run(sender)
        let first = try #require(hook.requests.withLockedValue { $0 }.first?.body)
        #expect(try JSONValue.parse(String(buffer: first))["subject"] == "p5")
    }
}
