import Audit
import Core
package import Logging
import NIOCore
package import Net
import Operations
import Synchronization
import Telemetry
package import Tools
package import Transport

/// Puts the tool servers together, for the gateway and for commands.
package enum ToolAssembly {
    /// Servers of no settings yet; see `ToolServers.use`.
    ///
    /// - Parameters:
    ///   - launcher: Starts the servers that are programs; nil: none of them can be.
    ///   - logger: Nil: nothing is told.
    package static func make(
        _ store: Store,
        dialer: ToolDialer,
        launcher: (any ProgramLauncher)?,
        logger: Logger?
    ) -> ToolServers {
        ToolServers(
            ToolServers.Surroundings(
                dialer: dialer,
                launcher: launcher,
                database: store.database,
                onPin: { pins, session in
                    let entry = AuditEntry(
                        actor: ToolPin.firstUse,
                        action: "tool.pin",
                        objectKind: "tool",
                        objectID: pins.first?.name.server ?? "",
                        details: [
                            "tools": .object(pins.prefix(50).map { ($0.name.tool, .string($0.digest)) })
                        ]
                    )
                    try store.audit.append(entry, now: SystemClock.now, in: session)
                },
                onEvent: { event in
                    if let logger { Self.log(event, logger) }
                },
                version: Version.text,
                wallClock: { SystemClock.now }
            ),
            local: [Self.tasks(store)]
        )
    }

    /// People's tasks, in the store.
    package static func tasks(_ store: Store) -> LocalToolServer {
        TaskTools.server(on: store.database, version: Version.text) { SystemClock.now }
    }

    /// One line for each thing that happened, without anything that was said.
    private static func log(_ event: ToolEvent, _ logger: Logger) {
        switch event {
        case .called(let name, let caller, let outcome, let milliseconds, let textBytes):
            var facts: Logger.Metadata = [
                LogKeys.tool: "\(name)", LogKeys.outcome: "\(outcome)", LogKeys.duration: "\(milliseconds)",
                LogKeys.count: "\(textBytes)", LogKeys.group: "\(caller.group)",
            ]
            if let agent = caller.agent { facts[LogKeys.agent] = "\(agent)" }
            if let id = caller.requestID { facts[LogKeys.requestID] = "\(id)" }
            logger.info("tool call", metadata: facts)
        case .changed(let name):
            logger.error(
                "a tool is not the one that was approved, and is off until it is approved again",
                metadata: [LogKeys.tool: "\(name)"]
            )
        case .listFailed(let server, let error):
            logger.notice(
                "the tools of a server could not be listed",
                metadata: [LogKeys.toolServer: "\(server)", LogKeys.errorReason: "\(error)"]
            )
        case .started(let server):
            logger.info("a tool server's program was started", metadata: [LogKeys.toolServer: "\(server)"])
        case .ended(let server, let reason):
            logger.warning(
                "a tool server's program is not running",
                metadata: [LogKeys.toolServer: "\(server)", LogKeys.errorReason: "\(reason)"]
            )
        case .errorLine(let server, let line):
            logger.notice("a tool server says", metadata: [LogKeys.toolServer: "\(server)", LogKeys.line: "\(line)"])
        case .paused(let server, let seconds):
            logger.warning(
                "a tool server failed several times and is left alone",
                metadata: [LogKeys.toolServer: "\(server)", LogKeys.duration: "\(seconds * 1000)"]
            )
        }
    }
}

extension NetRuntime {
    /// The way out for tool servers, in turn on each of the loops.
    package var toolDialer: ToolDialer {
        let next = LoopTurn()
        let loops = self.loopCount
        return ToolDialer { body in try await self.run(onLoop: next.take(loops), body) }
    }
}

/// Whose turn it is.
private final class LoopTurn: Sendable {
    private let count = Atomic<Int>(0)

    func take(_ loops: Int) -> Int { self.count.wrappingAdd(1, ordering: .relaxed).oldValue & .max % max(1, loops) }
}
