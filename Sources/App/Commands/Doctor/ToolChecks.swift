import Core
import Database
import Engine
import Glibc
import NIOCore
import Programs
import SQLite
import Tools

/// Asks the tool servers of the settings for their tools; approves none of them.
enum ToolChecks {
    static func all(_ settings: Settings, _ client: CommandClient) async -> [Finding] {
        guard !settings.tools.isEmpty else { return [] }
        var findings: [Finding] = []
        let hasPrograms = settings.tools.contains { $0.way.kind == "stdio" }
        if hasPrograms, getuid() == 0 {
            findings.append(
                .warn(
                    "tools",
                    "programs of tool servers run as root here",
                    mend: "run the gateway as a user of its own"
                )
            )
        }
        do {
            // What is seen here is pinned in memory alone.
            let database = try SQLiteDatabase.inMemory()
            try await MigrationRunner().run(on: database, now: SystemClock.now)
            let servers = ToolServers(
                ToolServers.Surroundings(
                    dialer: client.toolDialer,
                    launcher: try? ProgramRunner.throughItself(),
                    database: database,
                    version: Version.text,
                    wallClock: { SystemClock.now }
                )
            )
            servers.use(settings.tools)
            let reports = try await servers.running { await servers.reports(isFresh: true) }
            await database.close()
            findings += reports.map { Self.finding($0) }
        } catch {
            findings.append(.fail("tools", "\(error)"))
        }
        return findings
    }

    private static func finding(_ report: ToolServerReport) -> Finding {
        let subject = "tools \(report.name)"
        if let error = report.error {
            return .fail(subject, error.description, mend: "tools.servers.\(report.name) in the settings")
        }
        let changing = report.tools.count { !$0.definition.isReadOnly }
        return .ok(subject, "\(report.address): \(report.tools.count) tools, \(changing) of which may change something")
    }
}
