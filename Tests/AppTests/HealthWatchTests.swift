import Auth
import Core
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

@testable import Engine
@testable import Metering
@testable import turnpike

@Suite struct HealthWatchTests {
    /// A gateway's instruments, with clocks that the test moves.
    private final class Scene: Sendable {
        let second = NIOLockedValueBox<Int64>(0)
        let instruments: Instruments
        let snapshot: Snapshot
        let budgets = BudgetTroubles(now: { UnixTime(seconds: 1000) })

        init() throws {
            let second = self.second
            self.instruments = Instruments(
                metrics: CallMetrics(loops: 1),
                log: nil,
                live: LiveCalls(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                health: HealthBook(loops: 1),
                wallClock: { UnixTime(seconds: 1000 + second.withLockedValue { $0 }) },
                monotonicClock: {
                    .uptimeNanoseconds(1_000_000_000_000) + .seconds(second.withLockedValue { $0 })
                }
            )
            let catalog = try Catalog(
                providers: [ProviderEntry(name: "openai"), ProviderEntry(name: "mistral")],
                routes: [],
                defaultProvider: "openai",
                userAgent: "test"
            )
            self.snapshot = Snapshot(
                catalog: catalog,
                keys: try KeyTable([]),
                credentials: try CredentialBook(
                    [.init(group: GroupID("demo"), provider: "openai", apiKey: Secret("sk-1"))],
                    catalog: catalog
                ),
                loaded: UnixTime(seconds: 0)
            )
        }

        func look(_ eye: inout HealthEye, after seconds: Int64 = 1) -> [String] {
            self.second.withLockedValue { $0 += seconds }
            return eye.look(self.instruments, self.snapshot, Settings.Alerts(), budgets: self.budgets).map {
                "\($0.status.rawValue) \($0.condition.kind.rawValue) \($0.condition.subject)"
            }
        }

        func attempts(_ count: Int, _ verdict: AttemptVerdict) {
            for _ in 0..<count {
                self.instruments.health?.add(
                    verdict,
                    provider: "openai",
                    latency: .milliseconds(5),
                    now: self.instruments.monotonicClock(),
                    loop: 0
                )
            }
        }
    }

    @Test func `a provider's bad minutes are told once, and that they are over a minute after they were`() throws {
        let scene = try Scene()
        var eye = HealthEye()
        scene.attempts(40, .failed(.providerError))
        #expect(scene.look(&eye) == ["firing error_rate openai"])
        for _ in 0..<200 { #expect(scene.look(&eye).isEmpty) }
        #expect(eye.firing == [.errorRate: 1])
        scene.attempts(40, .answered)
        for _ in 0..<59 { #expect(scene.look(&eye).isEmpty) }
        #expect(scene.look(&eye, after: 2) == ["resolved error_rate openai"])
    }

    @Test func `a refused key is told until it is taken again or replaced`() throws {
        let scene = try Scene()
        var eye = HealthEye()
        let provider = try #require(scene.snapshot.catalog.provider(named: "openai"))
        let row = scene.snapshot.credentials.row(of: GroupID("demo"))
        let credential = try #require(row.credential(for: provider))
        let refusal = HealthBook.Refusal(group: GroupID("demo"), provider: "openai", credentialID: credential.id)
        // Not in force, or refused no longer: nobody has to know.
        scene.instruments.health?.noteRefusal(refusal)
        #expect(scene.look(&eye).isEmpty)
        _ = credential.reject()
        scene.instruments.health?.noteRefusal(refusal)
        scene.instruments.health?.noteRefusal(
            .init(group: GroupID("demo"), provider: "openai", credentialID: "of-long-ago")
        )
        #expect(scene.look(&eye) == ["firing credential_rejected \(credential.id)"])
        #expect(scene.look(&eye, after: 100).isEmpty)
        _ = credential.accept(at: UnixTime(seconds: 1))
        #expect(scene.look(&eye, after: 1).isEmpty)
        #expect(scene.look(&eye, after: 60) == ["resolved credential_rejected \(credential.id)"])
    }

    @Test func `a budget's thresholds are told apart, and are over when it renews`() throws {
        let scene = try Scene()
        var eye = HealthEye()
        let rule = BudgetRule(name: "team", scope: Scope([.group: .one("demo")]), limit: 10_000_000, window: .day)
        func pass(_ percent: Int) {
            scene.budgets.add(
                BudgetAlert(
                    rule: rule,
                    subject: rule.scope.onlySubject ?? Scope.Subject(values: ["", "", "", "", ""]),
                    percent: percent,
                    spent: 8_000_000,
                    renewsAt: UnixTime(seconds: 2000)
                )
            )
        }
        pass(80)
        pass(80)
        #expect(scene.look(&eye).count == 1)
        pass(100)
        let told = scene.look(&eye)
        #expect(told.count == 1 && told[0].hasPrefix("firing budget team") && told[0].hasSuffix("100"))
        #expect(scene.look(&eye, after: 900).isEmpty)
        #expect(scene.look(&eye, after: 200).count == 2)
    }

    // MARK: - Probes

    private static func probe(
        _ answer: Result<Int, TransportError>,
        of provider: String = "base_url: 'https://a.example/v1', probe: { every: 1s, path: '/up?x=1' }"
    ) async throws -> (ProbeResult, FetchRequest) {
        let book = ProbeBook()
        let seen = NIOLockedValueBox<[FetchRequest]>([])
        let settings = try Given.settings("providers: { mine: { \(provider) } }")
        let prober = Prober(
            settings: { settings },
            fetcher: Fetcher { request in
                seen.withLockedValue { $0.append(request) }
                return FetchAnswer(status: try answer.get(), body: ByteBuffer())
            },
            book: book,
            wallClock: { UnixTime(seconds: 7) },
            monotonicClock: { .uptimeNanoseconds(1) }
        )
        let provider = try #require(settings.provider("mine"))
        await prober.ask(provider, try #require(settings.health.probes["mine"]))
        return (try #require(book.result(of: "mine")), try #require(seen.withLockedValue { $0 }.first))
    }

    @Test(arguments: [(200, true), (401, true), (404, true), (429, false), (500, false), (503, false)])
    func `any answer below 500 but 429 shows that a provider is there`(status: Int, isGood: Bool) async throws {
        let (result, request) = try await Self.probe(.success(status))
        #expect(result.isAnswered == isGood && result.status == status)
        #expect(result.failuresInRow == (isGood ? 0 : 1) && (result.reason == nil) == isGood)
        #expect(request.method == "GET" && request.path == "/up?x=1")
        #expect(!request.fields.contains { $0.name == "authorization" })
    }

    @Test(arguments: [
        ("base_url: 'https://a.example/v1'", "GET https://a.example/v1/models"),
        ("kind: anthropic, base_url: 'https://a.example/v1'", "GET https://a.example/v1/models?limit=1000"),
        ("kind: cohere, base_url: 'https://a.example/v2'", "GET https://a.example/v1/models?page_size=1000"),
        ("kind: bedrock, base_url: 'https://a.eu'", "POST https://a.eu/model/amazon.nova-micro-v1%3A0/converse"),
    ])
    func `a probe without a path asks where the provider's kind has its models`(of: String, asked: String) async throws
    {
        let (result, request) = try await Self.probe(.success(401), of: of + ", probe: { every: 1s }")
        let (host, path) = (request.endpoint.authority, request.endpoint.basePath + request.path)
        #expect(result.isAnswered && "\(request.method) https://\(host)\(path)" == asked)
        #expect(!request.fields.contains { ["authorization", "x-api-key"].contains($0.name) })
    }

    @Test func `a provider that cannot be reached is told why`() async throws {
        let (result, _) = try await Self.probe(.failure(.connectFailed("10.0.0.7")))
        #expect(!result.isAnswered && result.status == 0 && result.reason == "no connection")
    }

    @Test func `each probe has its own time, and one that hangs keeps no other waiting`() {
        let schedule = Prober.Schedule()
        func probes(_ every: [String: Int64]) -> [String: Settings.Probe] {
            every.mapValues { Settings.Probe(every: .seconds($0), path: "/models") }
        }
        func take(_ second: UInt64, _ every: [String: Int64] = ["hangs": 10, "quick": 5]) -> [String] {
            schedule.take(probes(every), now: .uptimeNanoseconds(second * 1_000_000_000))
        }
        #expect(take(100) == ["hangs", "quick"])
        schedule.end("quick")
        #expect(take(104) == [])
        #expect(take(105) == ["quick"])
        schedule.end("quick")
        // Its time has come, and it has not come back.
        #expect(take(111) == ["quick"])
        schedule.end("quick")
        schedule.end("hangs")
        #expect(take(112) == ["hangs"])
        schedule.end("hangs")
        // A shorter time counts at once, and what is no longer probed begins anew when it is again.
        #expect(take(113, ["hangs": 2]) == ["hangs"])
        schedule.end("hangs")
        #expect(take(114, [:]) == [])
        #expect(take(114, ["quick": 500]) == ["quick"])
    }
}
