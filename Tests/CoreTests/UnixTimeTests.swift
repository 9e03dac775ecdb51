import Core
import NIOCore
import Testing

@Suite struct UnixTimeTests {
    private static func text(_ time: UnixTime) -> String {
        var buffer = ByteBuffer()
        time.writeRFC3339(into: &buffer)
        return String(buffer: buffer)
    }

    @Test func `what is written is read again, from 1970 to 9999`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let time = UnixTime(milliseconds: Int64.random(in: 0...253_402_300_799_999, using: &random))
            #expect(UnixTime(rfc3339: Self.text(time)) == time)
        }
    }

    @Test(
        arguments: [
            ("2026-11-21T02:58:47.123Z", 1_795_229_927_123), ("2026-11-21t03:58:47.1239+01:00", 1_795_229_927_123),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:00:00-01:00", nil), ("2000-02-29T12:00:00-00:30", 951_827_400_000),
            ("2023-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-04-31T00:00:00Z", nil), ("2026-01-01T24:00:00Z", nil), ("2026-01-01T00:00:60Z", nil),
            ("2026-01-01T00:00:00", nil), ("2026-01-01 00:00:00Z", nil), ("2026-01-01T00:00:00.Z", nil),
            ("2026-01-01T00:00:00ZZ", nil), ("2026-01-01T00:00:00+0100", nil), ("", nil), ("tomorrow", nil),
        ] as [(String, Int64?)]
    )
    func `only times that a calendar has are read`(text: String, milliseconds: Int64?) {
        #expect(UnixTime(rfc3339: text)?.milliseconds == milliseconds)
    }
}
