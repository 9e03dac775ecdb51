import Chat
import Core
import Metering
import Testing

/// What is charged when an answer does not come whole (A+.3).
@Suite struct SettlementTests {
    private static let intent: AttemptIntent = {
        var intent = AttemptIntent(
            requestID: "r",
            startedAt: UnixTime(seconds: 0),
            consumer: Consumer(group: "g"),
            operation: "chat",
            provider: "p",
            upstreamModel: "m",
            isStream: true,
            inputEstimate: 100,
            outputMax: 1000,
            rates: Rates(input: 1_000_000, output: 2_000_000, source: "test")
        )
        return intent
    }()

    private static func end(
        _ ending: AttemptFindings.Ending,
        content: Bool = true,
        usage: TokenUsage = TokenUsage(),
        counted: Int = 40
    ) -> AttemptEnd {
        let findings = AttemptFindings(
            ending: ending,
            hasContent: content,
            usage: usage,
            outputCounted: counted,
            endedAt: UnixTime(seconds: 1)
        )
        return Settlement.end(Self.intent, findings)
    }

    @Test func `a whole answer is billed by what the provider says`() {
        let end = Self.end(.whole, usage: TokenUsage(input: 7, output: 9))
        #expect(end.outcome == .ok)
        #expect(end.source == .provider)
        #expect(end.charged == MicroDollars(7 + 18))
    }

    @Test(arguments: [TokenUsage(), TokenUsage(input: 0, output: 0)])
    func `a provider that says nothing, or that nothing was used, is estimated (row 78)`(usage: TokenUsage) {
        let end = Self.end(.whole, usage: usage)
        #expect(end.source == .estimated)
        #expect(end.usage.input == 100)
        #expect(end.usage.output == 40)
        #expect(end.charged == MicroDollars(180))
    }

    @Test func `half of the figures is filled up`() {
        let end = Self.end(.whole, usage: TokenUsage(input: 7))
        #expect(end.source == .providerPartial)
        #expect(end.usage.output == 40)
        #expect(Self.end(.whole, content: false, usage: TokenUsage(input: 7), counted: 0).source == .provider)
    }

    @Test(arguments: [AttemptFindings.Ending.left, .providerFailed, .cut, .interrupted])
    func `what came before an end is charged, by the larger of both counts`(ending: AttemptFindings.Ending) {
        let end = Self.end(ending, usage: TokenUsage(input: 90, output: 3))
        #expect(end.source == .providerPartial)
        #expect(end.usage.input == 90)
        #expect(end.usage.output == 40)
        #expect(end.charged == MicroDollars(170))
        #expect(Self.end(ending).charged == MicroDollars(180))
        #expect(Self.end(ending, usage: TokenUsage(input: 90, output: 60)).usage.output == 60)
    }

    @Test func `a provider that fails with nothing said charges nobody, and its bill is a loss`() {
        #expect(Self.end(.providerFailed, content: false, counted: 0).cost == .zero)
        let end = Self.end(.providerFailed, content: false, usage: TokenUsage(input: 50, output: 10), counted: 0)
        #expect(end.outcome == .failed)
        #expect(end.cost == MicroDollars(70))
        #expect(end.charged == .zero)
        #expect(!end.isCharged)
    }

    @Test func `a client that leaves before anything was said pays only what the provider reports`() {
        let silent = Self.end(.left, content: false, counted: 0)
        #expect(silent.charged == .zero)
        #expect(silent.source == .none)
        let end = Self.end(.left, content: false, usage: TokenUsage(input: 50), counted: 0)
        #expect(end.charged == MicroDollars(50))
        #expect(end.outcome == .partialClientGone)
    }

    @Test func `a refusal costs nothing`() {
        let end = Self.end(.refused, content: false, usage: TokenUsage(input: 50, output: 1))
        #expect(end.outcome == .refused)
        #expect(end.cost == .zero)
    }

    @Test func `figures that cannot be are noticed and billed (rows 71, 78)`() {
        func isAbsurd(_ usage: TokenUsage, counted: Int = 40) -> Bool {
            let findings = AttemptFindings(
                ending: .whole,
                hasContent: true,
                usage: usage,
                outputCounted: counted,
                endedAt: UnixTime(seconds: 1)
            )
            return Settlement.isAbsurd(Self.intent, findings)
        }
        #expect(!isAbsurd(TokenUsage(input: 1, output: 80)))
        #expect(isAbsurd(TokenUsage(input: 1, output: 1001)))
        #expect(isAbsurd(TokenUsage(input: 1, output: 900)))
        #expect(!isAbsurd(TokenUsage(input: 1, output: 900, reasoning: 850)))
    }

    @Test func `an answer that was read on for nobody is billed by the provider's last word (row 93)`() {
        func end(_ usage: TokenUsage, content: Bool = true, isFinal: Bool = true) -> AttemptEnd {
            var findings = AttemptFindings(
                ending: .left,
                hasContent: content,
                usage: usage,
                outputCounted: 40,
                endedAt: UnixTime(seconds: 1)
            )
            findings.isUsageFinal = isFinal
            return Settlement.end(Self.intent, findings)
        }
        // Fewer than were counted here, too: it is the provider's bill.
        let read = end(TokenUsage(input: 7, output: 9))
        #expect(read.outcome == .partialClientGone)
        #expect(read.source == .provider)
        #expect(read.charged == MicroDollars(7 + 18))
        #expect(end(TokenUsage(input: 7, output: 9), content: false).charged == MicroDollars(7 + 18))
        #expect(end(TokenUsage(input: 7, output: 9), isFinal: false).charged == MicroDollars(7 + 80))
        #expect(end(TokenUsage()).source == .estimated)
        #expect(end(TokenUsage()).charged == MicroDollars(180))
    }
}
