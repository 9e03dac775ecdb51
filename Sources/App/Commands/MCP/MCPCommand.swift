import ArgumentParser
import Core
import Engine
import Glibc
import HTTP
import NIOCore
import Net
import Operations
import Tools

/// `turnpike mcp`.
struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Tool servers that are a part of Turnpike, for clients of MCP.",
        subcommands: [Tasks.self]
    )

    struct Tasks: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serve a person's tasks, kept in the gateway's store, as MCP tools.",
            discussion: """
                turnpike mcp tasks --group demo --user anna
                turnpike mcp tasks --group demo --user anna --http 127.0.0.1:8095

                Without --http it speaks over standard input and output, as MCP clients start their servers. A running \
                gateway serves the same at /mcp/tasks, for the person whose key is sent; docs/tasks.md has examples.
                """
        )

        @Option(help: "Whose tasks: the group.")
        var group = GroupID.defaultGroup.text

        @Option(help: "Whose tasks: the person in the group.")
        var user: String

        @Option(help: "Serve over HTTP at this address of this machine, /mcp, for whoever can reach it.")
        var http: String?

        @Option(help: "The settings file; turnpike.yaml if not given.")
        var config: String?

        func validate() throws {
            guard SettingRule.isGroupID(self.group) else { throw ValidationError("--group is not a group's id") }
            guard !self.user.isEmpty, self.user.utf8.count <= 256 else { throw ValidationError("--user is no id") }
            guard let http = self.http else { return }
            guard let address = ListenAddress(http), address.isLoopback else {
                throw ValidationError("--http \(http) is not an address of this machine alone (write 127.0.0.1:8095)")
            }
        }

        func run() async throws {
            let settings = try LocalStore.settings(config: self.config)
            let caller = ToolCaller(group: GroupID(self.group), user: UserID(self.user))
            let address = self.http.flatMap { ListenAddress($0) }
            try await LocalStore.with(settings) { store in
                try await Bootstrap.run(settings, store: store)
                let tasks = TaskTools.server(on: store.database, version: Version.text) { SystemClock.now }
                if let address {
                    try await Self.serve(MCPServer(tasks), at: address, for: caller)
                } else {
                    try await MCPLines(MCPServer(tasks), for: caller).run()
                }
            }
        }

        private static func serve(_ server: MCPServer, at address: ListenAddress, for caller: ToolCaller) async throws {
            let runtime = try await NetRuntime(loopCount: 1)
            let load = ServerLoad(limits: .init(connectionsMax: 64, bodyBytesMax: 64 << 20))
            let http = HTTPServer(runtime: runtime, handler: MCPHandler(server, for: caller), load: load)
            do {
                let bound = try await http.listen(host: address.host, port: address.port)
                let port = bound?.port ?? address.port
                Terminal.error.write("Serving tasks at http://\(address.urlHost):\(port)/mcp; Ctrl-C ends it.\n")
                _ = try await Interrupts.run { try await Task.sleep(for: .seconds(86_400 * 36_500)) }
                _ = await http.drain(within: .seconds(2))
                await runtime.shutdown()
            } catch {
                await runtime.shutdown()
                throw error
            }
        }
    }
}

/// MCP over standard input and output: a message on each line.
struct MCPLines {
    private let server: MCPServer
    private let caller: ToolCaller

    init(_ server: MCPServer, for caller: ToolCaller) {
        self.server = server
        self.caller = caller
    }

    /// Answers until standard input ends.
    ///
    /// One after the other: nothing here takes long, and answers are in the order of their requests.
    func run() async throws {
        var lines = LineSplitter(lineBytesMax: RPCMessage.bytesMax, overflow: .fail)
        while let piece = Self.read() {
            for line in lines.take(piece) {
                guard let answer = await self.answer(line) else { continue }
                guard Self.write(answer) else { return }
            }
            guard !lines.isBroken else {
                throw CommandFailure("a message is larger than \(RPCMessage.bytesMax) bytes")
            }
        }
    }

    private func answer(_ line: ByteBuffer) async -> RPCMessage? {
        do throws(RPCFault) {
            return await self.server.answer(try RPCMessage.parse(line), for: self.caller)
        } catch {
            return .failure(id: nil, error)
        }
    }

    /// Waits for the next bytes; nil at the end.
    private static func read() -> ByteBuffer? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count > 0 { return ByteBuffer(bytes: buffer[..<count]) }
            guard count < 0, errno == EINTR else { return nil }
        }
    }

    /// False where nobody reads any more.
    private static func write(_ message: RPCMessage) -> Bool {
        var bytes = message.bytes
        bytes.writeInteger(UInt8(ascii: "\n"))
        return bytes.withUnsafeReadableBytes { raw in
            var start = 0
            while start < raw.count {
                let count = Glibc.write(STDOUT_FILENO, raw.baseAddress.map { $0 + start }, raw.count - start)
                if count > 0 { start += count } else if errno != EINTR { return false }
            }
            return true
        }
    }
}
