package import Auth
package import Core
package import Limits
package import Logging
package import Metering
package import NIOCore
package import Telemetry
package import Tools

/// Where calls leave their traces.
///
/// The same objects for the whole life of the process.
package final class Instruments: Sendable {
    package let metrics: CallMetrics
    /// Nil: no line per call.
    package let log: CallLog?
    package let live: LiveCalls
    package let logger: Logger
    /// What calls learn of the keys they use.
    package let credentials: CredentialNews
    /// Counts failed attempts to sign in; nil: nobody counts.
    package let failures: FailureGuard?
    /// Guesses tokens that nobody counted.
    package let estimator: TokenEstimator
    /// Rate limits and those who wait for them.
    package let limits: LimitDesk
    /// What providers say of their own limits.
    package let providerLimits: ProviderLimitBook
    /// Breakers and retry budgets.
    package let guards: GuardBook
    /// Journal and budgets; nil: nothing is accounted for.
    package let meter: Meter?
    /// Answers that may outlive their connection.
    package let running: RunningAnswers
    /// The keys that clients give their requests; nil: there is no store to keep them in.
    package let keyed: KeyedAnswers?
    /// Answers that are read on for their usage after the client has left.
    package let drains: Drains
    /// The last calls, for those who ask why one went as it did.
    package let calls: CallBook?
    /// How providers are doing, by the attempts of calls.
    package let health: HealthBook?
    /// What aliases have learned for their second attempts.
    package let hedges = HedgeBook()
    /// Memory for answers that are checked before their clients have them.
    package let heldBytes: HeldBytes
    /// Calls to shadow targets; nil: there is no store to keep their answers in.
    package let shadows: ShadowBook?
    /// The responses that are kept for clients of `/v1/responses`; nil: there is no store to keep them in.
    package let responses: ResponseBook?
    /// The tool servers; nil: there are none.
    package let tools: ToolServers?
    /// What is said in sessions; nil: there is no store to keep it in.
    package let sessions: SessionBook?
    /// What the last probes of providers came to.
    package let probes: ProbeBook
    /// The wall clock.
    ///
    /// Passed in, so that tests decide what time it is.
    package let wallClock: @Sendable () -> UnixTime
    /// The clock that deadlines are on.
    package let monotonicClock: @Sendable () -> NIODeadline

    package init(
        metrics: CallMetrics,
        log: CallLog?,
        live: LiveCalls,
        logger: Logger,
        credentials: CredentialNews = CredentialNews(),
        failures: FailureGuard? = nil,
        estimator: TokenEstimator = TokenEstimator(),
        limits: LimitDesk = LimitDesk(),
        providerLimits: ProviderLimitBook = ProviderLimitBook(),
        guards: GuardBook? = nil,
        meter: Meter? = nil,
        running: RunningAnswers? = nil,
        keyed: KeyedAnswers? = nil,
        drains: Drains = Drains(),
        shadows: ShadowBook? = nil,
        responses: ResponseBook? = nil,
        heldBytes: HeldBytes = HeldBytes(),
        sessions: SessionBook? = nil,
        calls: CallBook? = nil,
        health: HealthBook? = nil,
        tools: ToolServers? = nil,
        probes: ProbeBook = ProbeBook(),
        wallClock: @escaping @Sendable () -> UnixTime,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.metrics = metrics
        self.log = log
        self.live = live
        self.logger = logger
        self.credentials = credentials
        self.failures = failures
        self.estimator = estimator
        self.limits = limits
        self.providerLimits = providerLimits
        self.guards = guards ?? GuardBook(logger: logger)
        self.meter = meter
        self.running = running ?? RunningAnswers(runOn: { .seconds(60) }, monotonicClock: monotonicClock)
        self.keyed = keyed
        self.drains = drains
        self.shadows = shadows
        self.responses = responses
        self.heldBytes = heldBytes
        self.sessions = sessions
        self.calls = calls
        self.health = health
        self.tools = tools
        self.probes = probes
        self.wallClock = wallClock
        self.monotonicClock = monotonicClock
    }
}
