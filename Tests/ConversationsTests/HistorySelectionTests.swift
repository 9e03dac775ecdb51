import Conversations
import Core
import TestKit
import Testing

/// Which messages go along: pure arithmetic, by examples and by properties that hold for any conversation.
@Suite struct HistorySelectionTests {
    /// `u` and `a` are a question and an answer, `-` is an answer without a word, `r` one that is running.
    private static func items(_ shape: String, tokens: Int = 10, from first: Int = 1) -> [HistoryItem] {
        shape.enumerated().map { index, letter in
            HistoryItem(
                seq: first + index,
                role: letter == "u" ? .user : .assistant,
                status: letter == "r" ? .running : letter == "-" ? .failed : .complete,
                tokens: letter == "-" ? 0 : tokens,
                bytes: letter == "-" ? 2 : 100
            )
        }
    }

    private static func session(_ items: [HistoryItem], summary through: Int? = nil, count: Int? = nil) -> Session {
        Session.sample(
            nextSeq: (count ?? items.count) + 1,
            tokens: items.reduce(0) { $0 + $1.tokens },
            summary: through.map { SessionSummary(text: "what was", throughSeq: $0) }
        )
    }

    private static func select(
        _ shape: String,
        _ wish: HistoryWish,
        window: HistoryWindow? = nil,
        summary: Int? = nil
    ) -> HistorySelection {
        let items = Self.items(shape)
        return HistorySelection(items, of: Self.session(items, summary: summary), HistoryTerms(wish, window: window))
    }

    private static func leftOut(_ count: Int, _ tokens: Int, _ reason: LeftOut.Reason = .policy) -> LeftOut {
        LeftOut(count: count, seqs: 1...count, tokens: tokens, reason: reason)
    }

    // MARK: - The last messages

    @Test(
        arguments: [
            ("", 20, [], nil), ("uaua", 20, [1, 2, 3, 4], nil), ("uaua", 4, [1, 2, 3, 4], nil),
            ("uaua", 3, [3, 4], leftOut(2, 20)), ("uaua", 2, [3, 4], leftOut(2, 20)),
            // An answer never goes without its question.
            ("uaua", 1, [], leftOut(4, 40)), ("uaua", 0, [], leftOut(4, 40)),
            // A turn has all answers up to the next question.
            ("uauaaa", 3, [], leftOut(6, 60)), ("uauaaa", 4, [3, 4, 5, 6], leftOut(2, 20)),
            // What a model cannot be told neither goes nor counts; the question it had does.
            ("u-ua", 3, [1, 3, 4], nil), ("u-ua", 2, [3, 4], leftOut(2, 10)), ("uaur", 3, [1, 2, 3], nil),
            ("ua", 1_000, [1, 2], nil),
        ] as [(String, Int, [Int], LeftOut?)]
    )
    func `the last messages go, in whole turns`(shape: String, count: Int, kept: [Int], leftOut: LeftOut?) {
        let found = Self.select(shape, .lastMessages(count))
        #expect(found.kept == kept)
        #expect(found.leftOut == leftOut)
        #expect(found.toSummarize == nil && !found.usesSummary)
    }

    // MARK: - Tokens

    @Test(
        arguments: [
            // No window: the wish alone.
            (40, nil, [1, 2, 3, 4], nil), (39, nil, [3, 4], leftOut(2, 20)), (64, 1_000, [1, 2, 3, 4], nil),
            // The window is what is left of the context, and the smaller one counts.
            (1_000, 40, [1, 2, 3, 4], nil), (1_000, 39, [3, 4], leftOut(2, 20, .context)),
            (39, 39, [3, 4], leftOut(2, 20)), (1_000, 0, [], leftOut(4, 40, .context)),
        ] as [(Int, Int?, [Int], LeftOut?)]
    )
    func `as many go as fit in the tokens`(most: Int, budget: Int?, kept: [Int], leftOut: LeftOut?) {
        let window = budget.map { HistoryWindow(context: $0 + 300, output: 100, prompt: 200) }
        let found = Self.select("uaua", .tokens(most), window: window)
        #expect(found.kept == kept)
        #expect(found.leftOut == leftOut)
    }

    @Test func `without a number the model's context decides, and where nobody knows it a small one`() {
        let items = Self.items(String(repeating: "ua", count: 10), tokens: 1_000)
        func kept(_ window: HistoryWindow?) -> Int {
            HistorySelection(items, of: Self.session(items), HistoryTerms(.tokens(nil), window: window)).kept.count
        }
        #expect(kept(nil) == HistoryTerms.standardTokens / 1_000)
        #expect(kept(HistoryWindow(context: 200_000, output: 4_000, prompt: 1_000)) == 20)
        #expect(kept(HistoryWindow(context: 16_000, output: 4_000, prompt: 1_000)) == 10)
    }

    @Test func `a context that is too small also cuts what a count would take`() {
        let window = HistoryWindow(context: 100, output: 30, prompt: 45)
        let found = Self.select("uaua", .lastMessages(20), window: window)
        #expect(found.kept == [3, 4])
        #expect(found.leftOut == Self.leftOut(2, 20, .context))
    }

    @Test(arguments: [
        (0, 0, 0, 0), (100, 30, 20, 50), (100, 60, 60, 0), (-5, 0, 0, 0), (100, -5, -5, 100),
        (Int.max, 0, 0, Int.max), (Int.max, Int.max, Int.max, 0), (Int.min, Int.max, 1, 0), (0, Int.max, Int.max, 0),
    ])
    func `the room is never negative and no number traps`(context: Int, output: Int, prompt: Int, budget: Int) {
        #expect(HistoryWindow(context: context, output: output, prompt: prompt).budget == budget)
    }

    @Test func `who knows better estimates`() {
        let items = Self.items("uaua")
        let terms = HistoryTerms(.tokens(100))
        let found = HistorySelection(items, of: Self.session(items), terms) { $0.tokens * 5 }
        #expect(found.kept == [3, 4])
        #expect(found.leftOut?.tokens == 100)
        let most = HistorySelection(items, of: Self.session(items), terms) { _ in .max }
        #expect(most.kept.isEmpty)
    }

    // MARK: - A rolling summary

    @Test(
        arguments: [
            // Not before there is twice as much as is kept.
            ("uaua", 2, nil, [1, 2, 3, 4], nil), ("uauaua", 2, nil, [1, 2, 3, 4, 5, 6], 1...4),
            ("uauauaua", 4, nil, [1, 2, 3, 4, 5, 6, 7, 8], nil),
            // What is in the summary does not go again, and does not count as left out.
            ("uauaua", 2, 4, [5, 6], nil), ("uauauaua", 2, 4, [5, 6, 7, 8], nil),
            ("uauauauaua", 2, 4, [5, 6, 7, 8, 9, 10], 5...8),
            // What is running waits, and all behind it.
            ("uauauaur", 2, nil, [1, 2, 3, 4, 5, 6, 7], 1...4), ("urua", 2, nil, [1, 3, 4], nil),
        ] as [(String, Int, Int?, [Int], ClosedRange<Int>?)]
    )
    func `older messages go into the summary, a piece at a time`(
        shape: String,
        keep: Int,
        through: Int?,
        kept: [Int],
        toSummarize: ClosedRange<Int>?
    ) {
        let found = Self.select(shape, .summary(keep: keep, model: nil), summary: through)
        #expect(found.kept == kept)
        #expect(found.leftOut == nil)
        #expect(found.toSummarize == toSummarize)
        #expect(found.usesSummary == (through != nil))
    }

    @Test func `what neither fits nor is in the summary yet is left out, and summarised at once`() {
        let window = HistoryWindow(context: 100, output: 30, prompt: 45)
        let found = Self.select("uauaua", .summary(keep: 4, model: nil), window: window, summary: 2)
        #expect(found.kept == [5, 6])
        #expect(found.leftOut == LeftOut(count: 2, seqs: 3...4, tokens: 20, reason: .context))
        #expect(found.toSummarize == nil)
        let less = Self.select("uauauaua", .summary(keep: 4, model: nil), window: window, summary: 2)
        #expect(less.kept == [7, 8])
        #expect(less.leftOut?.seqs == 3...6)
        #expect(less.toSummarize == 3...4)
    }

    @Test func `another policy takes no notice of a summary`() {
        let found = Self.select("uaua", .lastMessages(20), summary: 2)
        #expect(found.kept == [1, 2, 3, 4] && !found.usesSummary)
    }

    // MARK: - What holds for any

    @Test func `whatever was said, turns go whole, in one piece, within all limits`() {
        var random = SeededGenerator(seed: 20_260_730)
        for _ in 0..<5_000 {
            let letters = Array("uuaaaar-")
            let shape = String(
                (0..<Int.random(in: 0...40, using: &random)).map { _ in letters.randomElement(using: &random) ?? "u" }
            )
            let items = Self.items(shape).map { item in
                HistoryItem(
                    seq: item.seq,
                    role: item.role,
                    status: item.status,
                    tokens: Int.random(in: 0...200, using: &random),
                    bytes: item.bytes
                )
            }
            let through =
                Bool.random(using: &random) && !items.isEmpty ? Int.random(in: 1...items.count, using: &random) : nil
            let session = Self.session(items, summary: through)
            let wishes: [HistoryWish] = [
                .lastMessages(Int.random(in: 0...30, using: &random)), .tokens(nil),
                .tokens(Int.random(in: 64...2_000, using: &random)),
                .summary(keep: Int.random(in: 2...10, using: &random), model: nil),
            ]
            let wish = wishes.randomElement(using: &random) ?? .standard
            let budget = Bool.random(using: &random) ? Int.random(in: 0...2_000, using: &random) : nil
            let window = budget.map { HistoryWindow(context: $0, output: 0, prompt: 0) }
            let found = HistorySelection(items, of: session, HistoryTerms(wish, window: window))
            Self.check(found, items, session, wish, budget)
        }
    }

    private static func check(
        _ found: HistorySelection,
        _ items: [HistoryItem],
        _ session: Session,
        _ wish: HistoryWish,
        _ budget: Int?
    ) {
        var begin = 0
        if case .summary = wish { begin = session.summary?.throughSeq ?? 0 }
        let kept = items.filter { found.kept.contains($0.seq) }
        #expect(found.kept == kept.map(\.seq))
        #expect(kept.allSatisfy { $0.seq > begin && $0.status != .running && ($0.role == .user || $0.bytes > 2) })
        let firstOut = found.leftOut?.seqs.upperBound ?? begin
        // Everything behind what is left out goes, but for what cannot.
        let behind = items.filter { $0.seq > firstOut && $0.status != .running && ($0.role == .user || $0.bytes > 2) }
        #expect(kept == behind)
        if let first = items.first(where: { $0.seq == firstOut + 1 }), firstOut > begin { #expect(first.role == .user) }
        let tokens = kept.reduce(0) { $0 + $1.tokens }
        if let budget { #expect(tokens <= budget) }
        switch wish {
        case .lastMessages(let most): #expect(kept.count <= most)
        case .tokens(let most): #expect(tokens <= most ?? budget ?? HistoryTerms.standardTokens)
        case .summary: break
        }
        if let left = found.leftOut {
            #expect(left.count == left.seqs.count && left.seqs.lowerBound == begin + 1)
            #expect(left.tokens == items.filter { left.seqs.contains($0.seq) }.reduce(0) { $0 + $1.tokens })
        }
        if let range = found.toSummarize {
            #expect(range.lowerBound == begin + 1)
            #expect(items.allSatisfy { !range.contains($0.seq) || $0.status != .running })
        }
    }
}

extension Session {
    /// A session as far as choosing looks at it.
    static func sample(nextSeq: Int, tokens: Int, summary: SessionSummary?) -> Session {
        Session(
            id: "ses_x",
            group: GroupID("demo"),
            owner: .key("k"),
            createdAt: UnixTime(milliseconds: 0),
            nextSeq: nextSeq,
            tokens: tokens,
            summary: summary
        )
    }
}
