package import Core
package import Database
package import NIOCore
package import Transport

extension ToolServers {
    /// What servers are reached by.
    package struct Surroundings: Sendable {
        package var dialer: ToolDialer
        /// Nil where no program may be started.
        package var launcher: (any ProgramLauncher)?
        /// Where approved tools are kept.
        package var database: any Database
        /// Writes down, in the same transaction, that tools were pinned as they were seen for the first time.
        package var onPin: @Sendable (_ pins: [ToolPin], _ session: any SQLSession) throws -> Void
        package var onEvent: @Sendable (ToolEvent) -> Void
        /// What the gateway tells servers of itself.
        package var version: String
        package var clock: @Sendable () -> NIODeadline
        package var wallClock: @Sendable () -> UnixTime

        package init(
            dialer: ToolDialer,
            launcher: (any ProgramLauncher)?,
            database: any Database,
            onPin: @escaping @Sendable (_ pins: [ToolPin], _ session: any SQLSession) throws -> Void = { _, _ in },
            onEvent: @escaping @Sendable (ToolEvent) -> Void = { _ in },
            version: String,
            clock: @escaping @Sendable () -> NIODeadline = { .now() },
            wallClock: @escaping @Sendable () -> UnixTime
        ) {
            self.dialer = dialer
            self.launcher = launcher
            self.database = database
            self.onPin = onPin
            self.onEvent = onEvent
            self.version = version
            self.clock = clock
            self.wallClock = wallClock
        }
    }
}
