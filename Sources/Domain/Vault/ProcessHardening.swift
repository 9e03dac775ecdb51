internal import CSodium

/// What keeps keys in the memory of this process from ending up elsewhere (row 56).
package enum ProcessHardening {
    /// What holds for this process.
    package struct Report: Sendable, Equatable {
        /// No core dump is written, and no process of the same user may attach or read the memory.
        package var dumpsForbidden: Bool
        /// The size of core files is limited to zero, for children too.
        package var coreFilesForbidden: Bool
        /// Guarded memory is locked against swapping; `RLIMIT_MEMLOCK` decides.
        package var memoryLocked: Bool

        /// Whether everything holds.
        package var isComplete: Bool { self.dumpsForbidden && self.coreFilesForbidden && self.memoryLocked }
    }

    /// Forbids dumps for the rest of this process's life; call it before a key is read.
    ///
    /// Debuggers and profilers of the same user cannot attach any more. Root can.
    /// - Returns: What holds now; a caller that promises more than that should refuse to go on.
    @discardableResult
    package static func apply() -> Report {
        _ = tp_forbid_dumps()
        _ = tp_forbid_core_files()
        return Self.report()
    }

    /// What holds for this process now.
    package static func report() -> Report {
        Report(
            dumpsForbidden: tp_is_dumpable() == 0,
            coreFilesForbidden: tp_core_file_limit() == 0,
            memoryLocked: Self.canLockMemory()
        )
    }

    private static func canLockMemory() -> Bool {
        guard (try? Sodium.start()) != nil else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 4096) { page in
            guard let base = page.baseAddress, sodium_mlock(base, page.count) == 0 else { return false }
            sodium_munlock(base, page.count)
            return true
        }
    }
}
