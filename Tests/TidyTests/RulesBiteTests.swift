import Testing

/// A rule that nothing can break proves nothing: each one is shown a source that breaks it.
@Suite struct RulesBiteTests {
    /// What to plant, and where.
    static let planted: [(path: String, code: String)] = [
        ("Sources/Pipeline/A.swift", "let task = Task { await work() }"),
        ("Sources/Pipeline/A.swift", "let task = Task<Void, Never> { await work() }"),
        ("Sources/Net/Pool.swift", "Task.detached { }"),
        ("Sources/HTTP/A.swift", "let value = try! parse(body)"),
        ("Sources/HTTP/A.swift", "let value = body as! String"),
        ("Sources/Base/Core/A.swift", "default: fatalError(\"no\")"),
        ("Sources/App/Main.swift", "print(key)"),
        ("Sources/Domain/Auth/A.swift", "let now = ContinuousClock.now"),
        ("Sources/Pipeline/A.swift", "let id = UUID()"),
        ("Sources/Domain/Auth/A.swift", "let jitter = Double.random(in: 0...1)"),
        ("Tests/NetTests/A.swift", "try await Task.sleep(for: .seconds(1))"),
        ("Sources/Net/A.swift", "final class Box: @unchecked Sendable {}"),
        ("Tests/NetTests/A.swift", "nonisolated(unsafe) var count = 0"),
        ("Sources/Net/A.swift", "let next = self.next.unsafelyUnwrapped"),
        ("Sources/Base/Core/A.swift", "import Foundation"),
        ("Sources/Pipeline/A.swift", "let client = HTTPClient(eventLoopGroup: group)"),
        ("Sources/Simulator/A.swift", "let bootstrap = ClientBootstrap(group: group)"),
        ("Sources/HTTP/A.swift", "let key = ProcessInfo.processInfo.environment[\"KEY\"]"),
        ("Sources/Pipeline/A.swift", "let count = Mutex(0)"),
        ("Sources/Domain/Auth/A.swift", "let status: HTTPResponse.Status = .ok"),
        ("Sources/Base/Wire/A.swift", "func parse() async {}"),
        ("Sources/Domain/Providers/A.swift", "let cache = NIOLockedValueBox(0)"),
        ("Sources/Net/A.swift", "log(\"\\(try! value())\")"),
    ]

    @Test(arguments: Self.planted)
    func `a planted breach is found and explained`(path: String, code: String) throws {
        let source = SourceText(path: path, text: "struct A {\n    \(code)\n}\n")
        let complaint = try #require(Ban.all.flatMap { $0.violations(in: source) }.first, "nothing found in: \(code)")
        #expect(complaint.hasPrefix("\(path):2: `"), "\(complaint)")
        #expect(complaint.count > path.count + 20, "no reason given: \(complaint)")
    }

    @Test func `every ban has a planted breach`() {
        let sources = Self.planted.map { SourceText(path: $0.path, text: $0.code) }
        for ban in Ban.all {
            #expect(sources.contains { !ban.violations(in: $0).isEmpty }, "nothing planted for: \(ban.patterns)")
        }
    }

    /// Sources that look like a breach and are none.
    static let innocent: [(path: String, code: String)] = [
        ("Sources/Net/ConnectionTask.swift", "let task = Task(executorPreference: loop) { }"),
        ("Sources/App/Commands/Chat.swift", "print(reply)"),
        ("Sources/HTTP/A.swift", "// Never `try!` here; a Task { } would outlive us."),
        ("Sources/HTTP/A.swift", "let help = \"print(this) with try! or Task { }\""),
        ("Sources/HTTP/A.swift", "let help = #\"a \"quoted\" try! here\"#"),
        ("Sources/HTTP/A.swift", "/* Date() /* UUID() */ try! */ let a = 1"),
        ("Sources/Base/Core/A.swift", "import FoundationEssentials"),
        ("Sources/Pipeline/A.swift", "func blueprint(of: Plan) {}; let asset = 1; subTask(1)"),
        ("Sources/Net/A.swift", "// Safety: confined to its loop.\n    final class Box: @unchecked Sendable {}"),
        ("Sources/Net/A.swift", "final class Box: @unchecked Sendable {\n    // Safety: confined to its loop."),
        ("Sources/Net/A.swift", "private var task: Task<Void, Never>?"),
        ("Sources/Base/Wire/A.swift", "let asyncName = 1"),
    ]

    @Test(arguments: Self.innocent)
    func `what only looks like a breach is left alone`(path: String, code: String) {
        let source = SourceText(path: path, text: "struct A {\n    \(code)\n}\n")
        #expect(Ban.all.flatMap { $0.violations(in: source) }.isEmpty)
    }

    @Test func `an import against an arrow is found`() {
        let modules = [
            "Core": "Base", "Wire": "Base", "Transport": "Seams", "Net": "Net", "Auth": "Domain", "Providers": "Domain",
            "Pipeline": "Pipeline", "HTTP": "HTTP", "Simulator": "Simulator",
        ]
        func complaints(_ path: String, _ code: String) -> Int {
            Layers.violations(in: SourceText(path: path, text: code), modules: modules).count
        }
        #expect(complaints("Sources/Base/Core/A.swift", "package import Transport") == 1)
        #expect(complaints("Sources/Base/Core/A.swift", "import Logging") == 1)
        #expect(complaints("Sources/Domain/Auth/A.swift", "import Providers") == 1)
        #expect(complaints("Sources/Net/A.swift", "import struct Auth.Key") == 1)
        #expect(complaints("Sources/Pipeline/A.swift", "@testable internal import HTTP") == 1)
        #expect(complaints("Sources/Pipeline/A.swift", "import NIOPosix") == 1)
        #expect(complaints("Sources/Simulator/A.swift", "import Pipeline") == 1)
        #expect(complaints("Sources/Base/Wire/A.swift", "package import Core\nimport NIOCore") == 0)
        #expect(complaints("Sources/HTTP/A.swift", "import Pipeline\nimport Auth\npackage import Core") == 0)
    }

    @Test func `a long function is found, and only its own lines count`() {
        let body = String(repeating: "        work()\n", count: 71)
        let text = """
            protocol P { func promised(at: Int) }
            struct A {
                init(a: Int) {
                    self.init { 1 }
                }
                func long<T>(
                    a: (Int) -> T = { _ in "}{" }
                ) -> [T] {
            \(body)    }
                func short() {}
            }
            """
        let functions = FunctionLength.functions(in: SourceText(path: "A.swift", text: text))
        #expect(
            functions == [
                FunctionLength.Function(name: "init", line: 3, bodyLines: 1),
                FunctionLength.Function(name: "long", line: 6, bodyLines: 71),
                FunctionLength.Function(name: "short", line: 11 + 71 - 1, bodyLines: 0),
            ]
        )
    }

    @Test func `words of unfinished work and paths of one machine are found`() {
        #expect(LeftOvers.violations(in: "a\n// \(LeftOvers.words[0]): later\n", path: "A").count == 1)
        #expect(LeftOvers.violations(in: "see \(LeftOvers.paths[0])main", path: "A").count == 1)
        #expect(LeftOvers.violations(in: "a\(LeftOvers.words[1])b and home\(LeftOvers.paths[1])x", path: "A").isEmpty)
    }
}
