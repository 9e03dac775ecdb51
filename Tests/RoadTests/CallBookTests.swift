import Core
import NIOCore
import Pipeline
import Telemetry
import Testing

/// What of all calls is remembered, and for how long.
@Suite struct CallBookTests {
    private static func call(
        _ id: String,
        at second: Int64 = 0,
        key: String = "k",
        code: GatewayError.Code? = nil
    ) -> KeptCall {
        KeptCall(
            CallRecord(
                id: RequestID(clientToken: Array(id.utf8)) ?? RequestID(high: 0, low: 0),
                time: UnixTime(seconds: second),
                group: key.isEmpty ? "" : "demo",
                keyID: key,
                operation: "chat",
                modelAsked: "fast",
                provider: "openai",
                upstreamModel: "gpt",
                status: code == nil ? 200 : 503,
                code: code,
                isStream: false,
                attempts: 1,
                total: .milliseconds(5),
                firstToken: nil,
                bytesIn: 1,
                bytesOut: 1,
                isClientGone: false
            )
        )
    }

    private static func has(_ book: CallBook, _ id: String) -> Bool { !book.calls(withID: id).isEmpty }

    @Test func `the oldest call gives way to the newest`() {
        let book = CallBook(loops: 1, keep: 3)
        for number in 0..<10 { book.add(Self.call("r\(number)", at: Int64(number)), loop: 0) }
        #expect((0..<10).filter { Self.has(book, "r\($0)") } == [7, 8, 9])
        #expect(book.newest(2) { _ in true }.map(\.record.id.text) == ["r9", "r8"])
    }

    @Test func `calls that went straight do not push out one that failed`() {
        let book = CallBook(loops: 1, keep: 16)
        book.add(Self.call("failed", code: .providerError), loop: 0)
        for number in 0..<1000 { book.add(Self.call("r\(number)"), loop: 0) }
        #expect(Self.has(book, "failed"))
        for number in 0..<16 { book.add(Self.call("f\(number)", code: .providerError), loop: 0) }
        #expect(!Self.has(book, "failed") && Self.has(book, "f0"))
    }

    @Test func `strangers push out nobody's calls but those of strangers`() {
        let book = CallBook(loops: 1, keep: 32)
        book.add(Self.call("mine", code: .providerError), loop: 0)
        book.add(Self.call("plain"), loop: 0)
        for number in 0..<1000 { book.add(Self.call("s\(number)", key: "", code: .unauthenticated), loop: 0) }
        #expect(Self.has(book, "mine") && Self.has(book, "plain"))
        #expect((0..<1000).filter { Self.has(book, "s\($0)") } == [998, 999])
    }

    @Test func `of several calls with one id all are found, the newest first, on whatever loop they were`() {
        let book = CallBook(loops: 3, keep: 30)
        for second in [2, 9, 4] { book.add(Self.call("same", at: Int64(second)), loop: second % 3) }
        book.add(Self.call("other", at: 100), loop: 0)
        #expect(book.calls(withID: "same").map(\.record.time.seconds) == [9, 4, 2])
    }

    @Test func `an id that was made here is found by its text, and by nothing that only resembles it`() {
        let id = RequestID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        let book = CallBook(loops: 1, keep: 4)
        var call = Self.call("x")
        call.record.id = id
        book.add(call, loop: 0)
        #expect(id.text == "req_0123456789abcdeffedcba9876543210")
        #expect(book.calls(withID: id.text).count == 1)
        book.add(Self.call(id.text), loop: 0)
        #expect(book.calls(withID: id.text).count == 2)
        for text in ["req_0123456789ABCDEFFEDCBA9876543210", "req_", "", "req_0123456789abcdeffedcba987654321", "é"] {
            #expect(book.calls(withID: text).isEmpty, "\(text)")
        }
    }

    @Test func `a call takes no more room than the page on health says`() {
        #expect(MemoryLayout<KeptCall>.stride <= 1024)
        #expect(MemoryLayout<CallNotes.Entry>.stride * CallNotes.stepsMax <= 10_240)
    }

    @Test func `a reload changes how many are kept, and the newest stay`() {
        let book = CallBook(loops: 1, keep: 5)
        func ids() -> [Int] { (0..<40).filter { Self.has(book, "r\($0)") } }
        for number in 0..<8 { book.add(Self.call("r\(number)"), loop: 0) }
        #expect(ids() == [3, 4, 5, 6, 7])
        book.use(keep: 2)
        #expect(ids() == [6, 7])
        book.use(keep: 4)
        for number in 8..<11 { book.add(Self.call("r\(number)"), loop: 0) }
        #expect(ids() == [7, 8, 9, 10])
        book.use(keep: 0)
        book.add(Self.call("r11"), loop: 0)
        #expect(ids().isEmpty && !book.isKeeping)
        book.use(keep: .max)
        #expect(book.keptMax == CallBook.keepMax)
    }
}
