package import Core
package import NIOCore

/// A program that is started as a part of the gateway, such as a tool server; only ever named by the boot file.
package struct ProgramPlan: Sendable {
    /// What it may use.
    package struct Limits: Sendable, Equatable {
        /// Processes and threads, its own and those it starts.
        package var processes: Int
        /// Address space of each of its processes, in bytes; nil for no limit.
        package var memoryBytes: Int?
        /// Open files of each of its processes.
        package var files: Int
        /// Processor time of each of its processes, in seconds; nil for no limit.
        package var cpuSeconds: Int?

        package init(processes: Int = 64, memoryBytes: Int? = 4 << 30, files: Int = 256, cpuSeconds: Int? = nil) {
            self.processes = processes
            self.memoryBytes = memoryBytes
            self.files = files
            self.cpuSeconds = cpuSeconds
        }
    }

    /// An absolute path: nothing is looked up, and no shell reads it.
    package let path: String
    package let arguments: [String]
    /// The whole environment: nothing of the gateway's own is passed on.
    package let environment: [(name: String, value: Secret<String>)]
    package let limits: Limits

    package init(
        path: String,
        arguments: [String] = [],
        environment: [(name: String, value: Secret<String>)] = [],
        limits: Limits = Limits()
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.limits = limits
    }
}

/// Why a program ended.
package enum ProgramEnd: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
    /// It had more processes than it may.
    case tooManyProcesses
}

/// A program could not be started; the text says why, in our words and the system's.
package struct ProgramFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Starts programs and ends them.
package protocol ProgramLauncher: Sendable {
    /// Runs a program to its end; a cancelled caller ends it, with all it started (row 104).
    ///
    /// It is the leader of a session and a process group of its own. Whatever is left of that when the program has
    /// ended is killed before this returns.
    ///
    /// - Parameters:
    ///   - input: What it reads from standard input; its end closes that.
    ///   - output: Called with what it writes to standard output, piece by piece; it waits meanwhile. What it throws
    ///     ends the program, and is thrown here.
    ///   - errors: The same for standard error.
    /// - Throws: `ProgramFailure` if it could not be started, `CancellationError`.
    func run(
        _ plan: ProgramPlan,
        input: AsyncStream<ByteBuffer>,
        output: @escaping @Sendable (ByteBuffer) throws -> Void,
        errors: @escaping @Sendable (ByteBuffer) -> Void
    ) async throws -> ProgramEnd
}
