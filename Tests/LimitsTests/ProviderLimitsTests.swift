import Core
import Limits
import NIOCore
import TestKit
import Testing

/// The second of January 2026, at 03:04:05 UTC.
private let now = UnixTime(milliseconds: 1_767_323_045_000)

@Suite struct ProviderLimitsTests {
    private static func read(_ fields: (String, String)...) -> ProviderLimits {
        var limits = ProviderLimits()
        for (name, value) in fields { limits.note(name: name.utf8, value: value.utf8, now: now) }
        return limits
    }

    @Test func `OpenAI's fields are read`() {
        let limits = Self.read(
            ("x-ratelimit-limit-requests", "60"),
            ("X-RateLimit-Remaining-Requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s")
        )
        #expect(limits.requests == .init(limit: 60, remaining: 59, reset: .seconds(1)))
        #expect(limits.tokens == .init(limit: 150_000, remaining: 149_984, reset: .minutes(6)))
        #expect(limits.inputTokens == .init())
    }

    @Test func `Anthropic's fields are read`() {
        let limits = Self.read(
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-01-02T03:04:35Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "30000"),
            ("anthropic-ratelimit-output-tokens-remaining", "8000"),
            ("anthropic-ratelimit-output-tokens-reset", "2026-01-02T04:04:05+01:00"),
            ("anthropic-ratelimit-tokens-remaining", "38000")
        )
        #expect(limits.requests == .init(limit: 50, remaining: 0, reset: .seconds(30)))
        #expect(limits.inputTokens.remaining == 30_000)
        // It is past, so that is now.
        #expect(limits.outputTokens == .init(remaining: 8000, reset: .zero))
        #expect(limits.tokens.remaining == 38_000)
    }

    @Test(arguments: [
        ("1s", 1000), ("6m0s", 360_000), ("120ms", 120), ("8.64s", 8640), ("2m59.56s", 179_560), ("1h2m3s", 3_723_000),
        ("1d", 86_400_000), ("0s", 0), ("17", 17_000), ("59.70", 59_700), ("0.5", 500), ("400ms", 400),
        ("2026-01-02T03:04:06.500Z", 1500), ("1767323055", 10_000), ("1767323055000", 10_000), ("1767323000", 0),
        ("999999h", 86_400_000), ("1800000000", 86_400_000), ("100us", 0), ("999999999", 86_400_000),
    ])
    func `a reset is read in all the forms that providers use`(text: String, milliseconds: Int) {
        let limits = Self.read(("x-ratelimit-reset-tokens", text))
        #expect((limits.tokens.reset?.nanoseconds ?? -1) / 1_000_000 == Int64(milliseconds))
    }

    @Test(arguments: [
        "", "-1", "-5s", "nan", "inf", "1e9", "0x10", "soon", "1x", "s", "1s2", "1..5", ".", "1 s", "٣", "6m0s\u{0}",
        "2026-13-01T00:00:00Z", "99999999999999999999999999999999999999999999999999", "1s-2s", "--", "null", "+5",
    ])
    func `garbage is as if it were not there`(text: String) {
        let limits = Self.read(
            ("x-ratelimit-reset-tokens", text),
            ("x-ratelimit-remaining-requests", text == "" ? "" : "x\(text)"),
            ("x-ratelimit-limit-requests", "-1")
        )
        #expect(limits == ProviderLimits())
        #expect(limits.isEmpty)
    }

    @Test func `garbage does not unsay what was said well`() {
        let limits = Self.read(("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-remaining-tokens", "five"))
        #expect(limits.tokens.remaining == 5)
    }

    @Test func `variants without a kind and with a minute behind it are read, others are known but not used`() {
        let limits = Self.read(
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "1767323055000"),
            ("x-ratelimit-remaining-tokens-minute", "70"),
            ("x-ratelimit-remaining-requests-day", "1"),
            ("x-ratelimit-remaining-tokens-month", "1")
        )
        #expect(limits.requests == .init(remaining: 3, reset: .seconds(10)))
        #expect(limits.tokens.remaining == 70)
    }

    @Test func `only fields about limits are taken`() {
        var limits = ProviderLimits()
        let mine = ["x-ratelimit-remaining-tokens", "ANTHROPIC-ratelimit-tokens-reset", "x-ratelimit-over-the-top"]
        let others = [
            "x-request-id", "content-type", "x-rate-limit-remaining", "anthropic-organization-id", "", "x", "age",
        ]
        for name in mine + others {
            let isAboutLimits = limits.note(name: name.utf8, value: "1".utf8, now: now)
            #expect(isAboutLimits == mine.contains(name), "\(name)")
        }
    }

    @Test func `no bytes can trap it`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            var limits = ProviderLimits()
            let name = random.pick([
                "x-ratelimit-reset-tokens", "x-ratelimit-limit-requests", "anthropic-ratelimit-tokens-reset",
            ])
            let value = random.oneIn(2) ? random.bytes(random.below(45)) : Array(random.text(random.below(30)).utf8)
            limits.note(name: name.utf8, value: value, now: now)
            limits.note(name: random.bytes(random.below(60)), value: value, now: now)
        }
    }
}

@Suite struct ProviderLimitBookTests {
    private static let start: Int64 = 3_600_000_000_000
    private static let place = ProviderLimitBook.Place(provider: "openai", credential: "c1", model: "gpt")

    private static func limits(requests: Int? = nil, tokens: Int? = nil, reset: TimeAmount? = nil) -> ProviderLimits {
        var limits = ProviderLimits()
        limits.requests = .init(remaining: requests, reset: reset)
        limits.tokens = .init(remaining: tokens, reset: reset)
        return limits
    }

    @Test func `a target that has less left than is needed is short until its reset`() {
        let book = ProviderLimitBook()
        let now = at(Self.start)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now) == .free)
        book.note(Self.limits(requests: 5, tokens: 1000, reset: .seconds(20)), at: Self.place, now: now)
        #expect(book.verdict(Self.place, input: 500, output: 500, now: now) == .free)
        #expect(book.verdict(Self.place, input: 500, output: 501, now: now) == .short)
        #expect(book.verdict(Self.place, input: .max, output: .max, now: now) == .short)
        #expect(book.verdict(Self.place, input: 500, output: 501, now: now + .seconds(20)) == .free)
        book.note(Self.limits(requests: 0), at: Self.place, now: now)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(59)) == .short)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(60)) == .free)
    }

    @Test func `each key and each model has figures of its own`() {
        let book = ProviderLimitBook()
        let now = at(Self.start)
        book.note(Self.limits(requests: 0), at: Self.place, now: now)
        for (credential, model) in [("c2", "gpt"), ("c1", "other")] {
            let place = ProviderLimitBook.Place(provider: "openai", credential: credential, model: model)
            #expect(book.verdict(place, input: 1, output: 1, now: now) == .free)
        }
    }

    @Test func `a target that asked to be left alone is, for two minutes at most`() {
        let book = ProviderLimitBook()
        let now = at(Self.start)
        book.cool(Self.place, for: .hours(9), now: now)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(119)) == .cooling)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(120)) == .free)
        book.cool(Self.place, for: .seconds(-5), now: now + .seconds(200))
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(200)) == .free)
    }

    @Test func `it remembers no more than it may, and forgets what is over first`() {
        let book = ProviderLimitBook()
        let now = at(Self.start)
        for index in 0..<(ProviderLimitBook.entriesMax + 500) {
            let place = ProviderLimitBook.Place(provider: "p", credential: "c", model: "m\(index)")
            book.note(Self.limits(requests: 0), at: place, now: now)
        }
        #expect(book.count == ProviderLimitBook.entriesMax)
        book.note(Self.limits(requests: 0), at: Self.place, now: now + .seconds(61))
        #expect(book.count == 1)
        #expect(book.verdict(Self.place, input: 1, output: 1, now: now + .seconds(61)) == .short)
    }
}
