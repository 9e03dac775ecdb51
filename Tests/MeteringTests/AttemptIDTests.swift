import Metering
import Testing

@Suite struct AttemptIDTests {
    @Test func `an attempt's id holds its epoch and counts up within it`() {
        let first = AttemptID(epoch: 7, counter: 1)
        #expect(first.epoch == 7)
        #expect(first < AttemptID(epoch: 7, counter: 2))
        #expect(AttemptID(epoch: 7, counter: 1 << 35) < AttemptID(epoch: 8, counter: 0))
    }
}
