import Core
import Database
import NIOConcurrencyHelpers
import NIOCore
import Net
import SQLite
import TestKit
import Tools
import Transport

/// A tool server whose answers a test decides.
final class ScriptedServer: Sendable {
    /// A request as it came.
    struct Seen: Sendable {
        let head: String
        let message: JSONValue

        var method: String { self.message["method"]?.stringValue ?? "" }
    }

    /// What is sent back for a message; the bytes of a whole answer.
    typealias Script = @Sendable (Seen) -> Step

    enum Step: Sendable {
        case send(String)
        /// The bytes, and nothing further: the connection stays open.
        case hang(String)
    }

    let listener: RawListener
    private let seenBox: NIOLockedValueBox<[Seen]>

    var seen: [Seen] { self.seenBox.withLockedValue { $0 } }
    var port: Int { self.listener.port }

    init(_ script: @escaping Script) async throws {
        let seenBox = NIOLockedValueBox<[Seen]>([])
        self.seenBox = seenBox
        self.listener = try await RawPeer.listen { peer in
            while true {
                guard let seen = try await Self.request(peer) else { return }
                seenBox.withLockedValue { $0.append(seen) }
                switch script(seen) {
                case .send(let text): try await peer.send(text)
                case .hang(let text):
                    try await peer.send(text)
                    try await peer.readToEnd(within: 60)
                    return
                }
            }
        }
    }

    private static func request(_ peer: RawPeer) async throws -> Seen? {
        let head = try await peer.read(until: "\r\n\r\n", within: 60)
        guard let end = head.range(of: "\r\n\r\n") else { return nil }
        let fields = String(head[..<end.lowerBound])
        let length =
            fields.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: ":")[1].filter { $0 != " " }) } ?? 0
        let start = head[..<end.upperBound].utf8.count
        try await peer.read(count: start + length, within: 60)
        let body = String(decoding: Array(peer.text.utf8).dropFirst(start), as: UTF8.self)
        peer.clear()
        return Seen(head: fields, message: (try? JSONValue.parse(body)) ?? .null)
    }

    // MARK: - Answers

    static func json(_ value: JSONValue, status: Int = 200, fields: String = "") -> String {
        let body = value.text
        return "HTTP/1.1 \(status) X\r\ncontent-type: application/json\r\n\(fields)content-length: \(body.utf8.count)"
            + "\r\n\r\n\(body)"
    }

    static func result(_ seen: Seen, _ result: JSONValue, fields: String = "") -> Step {
        .send(Self.json(["jsonrpc": "2.0", "id": seen.message["id"] ?? .null, "result": result], fields: fields))
    }

    static func fault(_ seen: Seen, _ code: Int64, status: Int = 200) -> Step {
        let error: JSONValue = ["code": .integer(code), "message": "no"]
        return .send(
            Self.json(["jsonrpc": "2.0", "id": seen.message["id"] ?? .null, "error": error], status: status)
        )
    }

    static let accepted = Step.send("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n")

    /// A server of the newer generation with these tools, which answers calls as told.
    static func stateless(
        tools: @escaping @Sendable () -> JSONValue = { [ScriptedServer.tool("echo")] },
        call: @escaping Script
    ) async throws -> ScriptedServer {
        try await ScriptedServer { seen in
            switch seen.method {
            case "server/discover":
                Self.result(seen, ["resultType": "complete", "supportedVersions": ["2026-07-28"]])
            case "tools/list": Self.result(seen, ["resultType": "complete", "tools": tools()])
            default: call(seen)
            }
        }
    }

    static func tool(_ name: String, _ description: String = "Says it again.") -> JSONValue {
        ["name": .string(name), "description": .string(description), "inputSchema": ["type": "object"]]
    }
}

extension String {
    /// Where another text begins and ends in this one.
    func range(of text: String) -> Range<String.Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(text) {
                return start..<self.index(start, offsetBy: text.count)
            }
            start = self.index(after: start)
        }
        return nil
    }
}

/// Tool servers with a store in memory and the real way out.
final class ToolBench: Sendable {
    static let now = UnixTime(seconds: 1_800_000_000)
    static let caller = ToolCaller(group: GroupID("demo"), user: UserID("anna"), requestID: "req-1")

    let runtime: NetRuntime
    let database: SQLiteDatabase
    let servers: ToolServers
    let pinned = NIOLockedValueBox<[ToolPin]>([])
    let events = NIOLockedValueBox<[String]>([])
    let clock = NIOLockedValueBox<NIODeadline?>(nil)

    init(launcher: (any ProgramLauncher)? = nil) async throws {
        self.runtime = try await NetRuntime(loopCount: 1)
        self.database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: self.database, now: Self.now)
        let (runtime, pinned, events, clock) = (self.runtime, self.pinned, self.events, self.clock)
        self.servers = ToolServers(
            ToolServers.Surroundings(
                dialer: ToolDialer { body in try await runtime.run(body) },
                launcher: launcher,
                database: self.database,
                onPin: { pins, _ in pinned.withLockedValue { $0 += pins } },
                onEvent: { event in events.withLockedValue { $0.append("\(event)") } },
                version: "test",
                clock: { clock.withLockedValue { $0 } ?? .now() },
                wallClock: { Self.now }
            )
        )
    }

    static func settings(
        _ server: ScriptedServer,
        name: String = "web",
        host: String = "127.0.0.1",
        allowPrivate: Bool = true,
        fields: [(name: String, value: Secret<String>)] = [],
        timeout: TimeAmount = .seconds(30)
    ) throws -> ToolServerSettings {
        let endpoint = try Endpoint(url: "http://\(host):\(server.port)/mcp", allowPrivate: allowPrivate)
        return ToolServerSettings(
            name: name,
            way: .http(ToolEndpoint(endpoint: endpoint, fields: fields)),
            timeout: timeout
        )
    }

    /// Calls `echo` of the server `web`.
    func call(
        _ tool: String = "echo",
        progress: (@Sendable (String) -> Void)? = nil
    ) async -> Result<ToolOutcome, ToolError> {
        do throws(ToolError) {
            return .success(
                try await self.servers.call(
                    ToolName(server: "web", tool: tool),
                    arguments: ["text": "hello"],
                    for: Self.caller,
                    deadline: .now() + .seconds(40),
                    progress: progress
                )
            )
        } catch {
            return .failure(error)
        }
    }

    func end() async {
        self.servers.close()
        await self.runtime.shutdown()
    }
}
