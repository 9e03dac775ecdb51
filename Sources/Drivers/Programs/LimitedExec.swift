internal import Glibc
internal import Transport

/// Sets limits on its own process and becomes another program: what stands between the gateway and a tool server's
/// program, since nothing of the kind can be set on a process from outside before it runs.
package enum LimitedExec {
    /// The first argument of this executable that asks for it; not a command for people.
    package static let word = "limited-exec"

    /// The arguments that make this executable become a program.
    static func arguments(for plan: ProgramPlan, userProcessesMax: Int) -> [String] {
        let limits = plan.limits
        let numbers = [userProcessesMax, limits.memoryBytes ?? 0, limits.files, limits.cpuSeconds ?? 0]
        return [Self.word] + numbers.map(String.init) + [plan.path] + plan.arguments
    }

    /// Becomes the program if the arguments ask for that; does nothing otherwise.
    ///
    /// - Parameter arguments: All of the process, its own name included.
    package static func becomeIfAsked(_ arguments: [String]) {
        guard arguments.count >= 7, arguments[1] == Self.word else { return }
        let numbers = arguments[2..<6].map { rlim_t($0) ?? 0 }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments[6...].map { strdup($0) }
        pointers.append(nil)
        set(Self.processes, numbers[0])
        set(RLIMIT_AS.rawValue, numbers[1])
        set(RLIMIT_NOFILE.rawValue, numbers[2])
        set(RLIMIT_CPU.rawValue, numbers[3])
        set(RLIMIT_CORE.rawValue, nil)
        // Whatever was open is not its business.
        for descriptor in 3..<Int32(4096) { close(descriptor) }
        execv(arguments[6], pointers)
        let reason = String(cString: strerror(errno))
        let text = "cannot be started: \(reason)\n"
        _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        exit(127)
    }

    /// `RLIMIT_NPROC` of Linux, which the C library's header spells in a way that does not come through.
    private static let processes: UInt32 = 6

    /// - Parameter value: 0 leaves a limit as it is; nil: none of it at all.
    private static func set(_ resource: UInt32, _ value: rlim_t?) {
        guard value != 0 else { return }
        var current = rlimit()
        guard getrlimit(__rlimit_resource_t(resource), &current) == 0 else { return }
        // What was less already stays so.
        let wanted = min(value ?? 0, current.rlim_max)
        var limit = rlimit(rlim_cur: wanted, rlim_max: wanted)
        guard setrlimit(__rlimit_resource_t(resource), &limit) == 0 else { exit(126) }
    }
}
