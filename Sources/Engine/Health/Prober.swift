import Core
import NIOConcurrencyHelpers
import NIOCore
import Providers
import Telemetry
import Transport

/// Asks providers something cheap from time to time, to see whether they are there.
///
/// Goes without a key, so that it costs nobody anything: that a provider asks for one is a good answer too.
struct Prober: Sendable {
    let settings: @Sendable () async -> Settings
    let fetcher: Fetcher
    let book: ProbeBook
    let wallClock: @Sendable () -> UnixTime
    let monotonicClock: @Sendable () -> NIODeadline
    private let endpoints = EndpointMemory()

    private static let timeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(10),
        idle: .seconds(10),
        total: .seconds(10)
    )

    /// Which probes are under way, and when each provider is due again.
    final class Schedule: Sendable {
        private struct Contents {
            var running: Set<String> = []
            var due: [String: NIODeadline] = [:]
        }

        private let contents = NIOLockedValueBox(Contents())

        /// Providers whose time has come; they are under way then.
        func take(_ probes: [String: Settings.Probe], now: NIODeadline) -> [String] {
            self.contents.withLockedValue { contents in
                contents.due = contents.due.filter { probes[$0.key] != nil }
                return probes.keys.sorted().filter { name in
                    guard let probe = probes[name], !contents.running.contains(name) else { return false }
                    // Another, shorter time in the settings counts from now on.
                    guard contents.due[name].map({ $0 <= now || $0 > now + probe.every }) ?? true else { return false }
                    contents.due[name] = now + probe.every
                    contents.running.insert(name)
                    return true
                }
            }
        }

        func end(_ name: String) { self.contents.withLockedValue { _ = $0.running.remove(name) } }
    }

    /// Probes until cancelled.
    func run() async throws {
        let schedule = Schedule()
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let settings = await self.settings()
                let probes = settings.health.probes
                self.book.keep(only: Set(probes.keys))
                for name in schedule.take(probes, now: self.monotonicClock()) {
                    guard let probe = probes[name], let provider = settings.provider(name) else {
                        schedule.end(name)
                        continue
                    }
                    group.addTask {
                        await self.ask(provider, probe)
                        schedule.end(name)
                    }
                }
                try await Task.sleep(for: .milliseconds(250))
            }
        }
    }

    private func inquiry(_ provider: Settings.Provider) -> ProviderInquiry {
        ProviderInquiry(
            provider: provider,
            fetcher: self.fetcher,
            timeouts: Self.timeouts,
            endpoints: self.endpoints
        )
    }

    /// Asks one provider and writes down what came of it.
    func ask(_ provider: Settings.Provider, _ probe: Settings.Probe) async {
        let began = self.monotonicClock()
        var status = 0
        var reason: String?
        do {
            let question =
                probe.path.map { ProviderQuestion.get($0, at: provider.baseURL) }
                ?? .about(provider.entry, at: provider.baseURL, .models)
            status = try await self.inquiry(provider).send(question, nil, self.wallClock()).status
            if status >= 500 || status == 429 { reason = "it answers with status \(status)" }
        } catch let error as TransportError {
            reason = error.reason
        } catch is CancellationError {
            return
        } catch {
            reason = "it cannot be asked"
        }
        let result = ProbeResult(
            isAnswered: reason == nil,
            time: self.wallClock(),
            took: self.monotonicClock() - began,
            status: status,
            reason: reason
        )
        self.book.add(result, of: provider.name)
    }
}

extension TransportError {
    /// What broke, without addresses: those who see how a provider is doing need not know where it is.
    fileprivate var reason: String {
        switch self {
        case .timeout(let clock, let limit, _): "the \(clock.rawValue) limit of \(limit.milliseconds) ms ran out"
        case .nameNotResolved: "its name has no address"
        case .forbiddenAddress: "its address may not be called unless its entry says allow_private"
        case .connectFailed: "no connection"
        case .tlsFailed: "no secure connection"
        case .closedBeforeHead: "it closed the connection without an answer"
        case .closedInBody: "it broke off its answer"
        case .protocolViolation: "its answer is not HTTP"
        case .bodyTooLarge: "its answer is too large"
        }
    }
}
