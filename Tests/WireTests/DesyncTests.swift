import Testing
import Wire

@Suite struct DesyncTests {
    @Test func `the corpus has at least 200 shapes, all different (row 1)`() {
        #expect(DesyncCorpus.all.count >= 200)
        #expect(Set(DesyncCorpus.all.map(\.bytes)).count == DesyncCorpus.all.count)
    }

    @Test(arguments: DesyncCorpus.all)
    func `no message is read from a desync shape, whole or in pieces (row 1)`(shape: DesyncShape) {
        var reader = ConnectionReader(isRequest: true)
        let whole = reader.read(shape.bytes)
        #expect(whole.error == shape.error, "\(shown(shape.bytes))")
        #expect(whole.messages.isEmpty, "\(shown(shape.bytes))")
        for cut in 1..<shape.bytes.count {
            let reading = reader.read(shape.bytes, cuts: [cut])
            #expect(reading.error == shape.error && reading.messages.isEmpty, "cut at \(cut) of \(shown(shape.bytes))")
        }
        let dripped = reader.read(shape.bytes, cuts: Array(1..<shape.bytes.count))
        #expect(dripped.error == shape.error && dripped.messages.isEmpty, "dripped \(shown(shape.bytes))")
    }
}
