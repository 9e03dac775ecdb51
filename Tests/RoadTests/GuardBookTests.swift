import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Resilience
import Testing

/// What is remembered of targets, over reloads and within bounds.
@Suite struct GuardBookTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func target(_ book: GuardBook, _ model: String = "m", key: String = "c") -> TargetGuard {
        book.target(provider: "openai", model: model, credentialID: key, now: Self.start)
    }

    @Test func `a target is the same for whoever asks, and another for another key or model`() {
        let book = GuardBook()
        #expect(Self.target(book) === Self.target(book))
        #expect(Self.target(book) !== Self.target(book, key: "d"))
        #expect(Self.target(book) !== Self.target(book, "n"))
        #expect(Self.target(book).provider === Self.target(book, "n").provider)
        #expect(book.targets.map(\.credentialID) == ["c", "d", "c"])
    }

    @Test func `names that clients make up are kept within bounds, and what matters is not forgotten for them`() {
        let book = GuardBook()
        let held = Self.target(book, "held")
        #expect(book.open(GuardSelector(provider: "openai", model: "held"), for: nil, now: Self.start).count == 1)
        for number in 0..<(GuardBook.targetsMax * 2) { _ = Self.target(book, "made-up-\(number)") }
        #expect(book.targets.count <= GuardBook.targetsMax)
        #expect(Self.target(book, "held") === held)
        #expect(held.isOpen(now: Self.start))
    }

    @Test func `a reload changes rules and forgets nothing`() {
        let book = GuardBook()
        let target = Self.target(book)
        _ = book.open(GuardSelector(provider: "openai"), for: nil, now: Self.start)
        var rules = GuardRules()
        rules.breaker.failures = 50
        book.use(["openai": rules])
        #expect(target.provider.rules == rules)
        #expect(target.isOpen(now: Self.start))
        #expect(Self.target(book) === target)
        book.use([:])
        #expect(target.provider.rules == GuardRules())
    }

    @Test func `an operator's later word counts, and closing what is wider ends what is narrower`() {
        let book = GuardBook()
        _ = book.open(GuardSelector(provider: "openai", model: "m", credentialID: "c"), for: nil, now: Self.start)
        _ = book.open(GuardSelector(provider: "openai", model: "n"), for: .seconds(1), now: Self.start)
        #expect(Self.target(book).isOpen(now: Self.start))
        #expect(!Self.target(book, key: "d").isOpen(now: Self.start))
        #expect(Self.target(book, "n", key: "d").isOpen(now: Self.start))
        #expect(book.close(GuardSelector(provider: "openai"), now: Self.start).count == 3)
        #expect(book.targets.allSatisfy { !$0.isOpen(now: Self.start) })
        #expect(!Self.target(book, "n", key: "e").isOpen(now: Self.start))
        // Another provider is another matter.
        _ = book.open(GuardSelector(provider: "mistral"), for: nil, now: Self.start)
        #expect(book.close(GuardSelector(provider: "openai"), now: Self.start).count == 4)
        #expect(book.target(provider: "mistral", model: "m", credentialID: "", now: Self.start).isOpen(now: Self.start))
    }

    @Test func `whoever listens is told of each change`() {
        let book = GuardBook()
        let heard = NIOLockedValueBox<[BreakerTransition]>([])
        book.news.listen { item in heard.withLockedValue { $0.append(item.change) } }
        _ = Self.target(book)
        _ = book.open(GuardSelector(provider: "openai"), for: nil, now: Self.start)
        _ = book.close(GuardSelector(provider: "openai"), now: Self.start)
        #expect(heard.withLockedValue { $0 } == [.heldOpen, .closedByHand])
    }
}
