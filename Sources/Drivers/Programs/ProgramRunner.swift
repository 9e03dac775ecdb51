internal import Core
internal import Glibc
package import NIOCore
internal import Subprocess
internal import SystemPackage
package import Transport

/// Starts the programs of tool servers with swift-subprocess: each in a session of its own, with limits, and with
/// nothing of the gateway's environment (row 104).
package struct ProgramRunner: ProgramLauncher {
    /// How a program is started, so that its limits hold from its first instruction on.
    package struct Start: Sendable, Equatable {
        package var path: String
        package var arguments: [String]

        package init(path: String, arguments: [String]) {
            self.path = path
            self.arguments = arguments
        }
    }

    /// How often a program's processes are counted.
    static let watchEvery = Duration.milliseconds(200)
    /// How long it has to end by itself once it is asked to.
    static let patience = Duration.seconds(2)

    private let start: @Sendable (ProgramPlan, _ userProcessesMax: Int) -> Start

    /// - Parameter start: What to run, which sets the limits of the plan on itself and then becomes the program;
    ///   `userProcessesMax` is what `RLIMIT_NPROC` has to be, which counts all processes of the user.
    package init(start: @escaping @Sendable (ProgramPlan, _ userProcessesMax: Int) -> Start) { self.start = start }

    /// Starts programs through `LimitedExec` in another process of this executable.
    package static func throughItself() throws(ProgramFailure) -> ProgramRunner {
        var buffer = [CChar](repeating: 0, count: 4097)
        let count = readlink("/proc/self/exe", &buffer, 4096)
        guard count > 0 else { throw ProgramFailure("the path of this program cannot be told") }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ProgramRunner { plan, processes in
            Start(path: path, arguments: LimitedExec.arguments(for: plan, userProcessesMax: processes))
        }
    }

    package func run(
        _ plan: ProgramPlan,
        input: AsyncStream<ByteBuffer>,
        output: @escaping @Sendable (ByteBuffer) throws -> Void,
        errors: @escaping @Sendable (ByteBuffer) -> Void
    ) async throws -> ProgramEnd {
        guard plan.path.hasPrefix("/"), access(plan.path, X_OK) == 0 else {
            throw ProgramFailure("cannot be started: there is no executable file at its path")
        }
        let start = self.start(plan, ProcessTable.count(ofUser: getuid()) + plan.limits.processes)
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.patience)
        ]
        let leader = Leader()
        defer { leader.killAll() }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(start.path)),
                arguments: Arguments(start.arguments),
                environment: .custom(Self.environment(plan)),
                workingDirectory: "/",
                platformOptions: options,
                input: .inputWriter,
                output: .sequence,
                error: .sequence
            ) { execution in
                leader.set(execution.processIdentifier.value)
                return try await Self.attend(execution, leader, plan.limits, input, output, errors)
            }
            if result.closureResult { return .tooManyProcesses }
            switch result.terminationStatus {
            case .exited(let code): return .exited(code)
            case .signaled(let signal): return .signalled(signal)
            }
        } catch let error as ProgramFailure {
            throw error
        } catch let error as SubprocessError {
            guard !Task.isCancelled else { throw CancellationError() }
            throw ProgramFailure("cannot be started or spoken to (\(error.code))")
        }
    }

    /// The whole environment; a name that is none is left out.
    private static func environment(_ plan: ProgramPlan) -> [Environment.Key: String] {
        var environment: [Environment.Key: String] = [:]
        for (name, value) in plan.environment {
            guard let key = Environment.Key(rawValue: name) else { continue }
            environment[key] = value.reveal { $0 }
        }
        return environment
    }

    private typealias Running = Execution<CustomWriteInput, SequenceOutput, SequenceOutput>

    /// Carries bytes to and fro until the program has ended.
    ///
    /// - Returns: Whether it had to be ended because it had too many processes.
    private static func attend(
        _ execution: Running,
        _ leader: Leader,
        _ limits: ProgramPlan.Limits,
        _ input: AsyncStream<ByteBuffer>,
        _ output: @escaping @Sendable (ByteBuffer) throws -> Void,
        _ errors: @escaping @Sendable (ByteBuffer) -> Void
    ) async throws -> Bool {
        let (writer, standardOutput, standardError) = (
            execution.standardInputWriter, execution.standardOutput, execution.standardError
        )
        return try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                // One that does not read any more is about to end, which the others see.
                for await bytes in input {
                    do { _ = try await writer.write(Array(bytes.readableBytesView)) } catch { break }
                }
                try? await writer.finish()
                return .input
            }
            group.addTask {
                try await Self.read(standardOutput, output)
                return .output
            }
            group.addTask {
                try await Self.read(standardError, errors)
                return .output
            }
            group.addTask {
                .end(hadTooMany: try await leader.watch(processesMax: limits.processes, every: Self.watchEvery))
            }
            var (outputs, hadTooMany) = (0, false)
            while outputs < 3, let part = try await group.next() {
                switch part {
                case .input: break
                case .output: outputs += 1
                case .end(let tooMany):
                    // Whoever was started beside it still holds its ends of the pipes.
                    leader.killAll()
                    hadTooMany = tooMany
                    outputs += 1
                }
            }
            group.cancelAll()
            return hadTooMany
        }
    }

    /// What attending a program is made of.
    private enum Part {
        case input, output
        case end(hadTooMany: Bool)
    }

    /// Reads to the end, which may be a fault of reading where the program is gone.
    private static func read(
        _ sequence: SubprocessOutputSequence,
        _ take: @Sendable (ByteBuffer) throws -> Void
    ) async throws {
        do {
            for try await piece in sequence { try take(Self.bytes(piece)) }
        } catch is SubprocessError {
            try Task.checkCancellation()
        }
    }

    private static func bytes(_ piece: SubprocessOutputSequence.Buffer) -> ByteBuffer {
        piece.withUnsafeBytes { ByteBuffer(bytes: $0) }
    }
}
