import Core
import Testing

@testable import Metering

/// Answers whose length nothing in the request can hold short.
@Suite struct FixedAnswerTests {
    static let rates = Rates(input: 1_000_000, output: 2_000_000, image: 40_000, source: "test")

    static func size(output: Int, images: Int = 0) -> AttemptSize {
        var size = AttemptSize(inputBound: 1_000, hasOutput: false)
        size.fixedOutput = output
        size.images = images
        return size
    }

    @Test func `all of it is set aside, pictures too, and no bound is put into the request, row 71`() throws {
        // 1,000 in at a dollar a million, 10,000 out at two, two pictures at four cents.
        let cost = MicroDollars(1_000 + 20_000 + 80_000)
        let grant = try #require(
            OutputGrant.make(Self.size(output: 10_000, images: 2), rates: Self.rates, rest: cost)
        )
        #expect(grant.cost == cost)
        #expect(grant.limit == nil)
    }

    @Test func `what is not paid for in full is not begun, row 71`() {
        let size = Self.size(output: 10_000, images: 2)
        #expect(OutputGrant.make(size, rates: Self.rates, rest: MicroDollars(100_999)) == nil)
        #expect(OutputGrant.least(size, rates: Self.rates) == MicroDollars(101_000))
    }

    @Test(arguments: [0, -1, 1 << 40, Int.max]) func `bounds of sound and speech never overflow`(_ bytes: Int) {
        #expect(TokenBound.sound(bytes: bytes) > 0)
        #expect(TokenBound.speech(textBytes: bytes) >= 0)
    }
}
