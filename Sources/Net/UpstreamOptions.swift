package import NIOCore

/// How upstream connections are kept (`upstream:` in the settings).
package struct UpstreamOptions: Sendable, Equatable {
    /// How long a connection may stand idle; below the 60 s after which many servers close it.
    package var idleFor: TimeAmount
    /// Idle connections that each loop keeps for one endpoint.
    package var idleMax: Int
    /// How old a connection may become before it is replaced, give or take a tenth.
    ///
    /// Balancers behind one address send only new connections to new servers.
    package var life: TimeAmount
    /// How often the name of an endpoint in use is resolved again.
    package var resolveEvery: TimeAmount

    package init(
        idleFor: TimeAmount = .seconds(55),
        idleMax: Int = 256,
        life: TimeAmount = .minutes(10),
        resolveEvery: TimeAmount = .seconds(30)
    ) {
        self.idleFor = idleFor
        self.idleMax = idleMax
        self.life = life
        self.resolveEvery = resolveEvery
    }
}
