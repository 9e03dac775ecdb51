import Core
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import Programs
import Testing
import Tools
import Transport

/// Programs of tool servers, with small scripts in their place (row 104).
@Suite struct ProgramTests {
    /// Without what sets limits, which needs the whole executable.
    private static let runner = ProgramRunner { plan, _ in
        ProgramRunner.Start(path: plan.path, arguments: plan.arguments)
    }

    private static func plan(
        _ script: String,
        environment: [(name: String, value: Secret<String>)] = [("PATH", Secret("/usr/bin:/bin"))],
        processes: Int = 64
    ) -> ProgramPlan {
        ProgramPlan(
            path: "/bin/sh",
            arguments: ["-c", script],
            environment: environment,
            limits: ProgramPlan.Limits(processes: processes)
        )
    }

    private static func run(
        _ plan: ProgramPlan,
        _ input: String = "",
        onOutput: @escaping @Sendable (String) throws -> Void = { _ in }
    ) async throws -> (end: ProgramEnd, output: String, errors: String) {
        let (stream, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
        if !input.isEmpty { feed.yield(ByteBuffer(string: input)) }
        feed.finish()
        let (output, errors) = (NIOLockedValueBox(""), NIOLockedValueBox(""))
        let end = try await Self.runner.run(plan, input: stream) { piece in
            output.withLockedValue { $0 += String(buffer: piece) }
            try onOutput(output.withLockedValue { $0 })
        } errors: { piece in
            errors.withLockedValue { $0 += String(buffer: piece) }
        }
        return (end, output.withLockedValue { $0 }, errors.withLockedValue { $0 })
    }

    @Test func `a program reads and writes, and its end is told`() async throws {
        let (end, output, errors) = try await Self.run(Self.plan("cat; echo wrong >&2; exit 7"), "hello\n")
        #expect(end == .exited(7) && output == "hello\n" && errors == "wrong\n")
    }

    @Test func `a program sees the environment that was written down, and nothing of ours`() async throws {
        setenv("TURNPIKE_TEST_CANARY", "canary", 1)
        let plan = ProgramPlan(path: "/usr/bin/env", environment: [("A", Secret("b c"))])
        let (_, output, _) = try await Self.run(plan)
        #expect(output == "A=b c\n")
    }

    @Test func `what is no executable file is not started`() async throws {
        for path in ["/nowhere", "/etc/passwd", "sh"] {
            await #expect(throws: ProgramFailure.self) { try await Self.run(ProgramPlan(path: path)) }
        }
    }

    @Test func `a program is ended with all it started`() async throws {
        let started = NIOLockedValueBox("")
        // It ignores being asked, and so does what it started.
        let script = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; while :; do sleep 1; done"
        await #expect(throws: ProgramFailure.self) {
            try await Self.run(Self.plan(script)) { text in
                started.withLockedValue { $0 = text }
                throw ProgramFailure("enough")
            }
        }
        let id = try #require(pid_t(started.withLockedValue { $0.filter(\.isNumber) }))
        // Gone, or a zombie that whoever is first among all processes has not looked at yet.
        let state = Self.state(id)
        #expect(state == nil || state == "Z", "\(state ?? "")")
    }

    private static func state(_ id: pid_t) -> String? {
        guard let file = fopen("/proc/\(id)/stat", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 256)
        guard fgets(&text, 256, file) != nil else { return nil }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return line.split(separator: ")").last?.split(separator: " ").first.map(String.init)
    }

    @Test func `what was left behind by a program that ended is ended too`() async throws {
        let (end, output, _) = try await Self.run(Self.plan("sleep 1000 & echo $!; exit 0"))
        #expect(end == .exited(0))
        let id = try #require(pid_t(output.filter(\.isNumber)))
        let state = Self.state(id)
        #expect(state == nil || state == "Z")
    }

    @Test func `a program that starts more and more processes is ended, for root too`() async throws {
        let script = "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait"
        let (end, _, _) = try await Self.run(Self.plan(script, processes: 20))
        #expect(end == .tooManyProcesses)
    }

    /// A server of the older generation in a shell script, which knows its requests by their numbers.
    private static let server = """
        read a; echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'
        read a; echo '{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}'
        read a; read a
        echo 'a line that is no message'
        echo 'token=abcdefghijklmnopqrstuvwxyz0123456789 is bad' >&2
        echo '{"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"say","inputSchema":{"type":"object"}}]}}'
        read a; echo '{"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"text","text":"hello"}]}}'
        read a; exit 3
        """

    @Test func `a tool server over standard input and output is asked, and started again when it ends`() async throws {
        let news = NIOLockedValueBox<[ServerNews]>([])
        let pauses = NIOLockedValueBox<[Duration]>([])
        let link = StdioLink(
            server: "sh",
            plan: Self.plan(Self.server),
            launcher: Self.runner,
            client: ["name": "test", "version": "1"],
            onNews: { new in news.withLockedValue { $0.append(new) } },
            clock: { .now() },
            pause: { time in pauses.withLockedValue { $0.append(time) } }
        )
        let caller = ToolCaller(group: GroupID("demo"))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await link.run() }
            do {
                for _ in 0..<2 {
                    let tools = try await link.list()
                    let tool = try #require(tools.first)
                    #expect(tool.name == "say")
                    let deadline = NIODeadline.now() + .seconds(20)
                    let outcome = try await link.call(
                        tool,
                        arguments: [:],
                        for: caller,
                        deadline: deadline,
                        progress: nil
                    )
                    #expect(outcome.text == "hello")
                    await #expect(throws: ToolError.stopped(server: "sh", "ended with status 3")) {
                        try await link.call(tool, arguments: [:], for: caller, deadline: deadline, progress: nil)
                    }
                    // What is asked between two programs hears why there is none, until the next has begun.
                    while news.withLockedValue({ $0.count { $0 == .started } }) < 2 { await Task.yield() }
                }
            } catch {
                Issue.record("\(error)")
            }
            link.close()
            await group.waitForAll()
        }
        #expect(pauses.withLockedValue { Array($0.prefix(2)) } == [.seconds(1), .seconds(2)])
        #expect(news.withLockedValue { $0.contains(.errorLine("*** is bad")) })
        await #expect(throws: ToolError.closed(server: "sh")) { try await link.list() }
    }
}
