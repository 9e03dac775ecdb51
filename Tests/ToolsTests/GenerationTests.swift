import Core
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing
import Tools

/// Both generations of MCP, and how one is found.
@Suite struct GenerationTests {
    /// A server of the older generation, whose session a test can take away.
    private static func server(_ session: NIOLockedValueBox<String>) async throws -> ScriptedServer {
        try await ScriptedServer { seen in
            let id = session.withLockedValue { $0 }
            let isInSession = seen.head.contains("mcp-session-id: \(id)")
            switch seen.method {
            case "initialize":
                return ScriptedServer.result(
                    seen,
                    [
                        "protocolVersion": "2025-06-18", "capabilities": [:],
                        "serverInfo": ["name": "x", "version": "1"],
                    ],
                    fields: "mcp-session-id: \(id)\r\n"
                )
            case _ where !isInSession:
                return ScriptedServer.fault(seen, -32_600, status: seen.head.contains("mcp-session-id") ? 404 : 400)
            case "notifications/initialized", "notifications/cancelled": return ScriptedServer.accepted
            case "tools/list":
                // In two pages.
                guard seen.message["params"]?["cursor"] != nil else {
                    return ScriptedServer.result(seen, ["tools": [ScriptedServer.tool("one")], "nextCursor": "2"])
                }
                return ScriptedServer.result(
                    seen,
                    ["tools": [ScriptedServer.tool("echo"), ScriptedServer.tool("slow")]]
                )
            case "tools/call" where seen.message["params"]?["name"] == .string("slow"): return .hang("")
            default: return ScriptedServer.result(seen, ["content": [["type": "text", "text": "hello"]]])
            }
        }
    }

    @Test func `a server of the older generation is found out, and asked in its way from then on`() async throws {
        let session = NIOLockedValueBox("first")
        let server = try await Self.server(session)
        let bench = try await ToolBench()
        bench.servers.use([try ToolBench.settings(server)])
        #expect(await bench.call() == .success(ToolOutcome(text: "hello")))
        #expect(await bench.call() == .success(ToolOutcome(text: "hello")))
        #expect(
            server.seen.map(\.method) == [
                "server/discover", "initialize", "notifications/initialized", "tools/list", "tools/list", "tools/call",
                "tools/call",
            ]
        )
        let call = try #require(server.seen.last)
        #expect(call.head.contains("mcp-protocol-version: 2025-06-18"))
        #expect(call.message["params"]?["_meta"] == nil)
        await bench.end()
    }

    @Test func `a session that the server forgot is made anew, and the call is made once`() async throws {
        let session = NIOLockedValueBox("first")
        let server = try await Self.server(session)
        let bench = try await ToolBench()
        bench.servers.use([try ToolBench.settings(server)])
        #expect(await bench.call() == .success(ToolOutcome(text: "hello")))
        session.withLockedValue { $0 = "second" }
        let before = server.seen.count
        #expect(await bench.call() == .success(ToolOutcome(text: "hello")))
        let since = server.seen.dropFirst(before)
        #expect(since.filter { $0.method == "tools/call" && $0.head.contains("mcp-session-id: second") }.count == 1)
        await bench.end()
    }

    @Test func `a server is told of a call that was given up`() async throws {
        let server = try await Self.server(NIOLockedValueBox("first"))
        let bench = try await ToolBench()
        bench.servers.use([try ToolBench.settings(server, timeout: .milliseconds(400))])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bench.servers.run() }
            // Session and list are there already, so that the time is that of the call alone.
            _ = try? await bench.servers.report(on: "web", isFresh: true)
            guard case .failure(.timedOut) = await bench.call("slow") else {
                Issue.record("it was not given up")
                group.cancelAll()
                return
            }
            while !server.seen.contains(where: { $0.method == "notifications/cancelled" }) { await Task.yield() }
            group.cancelAll()
        }
        let asked = server.seen.first { $0.method == "tools/call" }
        let told = server.seen.first { $0.method == "notifications/cancelled" }
        #expect(told?.message["params"]?["requestId"] == asked?.message["id"])
        await bench.end()
    }

    @Test func `a grant of all gives what only reads, and a list is asked for once`() async throws {
        let readOnly: JSONValue = [
            "name": "read", "inputSchema": ["type": "object"], "annotations": ["readOnlyHint": true],
        ]
        let server = try await ScriptedServer.stateless(tools: { [readOnly, ScriptedServer.tool("write")] }) { seen in
            ScriptedServer.result(seen, ["content": []])
        }
        let bench = try await ToolBench()
        bench.servers.use([try ToolBench.settings(server)])
        let grants = ["web/*", "web/write", "web/none", "gone/*"].compactMap { ToolGrant(parsing: $0) }
        async let first = bench.servers.offers(grants, for: GroupID("demo"))
        async let second = bench.servers.offers([grants[0]], for: GroupID("demo"))
        let (offers, missing) = await first
        #expect(offers.map(\.modelName) == ["web__read", "web__write"])
        #expect(missing.map(\.grant.text) == ["web/none", "gone/*"])
        #expect(await second.offers.map(\.name.tool) == ["read"])
        #expect(server.seen.filter { $0.method == "tools/list" }.count == 1)
        await bench.end()
    }
}
