import Core
import NIOCore
import Testing
import Tools
import Transport

@testable import Engine
@testable import turnpike

/// `tools.servers:`.
@Suite struct ToolSettingsTests {
    private static func mistakes(_ entry: String) -> [String] {
        Given.mistakes("tools: { servers: { mine: { \(entry) } } }")
    }

    @Test func `a server over HTTP has its address, its fields and its bounds`() throws {
        let settings = try Given.settings(
            """
            tools:
              servers:
                web:
                  url: https://tools.example.com/mcp?team=1
                  headers: { Authorization: "Bearer ${WEB_TOKEN}" }
                  approve: manual
                  timeout: 5s
                  concurrent: 2
            """,
            ["WEB_TOKEN": "of-the-server"]
        )
        let server = try #require(settings.tools.first)
        guard case .http(let address) = server.way else {
            Issue.record("it is not over HTTP")
            return
        }
        #expect(address.endpoint.url == "https://tools.example.com/mcp" && address.query == "?team=1")
        #expect(address.fields.map(\.name) == ["authorization"])
        #expect(address.fields.first?.value.reveal { $0 } == "Bearer of-the-server")
        #expect(server.approval == .manual && server.timeout == .seconds(5) && server.concurrent == 2)
        #expect(!"\(settings)".contains("of-the-server"))
    }

    @Test func `a program has the environment that is written down, and nothing else`() throws {
        let settings = try Given.settings(
            "tools: { servers: { files: { command: /bin/files, args: [a, b], env: { HOME: /tmp } } } }",
            ["SECRET": "canary"]
        )
        guard case .program(let plan)? = settings.tools.first?.way else {
            Issue.record("it is no program")
            return
        }
        #expect(plan.path == "/bin/files" && plan.arguments == ["a", "b"])
        #expect(plan.environment.map(\.name) == ["HOME"])
        #expect(plan.limits == ProgramPlan.Limits())
    }

    @Test func `what cannot be meant is refused (row 104)`() {
        #expect(Self.mistakes("approve: manual").first?.contains("needs url or command") == true)
        #expect(Self.mistakes("url: 'https://a.example', command: /bin/x").first?.contains("one place") == true)
        #expect(Self.mistakes("command: files").first?.contains("absolute path") == true)
        #expect(Self.mistakes("url: 'http://127.0.0.1/mcp'").first?.contains("allow_private") == true)
        #expect(Self.mistakes("url: 'https://a.example', env: { A: b }").first?.contains("is for a command") == true)
        #expect(Self.mistakes("command: /bin/x, headers: { a: b }").first?.contains("is for a url") == true)
        #expect(Self.mistakes("url: 'https://a.example', headers: { host: b }").count == 1)
        #expect(Self.mistakes("url: 'https://a.example', headers: { mcp-session-id: b }").count == 1)
        #expect(Given.mistakes("tools: { servers: { tasks: { command: /bin/x } } }").count == 1)
    }

    @Test func `a program is named in the file alone (row 104)`() throws {
        let settings = try Given.settings(nil, ["TURNPIKE_TOOLS_SERVERS_EVIL_COMMAND": "/bin/sh"])
        #expect(settings.tools.isEmpty)
        #expect(!Given.mistakes(nil, flags: ["--tools-servers-evil-command", "/bin/sh"]).isEmpty)
    }
}
