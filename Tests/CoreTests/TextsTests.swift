import Core
import NIOCore
import Testing

/// Texts that are put together byte by byte.
struct TextsTests {
    @Test func `an amount is written with all its digits and at least two behind the point`() {
        let expected: [(Int64, String)] = [
            (0, "0.00"), (1, "0.000001"), (21, "0.000021"), (150_000, "0.15"), (100_000, "0.10"), (1_000_000, "1.00"),
            (12_345_678, "12.345678"), (-1, "-0.000001"), (-1_500_000, "-1.50"), (10_000_000, "10.00"),
            (.max, "9223372036854.775807"), (.min, "-9223372036854.775808"),
        ]
        for (value, text) in expected {
            #expect(MicroDollars(value).dollars == text)
            var buffer = ByteBuffer(string: "<")
            MicroDollars(value).write(into: &buffer)
            #expect(String(buffer: buffer) == "<" + text)
        }
    }

    @Test func `an amount is read back as it was written`() {
        var value: Int64 = 1
        while value < .max / 7 {
            #expect(MicroDollars(dollars: MicroDollars(value).dollars) == MicroDollars(value))
            #expect(MicroDollars(dollars: MicroDollars(-value).dollars) == MicroDollars(-value))
            value = value * 7 + 3
        }
    }

    @Test func `an id that was made here is its 128 bits in hexadecimal digits`() {
        let id = RequestID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(id.text == "req_0123456789abcdeffedcba9876543210")
        var buffer = ByteBuffer(string: "<")
        id.write(into: &buffer)
        #expect(String(buffer: buffer) == "<" + id.text)
        #expect(RequestID(high: 0, low: 9).text == "req_00000000000000000000000000000009")
        #expect(RequestID(high: .max, low: 10).text == "req_ffffffffffffffff000000000000000a")
    }

    @Test func `a text without anything to escape is written as the slow way writes it`() {
        for text in ["", "a", "model/gpt-4o", "0123456789abcdef0123456789"] {
            var buffer = ByteBuffer()
            appendJSONString(text, into: &buffer)
            #expect(String(buffer: buffer) == "\"\(text)\"")
        }
        var buffer = ByteBuffer()
        appendJSONString("a\u{7F}b", into: &buffer)
        #expect(String(buffer: buffer) == "\"a\\u007fb\"")
    }
}
