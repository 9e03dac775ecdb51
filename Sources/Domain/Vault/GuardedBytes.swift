internal import CSodium
internal import NIOConcurrencyHelpers

/// Secret bytes outside the ordinary heap.
///
/// They lie between guard pages, are locked against swapping as far as `RLIMIT_MEMLOCK` allows, are left out of core
/// dumps, cannot be written once filled, and are zeroed when the last reference goes. There is no string form, no
/// mirror and no encoding. Each costs whole pages: for keys, not for every token.
// Safety: the memory is written only inside `init`, before anybody else has a reference, and is read-only or closed
// from then on; the number of readers is behind a lock.
package final class GuardedBytes: @unchecked Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What the memory allows while nobody reads it.
    package enum Rest: Sendable {
        /// Stays readable: for what is read on every call, where opening and closing would cost two system calls.
        case readable
        /// Any access ends the process, unless it is inside `withBytes`.
        case closed
    }

    package let count: Int
    private let base: UnsafeMutableRawPointer
    private let rest: Rest
    private let readers = NIOLockedValueBox(0)

    /// Makes `count` bytes and lends them to `fill` once, to be written.
    ///
    /// - Throws: What `fill` throws, the bytes being zeroed; `VaultError.noGuardedMemory`.
    package init(
        count: Int,
        rest: Rest = .readable,
        _ fill: (UnsafeMutableRawBufferPointer) throws(VaultError) -> Void
    ) throws(VaultError) {
        try Sodium.start()
        guard let base = sodium_malloc(count) else { throw .noGuardedMemory }
        do throws(VaultError) {
            try fill(UnsafeMutableRawBufferPointer(start: base, count: count))
        } catch {
            sodium_free(base)
            throw error
        }
        let isProtected = rest == .closed ? sodium_mprotect_noaccess(base) : sodium_mprotect_readonly(base)
        guard isProtected == 0 else {
            sodium_free(base)
            throw .noGuardedMemory
        }
        self.base = base
        self.count = count
        self.rest = rest
    }

    deinit {
        // Makes the pages writable, checks the canary, zeroes and frees.
        sodium_free(self.base)
    }

    /// Lends the bytes to `body`, and only there; they must not be copied to where nobody wipes them.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if self.rest == .readable { return try body(UnsafeRawBufferPointer(start: self.base, count: self.count)) }
        self.readers.withLockedValue { readers in
            if readers == 0 { sodium_mprotect_readonly(self.base) }
            readers += 1
        }
        defer {
            self.readers.withLockedValue { readers in
                readers -= 1
                if readers == 0 { sodium_mprotect_noaccess(self.base) }
            }
        }
        return try body(UnsafeRawBufferPointer(start: self.base, count: self.count))
    }

    /// Whether both hold the same bytes, in a time that depends on their lengths alone.
    package func isEqual(to other: GuardedBytes) -> Bool {
        guard self.count == other.count else { return false }
        return self.withBytes { left in
            other.withBytes { right in
                left.count == 0 || sodium_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }

    package var description: String { "<guarded>" }
    package var debugDescription: String { "<guarded>" }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
