import Core
import NIOCore
import Testing

/// The error that a whole text gives, or nil.
func scanError(_ bytes: [UInt8]) -> JSONError? {
    bytes.withUnsafeBytes { raw in
        do throws(JSONError) {
            try JSONScanner.validate(raw)
            return nil
        } catch {
            return error
        }
    }
}

/// Calls `body` with a scanner and the slice of each member's value, by key.
func members(_ text: String, _ body: (JSONScanner, [String: JSONSlice]) -> Void) throws {
    let bytes = Array(text.utf8)
    let outcome: Result<Void, JSONError> = bytes.withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        var slices: [String: JSONSlice] = [:]
        do throws(JSONError) {
            try scanner.members { key, slice in slices[key.text] = slice }
            body(scanner, slices)
            return .success(())
        } catch {
            return .failure(error)
        }
    }
    try outcome.get()
}

@Suite struct JSONScannerTests {
    @Test(arguments: [
        "0", "-0", "1e400", "-1E-400", "9223372036854775808", "0.1", "1e+1", "\"\"", "\"\\u0000\"", "\"\\ud800\"",
        "\"\u{7F}\"", "\"\u{2028}\"", "[]", "{}", " \t\r\n[ ] ", "[{},[],{}]", "{\"\":1}", "\"\\/\"", "\"😀\"",
        "\"\u{FEFF}\"", "\"\u{10FFFF}\"", "true", "{\"a\":{\"a\":{\"a\":1}}}",
    ])
    func `edge values are valid and pass through (row 21)`(text: String) {
        #expect(scanError(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        ("", 0), (" ", 1), ("01", 1), ("-", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2), ("1e+", 3), ("0x1", 1),
        ("NaN", 0), ("Infinity", 0), ("-Infinity", 1), ("nul", 0), ("TRUE", 0), ("'a'", 0), ("\"", 1), ("\"a", 2),
        ("\"\\\"", 3), ("\"\\x\"", 1), ("\"\\u12\"", 1), ("\"\\u12g4\"", 1), ("[", 1), ("[1", 2), ("[1,", 3),
        ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("{", 1), ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":1", 6),
        ("{\"a\":1,}", 7), ("{a:1}", 1),
        ("{1:1}", 1), ("{\"a\" 1}", 5), ("{\"a\":1 \"b\":2}", 7), ("[}", 1), ("{]", 1), ("[1}", 2), ("{\"a\":1]", 6),
        ("1 2", 2), ("{} x", 3), ("[]]", 2), ("\u{FEFF}{}", 0), ("\u{A0}1", 0), ("1\u{0}", 1), ("/**/1", 0),
        ("\"\t\"", 1),
        ("\"\n\"", 1), ("\"12345678\u{1F}\"", 9), ("\u{B}1", 0), ("1,", 1), ("tru", 0), ("nulll", 4),
    ])
    func `what is not JSON is refused at its place (row 21)`(text: String, offset: Int) {
        let error = scanError(Array(text.utf8))
        #expect(error?.offset == offset, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xFE], [0xFF], [0xF1, 0x80, 0x80], [0xEF, 0xBB],
        ] as [[UInt8]]
    )
    func `bytes that are not UTF-8 are refused wherever they stand in a string (row 21)`(sequence: [UInt8]) {
        for before in 0..<10 {
            let text = Array("\"".utf8) + [UInt8](repeating: 0x61, count: before) + sequence + Array("\"".utf8)
            #expect(scanError(text) == .invalidUTF8(at: before + 1))
            #expect(scanError(Array("{".utf8) + text + Array(":1}".utf8)) == .invalidUTF8(at: before + 2))
        }
    }

    @Test func `64 levels are accepted and 65 are not, of any kind (row 18)`() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = open.utf8.count == 6 ? 2 : 1
            for depth in [63, 64, 65, 66] where depth % levels == 0 || levels == 1 {
                let count = depth / levels
                let text = String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
                let isAccepted = depth <= JSONScanner.depthMax
                #expect((scanError(Array(text.utf8)) == nil) == isAccepted, "\(open) \(depth)")
                #expect(((try? JSONValue.parse(text)) != nil) == isAccepted, "\(open) \(depth)")
                let inside = "{\"x\":\(text)}"
                let isAcceptedInside = depth < JSONScanner.depthMax
                #expect(((try? members(inside) { _, _ in }) != nil) == isAcceptedInside, "\(open) \(depth) inside")
            }
        }
    }

    @Test func `a million brackets end at once and do not use up the stack (row 18)`() {
        let brackets = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(scanError(brackets) == .tooDeep(at: 64))
        #expect(throws: JSONError.tooDeep(at: 64)) { try brackets.withUnsafeBytes { try JSONValue.parse($0) } }
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(scanError(Array(objects.utf8)) == .tooDeep(at: 64 * 5))
        #expect(throws: JSONError.tooDeep(at: 64 * 5)) { try members(objects) { _, _ in } }
    }

    @Test(arguments: [
        "{\"model\":1,\"model\":2}", "{\"model\":1,\"mod\\u0065l\":2}", "{\"mod\\u0065l\":1,\"model\":2}",
        "{\"\\u006dodel\":1,\"mod\\u0065l\":2}", "{\"é\":1,\"\\u00e9\":2}", "{\"😀\":1,\"\\ud83d\\ude00\":2}",
        "{\"\":1,\"\":2}", "{\"a/b\":1,\"a\\/b\":2}", "{\"max_tokens_long_name\":1,\"max_tokens_long_n\\u0061me\":2}",
    ])
    func `a key that comes twice is refused, however it is written (row 17)`(text: String) {
        #expect(throws: JSONError.self) { try members(text) { _, _ in } }
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        let second = text.utf8.count - text.utf8.reversed().prefix { $0 != UInt8(ascii: ",") }.count
        do {
            try members(text) { _, _ in }
        } catch {
            #expect(error as? JSONError == .duplicateKey(at: second))
        }
    }

    @Test func `keys that differ a little are different keys`() throws {
        let text =
            "{\"model\":1,\"Model\":2,\"model \":3,\"mode\":4,\"modell\":5,\"\\u0000model\":6,"
            + "\"e\u{301}\":7,\"\u{E9}\":8}"
        try members(text) { _, slices in #expect(slices.count >= 7) }
        #expect(try JSONValue.parse(text).objectValue?.count == 8)
    }

    @Test func `duplicates are found among thousands of keys, also beyond those kept inline (row 17)`() throws {
        for count in [31, 32, 33, 34, 100, 3000] {
            let keys = (0..<count).map { "\"key_number_\($0)\":\($0)" }
            try members("{" + keys.joined(separator: ",") + "}") { _, slices in #expect(slices.count == count) }
            for repeated in [0, count / 2, count - 1] {
                let text = "{" + (keys + ["\"key_numb\\u0065r_\(repeated)\":0"]).joined(separator: ",") + "}"
                #expect(throws: JSONError.self) { try members(text) { _, _ in } }
            }
        }
    }

    @Test func `a lone surrogate is refused in keys, passes in strings, and is never read as text (row 21)`() throws {
        let halves = [
            "\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\u0041", "\\ud83d\\ud83d",
        ]
        for lone in halves {
            #expect(throws: JSONError.loneSurrogate(at: 2)) { try members("{\"\(lone)\":1}") { _, _ in } }
            #expect(throws: JSONError.loneSurrogate(at: 7)) { try members("{\"a\":{\"\(lone)\":1}}") { _, _ in } }
            try members("{\"a\":\"\(lone)\"}") { scanner, slices in
                #expect(slices["a"].flatMap { scanner.string($0) } == nil)
                #expect(slices["a"].flatMap { scanner.content($0) }.map { Array($0) } == Array(lone.utf8))
            }
            #expect(throws: JSONError.self) { try JSONValue.parse("{\"a\":\"\(lone)\"}") }
        }
    }
}
