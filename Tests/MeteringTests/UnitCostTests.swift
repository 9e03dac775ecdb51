import Chat
import Core
import NIOCore
import Testing

@testable import Metering

/// What is paid for by other units than plain tokens: an hour in a cache, characters, minutes, searches (row 72).
@Suite struct UnitCostTests {
    /// Claude Sonnet: $3, $0.30 cached, $3.75 written and $15 for a million tokens.
    private static let sonnet = Rates(
        input: 3_000_000,
        output: 15_000_000,
        cachedInput: 300_000,
        cacheWrite: 3_750_000,
        source: "test"
    )

    @Test func `what is cached for an hour costs twice the input, and the rest as what stays for minutes`() {
        let usage = TokenUsage(input: 1_000, output: 0, cacheWrite: 1_000, cacheWriteLong: 400)
        // 400 x 6 and 600 x 3.75.
        #expect(Self.sonnet.cost(of: usage) == MicroDollars(2_400 + 2_250))
        var priced = Self.sonnet
        priced.cacheWriteLong = 5_000_000
        #expect(priced.cost(of: usage) == MicroDollars(2_000 + 2_250))
        let plain = Rates(input: 3_000_000, output: 0, source: "test")
        #expect(plain.cost(of: usage) == MicroDollars(2_400 + 1_800))
        let dear = Rates(input: 3_000_000, output: 0, cacheWrite: 7_000_000, source: "test")
        #expect(dear.cost(of: usage) == MicroDollars(7_000))
        // No part is more than its whole.
        let wrong = TokenUsage(input: 1_000, cacheWrite: 10, cacheWriteLong: 5_000)
        #expect(Self.sonnet.cost(of: wrong) == MicroDollars(60 + 2_970))
        #expect(Self.sonnet.cost(of: TokenUsage(input: 1_000, cacheWriteLong: 500)) == MicroDollars(3_000))
    }

    @Test func `a bound knows of an hour in the cache where a request may ask for it, and only there`() {
        #expect(Self.sonnet.upperBound(inputTokens: 1_000, outputTokens: 0) == MicroDollars(3_750))
        let long = UnitBound(mayWriteLong: true)
        #expect(Self.sonnet.upperBound(inputTokens: 1_000, outputTokens: 0, units: long) == MicroDollars(6_000))
        #expect(Self.sonnet.affordableOutput(for: MicroDollars(6_015), inputTokens: 1_000, units: long) == 1)
        #expect(Self.sonnet.affordableOutput(for: MicroDollars(5_999), inputTokens: 1_000, units: long) == nil)
        var size = AttemptSize(inputBound: 1_000, outputWanted: 100)
        size.units = long
        let grant = OutputGrant.make(size, rates: Self.sonnet, rest: MicroDollars(1 << 40))
        #expect(grant?.cost == MicroDollars(6_000 + 1_500))
        #expect(OutputGrant.make(size, rates: Self.sonnet, rest: MicroDollars(6_600))?.limit == 40)
        #expect(OutputGrant.least(size, rates: Self.sonnet) == MicroDollars(6_000 + 240))
    }

    @Test func `characters, minutes and searches are priced to the last one`() {
        let speech = Rates(input: 0, output: 0, characters: 15_000_000, source: "test")
        #expect(speech.cost(of: TokenUsage(characters: 4_096)) == MicroDollars(61_440))
        #expect(speech.cost(of: TokenUsage(characters: 1)) == MicroDollars(15))
        let whisper = Rates(input: 0, output: 0, minute: 6_000, source: "test")
        #expect(whisper.cost(of: TokenUsage(soundMilliseconds: 60_000)) == MicroDollars(6_000))
        #expect(whisper.cost(of: TokenUsage(soundMilliseconds: 8_470)) == MicroDollars(847))
        // A tenth of a millionth for each millisecond: five make a half, which counts.
        #expect(whisper.cost(of: TokenUsage(soundMilliseconds: 4)) == .zero)
        #expect(whisper.cost(of: TokenUsage(soundMilliseconds: 5)) == MicroDollars(1))
        let reranker = Rates(input: 0, output: 0, searches: 2_000_000, source: "test")
        #expect(reranker.cost(of: TokenUsage(searches: 3)) == MicroDollars(6_000))
        let units = UnitBound(characters: 3, soundMilliseconds: 5, searches: 2)
        let all = Rates(input: 0, output: 0, characters: 1_000_000, minute: 6_000, searches: 1_000, source: "test")
        // 3, half of one, 2; rounded up.
        #expect(all.upperBound(inputTokens: 0, outputTokens: 0, units: units) == MicroDollars(6))
        let absurd = Rates(input: 0, output: 0, characters: .max, minute: .max, searches: .max, source: "test")
        let most = TokenUsage(characters: .max, soundMilliseconds: .max, searches: .max)
        #expect(absurd.cost(of: most) == .max)
        #expect(absurd.cost(of: TokenUsage(characters: -1, soundMilliseconds: .min, searches: -9)) == .zero)
    }

    @Test func `only what costs nothing by tokens is priced by units`() {
        #expect(Rates(input: 0, output: 0, minute: 1, source: "test").isByUnits)
        #expect(!Rates(input: 0, output: 1, minute: 1, source: "test").isByUnits)
        #expect(!Rates.free.isByUnits && !Rates.unpriced.isByUnits && !Self.sonnet.isByUnits)
    }

    // MARK: Settling

    private static func end(_ rates: Rates, _ units: RequestUnits, usage: TokenUsage = TokenUsage()) -> AttemptEnd {
        var findings = AttemptFindings(
            ending: .whole,
            hasContent: true,
            usage: usage,
            outputCounted: 0,
            endedAt: UnixTime(seconds: 1)
        )
        findings.units = units
        return Settlement.end(Self.intent(rates), findings)
    }

    private static func intent(_ rates: Rates) -> AttemptIntent {
        AttemptIntent(
            requestID: "r",
            startedAt: UnixTime(seconds: 0),
            consumer: Consumer(group: "g"),
            operation: "speech",
            provider: "p",
            upstreamModel: "m",
            isStream: false,
            inputEstimate: 9,
            rates: rates
        )
    }

    @Test func `what was counted is exact, what was guessed is marked, and what the provider says goes before`() {
        let speech = Rates(input: 0, output: 0, characters: 15_000_000, source: "test")
        let spoken = Self.end(speech, RequestUnits(characters: 100))
        #expect(spoken.charged == MicroDollars(1_500) && spoken.source == .provider)
        let whisper = Rates(input: 0, output: 0, minute: 6_000, source: "test")
        let guessed = Self.end(whisper, RequestUnits(soundGuess: 60_000))
        #expect(guessed.charged == MicroDollars(6_000) && guessed.source == .estimated)
        let told = Self.end(whisper, RequestUnits(soundGuess: 60_000), usage: TokenUsage(soundMilliseconds: 1_000))
        #expect(told.charged == MicroDollars(100) && told.source == .provider)
        let reranker = Rates(input: 0, output: 0, searches: 2_000_000, source: "test")
        let counted = Self.end(reranker, RequestUnits(searchesGuess: 2))
        #expect(counted.charged == MicroDollars(4_000) && counted.source == .estimated)
        let searched = Self.end(reranker, RequestUnits(searchesGuess: 2), usage: TokenUsage(searches: 1))
        #expect(searched.charged == MicroDollars(2_000) && searched.source == .provider)
        // Sound that nobody takes money for is not guessed at.
        let free = Self.end(Self.sonnet, RequestUnits(soundGuess: 60_000), usage: TokenUsage(input: 1, output: 1))
        #expect(free.usage.soundMilliseconds == nil && free.source == .provider)
    }

    @Test func `a text that was half spoken is paid for in full, and one that never was is not`() {
        let rates = Rates(input: 0, output: 0, characters: 15_000_000, source: "test")
        func end(_ ending: AttemptFindings.Ending, content: Bool) -> AttemptEnd {
            var findings = AttemptFindings(
                ending: ending,
                hasContent: content,
                usage: TokenUsage(),
                outputCounted: 0,
                endedAt: UnixTime(seconds: 1)
            )
            findings.units = RequestUnits(characters: 100)
            return Settlement.end(Self.intent(rates), findings)
        }
        for ending in [AttemptFindings.Ending.left, .providerFailed, .interrupted] {
            #expect(end(ending, content: true).charged == MicroDollars(1_500))
            #expect(end(ending, content: false).charged == .zero)
        }
        #expect(end(.refused, content: false).cost == .zero)
    }

    @Test func `guesses and bounds of sound and searches are what they say, and never overflow`() {
        #expect(RequestUnits.soundGuess(bytes: 960_000) == 60_000)
        #expect(RequestUnits.soundGuess(bytes: .max) == .max && RequestUnits.soundGuess(bytes: -1) == 0)
        #expect([0, 1, 100, 101, 201].map { RequestUnits.searchesGuess(documents: $0) } == [1, 1, 1, 2, 3])
        #expect(RequestUnits.searchesGuess(documents: .max) > 0)
        #expect(TokenBound.soundMilliseconds(bytes: 500) == 1_000)
        #expect(TokenBound.soundMilliseconds(bytes: .max) == .max)
        for documents in [1, 99, 100, 101, 1_000] {
            let bound = TokenBound.searches(documents: documents, bodyBytes: 0)
            #expect(bound >= RequestUnits.searchesGuess(documents: documents))
        }
        #expect(TokenBound.searches(documents: .max, bodyBytes: .max) == .max)
    }

    // MARK: What was kept before

    @Test func `rows of before, which have nothing in the new columns, keep their hash (row 82)`() throws {
        try LedgerChain.start()
        var attempt = LedgerFixture.attempt(3)
        attempt.end.usage.cacheWriteLong = nil
        let old = LedgerRow(attempt, seq: 1, rates: "r").values
        #expect(old.count == LedgerRow.columnCount && LedgerRow.hashed(old).count == 42)
        attempt.end.usage.searches = 0
        let new = LedgerRow(attempt, seq: 1, rates: "r").values
        #expect(LedgerRow.hashed(new).count == 46)
        #expect(
            LedgerChain.hash(LedgerRow.hashed(old), after: LedgerChain.noHash)
                == LedgerChain.hash(old.prefix(42), after: LedgerChain.noHash)
        )
        #expect(
            LedgerChain.hash(LedgerRow.hashed(new), after: LedgerChain.noHash)
                != LedgerChain.hash(LedgerRow.hashed(old), after: LedgerChain.noHash)
        )
    }

    @Test func `what is not in a record takes no place in it, so that older ones are read as they were`() throws {
        let encoder = JournalEncoder(key: JournalKey([UInt8](repeating: 7, count: 16)))
        var checkpoint = AttemptCheckpoint(
            usage: TokenUsage(input: 1, output: 2, cachedInput: 3, cacheWrite: 4, images: 5),
            outputCounted: 6
        )
        // Kind, attempt, flags 1 | 2 | 4 | 8 | 256, then each number folded, in the order of the first version.
        let first: [UInt8] = [3, 2, 0x8F, 0x02, 2, 4, 6, 8, 10, 12]
        func body() -> [UInt8] {
            let bytes = Array(encoder.checkpoint(AttemptID(1), checkpoint).bytes.readableBytesView)
            return Array(bytes[8..<(8 + Int(bytes[0]))])
        }
        #expect(body().dropFirst() == first.dropFirst())
        #expect(body().withUnsafeBytes { JournalDecoder.record($0) } == .checkpoint(AttemptID(1), checkpoint))
        checkpoint.usage.cacheWriteLong = 1
        #expect(body().count == first.count + 1)
        #expect(body().withUnsafeBytes { JournalDecoder.record($0) } == .checkpoint(AttemptID(1), checkpoint))
    }
}
