/// Something the sources must not say, why, and where they may.
struct Ban: Sendable {
    /// Any of these, as code: comments and strings do not count.
    ///
    /// A letter at either end must be the end of a word.
    /// A space stands for any number of spaces.
    let patterns: [String]
    /// Said to whoever breaks it: what is wrong, and what to do instead.
    let reason: String
    /// Folders and files it holds in.
    var scope = ["Sources/"]
    /// Folders, or files named without folder, where it does not hold.
    var allowedIn: [String] = []
    /// A comment on the line, right above it or right below it that lifts the ban.
    var unlessNoted: String?

    /// A readable complaint for each line of `source` that breaks this ban.
    func violations(in source: SourceText) -> [String] {
        guard self.applies(to: source.path) else { return [] }
        var found: [String] = []
        for (index, line) in source.code.enumerated() {
            guard let pattern = self.patterns.first(where: { Self.matches($0, in: line) }) else { continue }
            if let note = self.unlessNoted, source.hasNote(note, at: index) { continue }
            found.append("\(source.path):\(index + 1): `\(pattern)`: \(self.reason)")
        }
        return found
    }

    func applies(to path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard self.scope.contains(where: { path.hasPrefix($0) }) else { return false }
        return !self.allowedIn.contains { $0 == name || $0 == path || ($0.hasSuffix("/") && path.hasPrefix($0)) }
    }

    private static func matches(_ pattern: String, in line: [UInt8]) -> Bool {
        let wanted = Array(pattern.utf8)
        guard let first = wanted.first, let last = wanted.last else { return false }
        for start in line.indices where line[start] == first {
            if isWord(first), start > 0, isWord(line[start - 1]) { continue }
            guard let end = Self.end(of: wanted, in: line, from: start) else { continue }
            if isWord(last), end < line.count, isWord(line[end]) { continue }
            return true
        }
        return false
    }

    /// Where `wanted` ends if it stands at `start`, spaces counting as any number of spaces.
    private static func end(of wanted: [UInt8], in line: [UInt8], from start: Int) -> Int? {
        var position = start
        for byte in wanted {
            if byte == UInt8(ascii: " ") {
                while position < line.count, line[position] == byte { position += 1 }
            } else {
                guard position < line.count, line[position] == byte else { return nil }
                position += 1
            }
        }
        return position
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension Ban {
    /// The table.
    ///
    /// A row that nothing can break any more, or that is broken with good reason, changes here, in review.
    static let all: [Ban] = everywhere + pureModules

    private static let everywhere: [Ban] = [
        Ban(
            patterns: [
                "Task {", "Task(", "Task<Void, Never> {", "Task<Void, Never>(", "Task.detached", "Task.immediate",
                "Task.init",
            ],
            reason: "nobody waits for it, and it leaves the loop; use a task group or Service.run()",
            allowedIn: ["Main.swift", "Uncancelled.swift", "ConnectionTask.swift"]
        ),
        Ban(
            patterns: ["try!", "as!", "fatalError(", "fatalError", "preconditionFailure("],
            reason: "input must not be able to stop the server; throw, or state a precondition with the value in it"
        ),
        Ban(
            patterns: ["print(", "debugPrint(", "dump("],
            reason: "goes around the logger, and could print a secret",
            allowedIn: ["Sources/App/Commands/"]
        ),
        Ban(
            patterns: [
                "Date()", "Date.now", "UUID()", ".random(", ".randomElement(", ".shuffled()",
                "SystemRandomNumberGenerator()", "ContinuousClock.now", "ContinuousClock().now", "SuspendingClock.now",
                "SuspendingClock().now",
                "NIODeadline.now()", "DispatchTime.now()", "clock_gettime(", "getrandom(",
            ],
            reason: "takes time or chance from the air, so that no test can set it; pass it in",
            allowedIn: [
                "Sources/App/", "Sources/Client/", "Sources/Drivers/", "Sources/Engine/", "Sources/HTTP/",
                "Sources/Net/", "Sources/Remote/", "Sources/Simulator/",
                "Clocks.swift",
                "RequestID.swift",
            ]
        ),
        Ban(
            patterns: ["Task.sleep", "Thread.sleep", "usleep(", "nanosleep("],
            reason: "slow and flaky; move time by hand, or wait for the thing itself",
            scope: ["Tests/"],
            // Blocker.swift holds a thread on purpose: what it tests is a thread that is held.
            allowedIn: ["Tests/ContractTests/", "Tests/NetTests/Blocker.swift"]
        ),
        Ban(
            patterns: [
                "@unchecked Sendable", "nonisolated(unsafe)", "unowned(unsafe)", "unsafeBitCast(", "unsafeDowncast(",
            ],
            reason: "the compiler has been told to look away; say why it is safe in a `// Safety:` line beside it",
            scope: ["Sources/", "Tests/", "Fuzz/", "Benchmarks/"],
            unlessNoted: "// Safety:"
        ),
        Ban(
            patterns: [".unsafelyUnwrapped", "_exported", "-Ounchecked"],
            reason: "skips a check that input can reach, or hides an import",
            // One import is to be enough for those who use the library.
            allowedIn: ["Sources/Client/Exports.swift", "Sources/Remote/Exports.swift"]
        ),
        Ban(
            patterns: ["import Foundation"],
            reason: "30 MB and a second JSON parser for a date; use FoundationEssentials, or pass a value"
        ),
        Ban(
            patterns: ["import FoundationNetworking", "URLSession", "HTTPClient(", "getaddrinfo(", "ClientBootstrap("],
            reason: "every outgoing call goes through the one dialer, which checks the resolved address (row 31)",
            allowedIn: ["Sources/Net/", "Sources/TestKit/"]
        ),
        Ban(
            patterns: ["ProcessInfo.processInfo.environment", "getenv(", "setenv("],
            reason: "settings are read once, in Settings, where they are checked and documented",
            allowedIn: ["Sources/Engine/Settings.swift", "Sources/Engine/Settings/"]
        ),
        Ban(
            patterns: ["Mutex(", "Mutex<"],
            reason: "ThreadSanitizer reports false races on it here; use NIOLockedValueBox (atomics are fine)",
            scope: ["Sources/", "Tests/"]
        ),
        Ban(
            patterns: ["HTTPResponse.Status", "HTTPResponseStatus", "HTTPStatus"],
            reason: "domain code does not know HTTP; throw a GatewayError and let ErrorBodies choose the status",
            scope: ["Sources/Domain/", "Sources/Pipeline/", "Sources/Operations/"],
            allowedIn: ["Sources/Domain/Providers/"]
        ),
    ]

    /// Wire, Providers, Dialects and Resilience are pure: what goes in decides what comes out.
    private static let pureModules: [Ban] = [
        Ban(
            patterns: ["async", "await", "import Logging", "NIOLock(", "NIOLockedValueBox", "NSLock("],
            reason: "this module is pure: no waiting, no logging, no locks; the shell that needs it lives in Pipeline",
            scope: [
                "Sources/Base/Wire/", "Sources/Domain/Providers/", "Sources/Domain/Dialects/",
                "Sources/Domain/Resilience/",
            ]
        )
    ]
}
