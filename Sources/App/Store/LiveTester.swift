import Core
import Metering
import NIOCore
import Operations
import Providers
import Transport
import Vault

/// Tries a provider's key with a request that costs nothing: the provider's list of models.
struct LiveTester: Sendable {
    let settings: @Sendable () async -> Settings
    let fetcher: Fetcher

    /// How long a test may take.
    private static let timeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(10),
        idle: .seconds(10),
        total: .seconds(15)
    )
    private static let answerBytesMax = 16 << 20

    func test(_ name: String, _ key: GuardedBytes) async -> CredentialTest {
        guard let provider = await self.settings().provider(name), provider.auth != .none else { return .skipped }
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(url: provider.baseURL, allowPrivate: provider.allowPrivate, caFile: provider.caFile)
        } catch {
            return .unknown("its base_url \(error.rawValue)")
        }
        let started = NIODeadline.now()
        do {
            let answer = try await self.fetcher.fetch(Self.request(provider, endpoint, key))
            switch answer.status {
            case 200..<300:
                return .accepted(after: .nanoseconds((NIODeadline.now() - started).nanoseconds))
            case 401, 403: return .refused(status: answer.status)
            case 404, 405: return .unknown("it has no list of models to try a key with")
            default: return .unknown("it answers with status \(answer.status)")
            }
        } catch let error as TransportError {
            return .unknown(error.sentence)
        } catch {
            return .unknown("it cannot be asked")
        }
    }

    private static func request(_ provider: Settings.Provider, _ endpoint: Endpoint, _ key: GuardedBytes)
        -> FetchRequest
    {
        let text = key.withBytes { String(decoding: $0, as: UTF8.self) }
        let field: (String, String) =
            provider.auth == .bearer ? ("authorization", "Bearer \(text)") : (provider.auth.rawValue, text)
        // OpenRouter shows its models to everybody, and says at another place whether a key is good.
        let path = endpoint.host == "openrouter.ai" ? "/key" : "/models"
        return FetchRequest(
            "GET",
            endpoint,
            path: path,
            fields: [("user-agent", "turnpike/\(Version.text)"), field],
            answerBytesMax: Self.answerBytesMax,
            timeouts: Self.timeouts
        )
    }
}

/// What the administration needs of its surroundings, for the gateway and for commands.
enum AdministrationSurroundings {
    /// - Parameters:
    ///   - standings: What the gateway in this process counts; without one the ledger is asked.
    ///   - onChange: Puts a change in force in this process.
    static func make(
        store: Store,
        tester: LiveTester,
        providers: @escaping @Sendable () -> [String],
        settingsBudgets: @escaping @Sendable () async -> [BudgetRule] = { [] },
        standings: @escaping @Sendable () -> [BudgetBook.Standing] = { [] },
        recentCalls: @escaping @Sendable (String) -> [RememberedCall] = { _ in [] },
        routes: @escaping @Sendable () -> [Route] = { [] },
        breakers: BreakerPanel? = nil,
        onChange: @escaping @Sendable () async -> Void = {}
    ) -> Administration.Surroundings {
        Administration.Surroundings(
            vault: { store.vault },
            audit: { store.audit },
            now: { SystemClock.now },
            generator: { SystemRandomNumberGenerator() },
            providers: providers,
            liveTest: { provider, key in await tester.test(provider, key) },
            settingsBudgets: settingsBudgets,
            standings: standings,
            recentCalls: recentCalls,
            routes: routes,
            breakers: breakers,
            onChange: onChange
        )
    }
}
