internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization

/// Answers failed attempts to sign in with patience, and stops those who never do anything else (row 49).
///
/// Shared by all loops. As long as nobody is over the hard limit, a request costs one load of a word and takes no
/// lock.
package final class FailureGuard: Sendable {
    private let limiter: NIOLockedValueBox<FailureLimiter>
    /// Until when some address is refused altogether, on the monotonic clock.
    private let blockedUntil = Atomic<UInt64>(0)

    package init(_ limiter: FailureLimiter) { self.limiter = NIOLockedValueBox(limiter) }

    /// - Parameter seed: Random; see `FailureLimiter`.
    package convenience init(limits: FailureLimiter.Limits = FailureLimiter.Limits(), seed: UInt64) {
        self.init(FailureLimiter(limits: limits, seed: seed))
    }

    /// How long everything from `address` is refused; nil for nearly everybody.
    ///
    /// Asked before a key is looked at, so that a guess that is right is refused like the others.
    ///
    /// - Parameter address: The client's, without port; only found out while somebody is blocked. Nil if it is not
    ///   known.
    package func block(of address: @autoclosure () -> String?, now: NIODeadline) -> TimeAmount? {
        guard now.uptimeNanoseconds < self.blockedUntil.load(ordering: .relaxed), let address = address() else {
            return nil
        }
        return self.limiter.withLockedValue { $0.block(of: address, now: now) }
    }

    /// Counts one credential that does not work; a request without any is no attempt.
    ///
    /// - Parameters:
    ///   - address: The client's, without port; nil if it is not known, and then only the key is counted.
    ///   - prefix: The public part of the key, `tp_<id>`; nil if it has none.
    /// - Returns: How long the client should wait, to be answered 429; nil for 401.
    package func fail(address: String?, prefix: String?, now: NIODeadline) -> TimeAmount? {
        let verdict = self.limiter.withLockedValue { limiter in
            let verdict = limiter.fail(address: address, prefix: prefix, now: now)
            if let until = verdict.blockedUntil?.uptimeNanoseconds {
                self.blockedUntil.store(
                    max(until, self.blockedUntil.load(ordering: .relaxed)),
                    ordering: .relaxed
                )
            }
            return verdict
        }
        return verdict.retryAfter
    }
}

extension GatewayKey {
    /// The public part of a credential, `tp_<id>`, to count failures by; nil if it is not of our own form.
    package static func publicPart(of credential: UnsafeRawBufferPointer) -> String? {
        let length = Self.prefix.utf8.count + Self.idLength
        guard credential.count > length, credential.starts(with: Self.prefix.utf8),
            credential[length] == UInt8(ascii: "_")
        else { return nil }
        return String(validating: credential.prefix(length), as: UTF8.self)
    }
}
