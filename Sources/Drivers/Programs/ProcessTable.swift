internal import Glibc
internal import NIOConcurrencyHelpers

/// What `/proc` says about the processes of this machine.
enum ProcessTable {
    struct Entry {
        let id: pid_t
        let session: pid_t
        /// `R`, `S`, `Z` and so on.
        let state: UInt8
        /// Its threads, itself included.
        let threads: Int
    }

    /// Processes and threads of a user, as `RLIMIT_NPROC` counts them.
    static func count(ofUser user: uid_t) -> Int {
        var total = 0
        for id in Self.ids() {
            var status = stat()
            guard stat("/proc/\(id)", &status) == 0, status.st_uid == user else { continue }
            total += Self.entry(id)?.threads ?? 1
        }
        return total
    }

    /// The processes of a session.
    static func processes(ofSession session: pid_t) -> [Entry] {
        Self.ids().compactMap { Self.entry($0) }.filter { $0.session == session }
    }

    /// One process; nil if it is gone.
    static func entry(_ id: pid_t) -> Entry? {
        guard let text = Self.read("/proc/\(id)/stat"), let bracket = text.lastIndex(of: ")") else { return nil }
        // The name before the bracket may hold anything (proc_pid_stat(5)).
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        guard fields.count > 17, let state = fields[0].utf8.first, let session = pid_t(fields[3]),
            let threads = Int(fields[17])
        else { return nil }
        return Entry(id: id, session: session, state: state, threads: max(1, threads))
    }

    private static func ids() -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var ids: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let id = pid_t(name) { ids.append(id) }
        }
        return ids
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { buffer in
            let count = Glibc.read(file, buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}

/// The first process of a program, which leads its session and its process group.
final class Leader: Sendable {
    private let id = NIOLockedValueBox<pid_t?>(nil)

    func set(_ id: pid_t) { self.id.withLockedValue { $0 = id } }

    /// Waits until the program has ended, or has to be ended because it has too many processes.
    ///
    /// `RLIMIT_NPROC` does that better, but not for root; and what left the session is not seen.
    ///
    /// - Returns: Whether it had too many; it is killed then.
    func watch(processesMax: Int, every pause: Duration) async throws -> Bool {
        guard let id = self.id.withLockedValue({ $0 }) else { return false }
        while true {
            guard let entry = ProcessTable.entry(id), entry.state != UInt8(ascii: "Z") else { return false }
            let count = ProcessTable.processes(ofSession: id).reduce(0) { $0 + $1.threads }
            guard count <= processesMax else {
                self.killAll()
                return true
            }
            try await Task.sleep(for: pause)
        }
    }

    /// Kills the whole process group, and whatever else is in the session.
    ///
    /// As long as anything of the session is there, no other process can have its number.
    func killAll() {
        guard let id = self.id.withLockedValue({ $0 }) else { return }
        // Stopped first, so that nothing can be started while the others are killed.
        let first = ProcessTable.processes(ofSession: id)
        for process in first { kill(process.id, SIGSTOP) }
        for _ in 0..<50 {
            let left = ProcessTable.processes(ofSession: id).filter { $0.state != UInt8(ascii: "Z") }
            guard !left.isEmpty else { break }
            for process in left { kill(process.id, SIGKILL) }
        }
    }
}
