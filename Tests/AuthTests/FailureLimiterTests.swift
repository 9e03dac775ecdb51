import Auth
import NIOCore
import Testing

/// Failed attempts to sign in (row 49).
@Suite struct FailureLimiterTests {
    private static func at(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + UInt64(seconds * 1e9))
    }

    @Test func `an address may fail twenty times a minute, is then slowed down, and is good again after a rest`() {
        var limiter = FailureLimiter(seed: 1)
        for number in 0..<20 {
            let verdict = limiter.fail(address: "192.0.2.1", prefix: nil, now: Self.at(Double(number) / 1000))
            #expect(verdict.retryAfter == nil && verdict.blockedUntil == nil)
        }
        let slowed = limiter.fail(address: "192.0.2.1", prefix: nil, now: Self.at(0.02))
        #expect((slowed.retryAfter ?? .zero) > .seconds(2) && (slowed.retryAfter ?? .zero) <= .seconds(3))
        #expect(slowed.blockedUntil == nil)
        #expect(limiter.fail(address: "192.0.2.2", prefix: nil, now: Self.at(0.02)).retryAfter == nil)
        #expect(limiter.fail(address: "192.0.2.1", prefix: nil, now: Self.at(62)).retryAfter == nil)
    }

    @Test func `ten thousand tries a minute are stopped, and nobody else notices`() throws {
        let attempts = FailureGuard(seed: 4)
        var (refused, slowed, blocked) = (0, 0, 0)
        for number in 0..<10_000 {
            let now = Self.at(Double(number) * 60 / 10_000)
            if attempts.block(of: "198.51.100.9", now: now) != nil {
                blocked += 1
            } else if attempts.fail(address: "198.51.100.9", prefix: nil, now: now) != nil {
                slowed += 1
            } else {
                refused += 1
            }
            #expect(attempts.block(of: "203.0.113.7", now: now) == nil)
        }
        #expect(refused == 20 || refused == 21)
        // 300 at once, and what leaks away in a minute.
        #expect(slowed > 250 && slowed < 350, "\(slowed)")
        #expect(blocked > 9_600)
        // Once it stops, it is let in again, and the check is free of cost again.
        #expect(attempts.block(of: "198.51.100.9", now: Self.at(60 + 61)) == nil)
    }

    @Test func `guesses about one key from many addresses are slowed down, without locking its owner out`() {
        let attempts = FailureGuard(seed: 4)
        var slowed = 0
        for number in 0..<200 {
            let address = "198.51.\(number / 100).\(number % 100)"
            if attempts.fail(address: address, prefix: "tp_0123456789ab", now: Self.at(1)) != nil { slowed += 1 }
            #expect(attempts.block(of: address, now: Self.at(1)) == nil)
        }
        #expect(slowed == 180)
        #expect(attempts.fail(address: "203.0.113.7", prefix: "tp_ba9876543210", now: Self.at(1)) == nil)
    }

    @Test func `an IPv6 client counts by its network, and IPv4 in IPv6 as what it is`() {
        var limiter = FailureLimiter(limits: .init(perAddress: 3), seed: 2)
        for number in 0..<3 { _ = limiter.fail(address: "2001:db8:1:2::\(number)", prefix: nil, now: Self.at(0)) }
        #expect(limiter.fail(address: "2001:db8:1:2:ffff::1", prefix: nil, now: Self.at(0)).retryAfter != nil)
        #expect(limiter.fail(address: "2001:db8:1:3::1", prefix: nil, now: Self.at(0)).retryAfter == nil)
        for _ in 0..<3 { _ = limiter.fail(address: "::ffff:192.0.2.1", prefix: nil, now: Self.at(0)) }
        #expect(limiter.fail(address: "192.0.2.1", prefix: nil, now: Self.at(0)).retryAfter != nil)
    }

    @Test func `a flood of addresses takes no more room, and never lands on another one's account`() {
        var limiter = FailureLimiter(limits: .init(perAddress: 3, hardPerAddress: 6), entriesMax: 64, seed: 3)
        for _ in 0..<8 { _ = limiter.fail(address: "192.0.2.1", prefix: nil, now: Self.at(0)) }
        #expect(limiter.block(of: "192.0.2.1", now: Self.at(0)) != nil)
        for number in 0..<5_000 {
            let address = "10.\(number / 65_536).\(number / 256 % 256).\(number % 256)"
            #expect(limiter.fail(address: address, prefix: nil, now: Self.at(0)).retryAfter == nil)
            #expect(limiter.block(of: "203.0.113.7", now: Self.at(0)) == nil)
        }
        // Who has failed most is not pushed out by those who failed once.
        #expect(limiter.block(of: "192.0.2.1", now: Self.at(0)) != nil)
    }

    @Test func `only keys of our own form have a public part`() {
        func part(_ text: String) -> String? {
            var copy = text
            return copy.withUTF8 { GatewayKey.publicPart(of: UnsafeRawBufferPointer($0)) }
        }
        #expect(part("tp_0123456789ab_secret") == "tp_0123456789ab")
        for text in ["", "tp_", "tp_0123456789ab", "tp_0123456789ab-x", "sk-0123456789abcdef", "TP_0123456789ab_x"] {
            #expect(part(text) == nil, "\(text)")
        }
    }
}
