import Agents
import Core
import Engine
import Metering
import NIOCore
import Operations
import Providers
import Signing
import Tools
import Transport
import Vault

/// Tries a provider's key with a request that costs nothing: the provider's list of models.
struct LiveTester: Sendable {
    let settings: @Sendable () async -> Settings
    let fetcher: Fetcher

    func test(_ name: String, _ key: GuardedBytes) async -> CredentialTest {
        guard let provider = await self.settings().provider(name), provider.auth != .none else { return .skipped }
        let inquiry = ProviderInquiry(provider: provider, fetcher: self.fetcher)
        let key = Secret(key.withBytes { String(decoding: $0, as: UTF8.self) })
        let started = NIODeadline.now()
        do {
            let answer = try await inquiry.ask(.key, key: key, now: SystemClock.now)
            switch answer.verdict {
            case .accepted: return .accepted(after: .nanoseconds((NIODeadline.now() - started).nanoseconds))
            case .refused: return .refused(status: answer.status)
            case .unlisted: return .unknown("it has no list of models to try a key with")
            case .limited, .other: return .unknown("it answers with status \(answer.status)")
            }
        } catch let error as EndpointError {
            return .unknown("its base_url \(error.rawValue)")
        } catch let error as TransportError {
            return .unknown(error.sentence)
        } catch is SigningError {
            return .unknown("the key is not of the form ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]")
        } catch {
            return .unknown("it cannot be asked")
        }
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
        settingsAgents: @escaping @Sendable () async -> [AgentProfile] = { [] },
        standings: @escaping @Sendable () -> [BudgetBook.Standing] = { [] },
        recentCalls: @escaping @Sendable (String) -> [RememberedCall] = { _ in [] },
        routes: @escaping @Sendable () -> [Route] = { [] },
        tools: ToolServers,
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
            settingsAgents: settingsAgents,
            standings: standings,
            recentCalls: recentCalls,
            routes: routes,
            tools: tools,
            breakers: breakers,
            onChange: onChange
        )
    }
}
