import Core
import Glibc
import NIOPosix
import TestKit

/// A server of `Tests/Fixtures/servers` while a test runs.
///
/// It says where it is in one line of JSON, and ends when its standard input does, so that none survives its test.
struct PythonServer: Sendable {
    /// What the server said.
    let said: JSONValue

    /// A Python with moto, PyJWT and cryptography; nil where `make test` has not made one.
    static let interpreter: String? = {
        let root = Fixtures.folder.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        let candidates = [".venv-keys", ".venv"].map { root.joined(separator: "/") + "/\($0)/bin/python" }
        return (candidates + ["/usr/bin/env"]).first { path in
            guard access(path, X_OK) == 0 else { return false }
            let arguments = ["-c", "import boto3, cryptography, jwt, moto.server"]
            guard let child = try? Child(path, arguments) else { return false }
            return child.status() == 0
        }
    }()

    /// Said where tests are left out.
    static let advice = "needs a Python with Tests/Fixtures/servers/requirements.txt; make test installs one"

    /// Runs a server while `body` runs.
    static func with<Result: Sendable>(
        _ script: String,
        _ arguments: [String] = [],
        _ body: (PythonServer) async throws -> Result
    ) async throws -> Result {
        guard let python = Self.interpreter else { throw Failure.noPython }
        let child = try Child(python, ["\(Fixtures.folder)/servers/\(script)"] + arguments)
        defer { child.end() }
        // Reading blocks a thread; not one of those that run tests.
        let line = try await NIOThreadPool.singleton.runIfActive { try child.readLine() }
        return try await body(PythonServer(said: try JSONValue.parse(line)))
    }

    func text(_ name: String) -> String { self.said[name]?.stringValue ?? "" }

    enum Failure: Error { case noPython, cannotStart(Int32), silent }

    /// A process with a pipe to its standard input and one from its standard output.
    private struct Child: Sendable {
        let id: pid_t
        let input: Int32
        let output: Int32

        init(_ path: String, _ arguments: [String]) throws {
            var toChild: [Int32] = [0, 0]
            var fromChild: [Int32] = [0, 0]
            guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw Failure.cannotStart(errno) }
            for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
            posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
            let words = path == "/usr/bin/env" ? [path, "python3"] + arguments : [path] + arguments
            var pointers = words.map { strdup($0) } + [nil]
            var environment = Self.environment.map { strdup($0) } + [nil]
            defer { for pointer in pointers + environment { free(pointer) } }
            var id = pid_t()
            let status = posix_spawn(&id, path, &actions, nil, &pointers, &environment)
            close(toChild[0])
            close(fromChild[1])
            guard status == 0 else {
                close(toChild[1])
                close(fromChild[0])
                throw Failure.cannotStart(status)
            }
            self.id = id
            self.input = toChild[1]
            self.output = fromChild[0]
        }

        /// Nothing of the machine's own cloud may be in it.
        private static var environment: [String] {
            let names = ["PATH", "HOME", "LANG"]
            return names.compactMap { name in getenv(name).map { "\(name)=" + String(cString: $0) } }
                + ["PYTHONWARNINGS=ignore"]
        }

        /// The first line, within a minute.
        func readLine() throws -> String {
            var line: [UInt8] = []
            var byte: UInt8 = 0
            while true {
                var event = pollfd(fd: self.output, events: Int16(POLLIN), revents: 0)
                guard poll(&event, 1, 60_000) == 1, read(self.output, &byte, 1) == 1 else { throw Failure.silent }
                if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
                line.append(byte)
            }
        }

        /// Waits for its end.
        func status() -> Int32 {
            close(self.input)
            close(self.output)
            var status: Int32 = 0
            waitpid(self.id, &status, 0)
            return status
        }

        func end() {
            kill(self.id, SIGKILL)
            _ = self.status()
        }
    }
}
