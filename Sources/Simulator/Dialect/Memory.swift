import NIOConcurrencyHelpers

/// What the simulator remembers from call to call, as providers do: shared by all connections, gone with the process.
final class Memory: Sendable {
    init() {}
}
