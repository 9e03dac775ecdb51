import Core
import NIOCore
import Testing

@Suite struct JSONReadingTests {
    @Test func `values are read as what they are and as nothing else`() throws {
        let text =
            "{ \"s\" : \"a\\u00e9\\n😀\\ud83d\\ude00\" , \"t\":true,\"f\":false,\"n\":null,"
            + "\"i\":42,\"a\":[1],\"o\":{} }"
        try members(text) { scanner, slices in
            func read<Value>(_ key: String, _ read: (JSONSlice) -> Value?) -> Value? { slices[key].flatMap(read) }
            #expect(read("s") { scanner.string($0) } == "a\u{E9}\n😀😀")
            #expect(read("s") { scanner.equals($0, "a\u{E9}\n😀😀") } == true)
            #expect(read("s") { scanner.equals($0, "a") } == false)
            #expect(read("t") { scanner.bool($0) } == true)
            #expect(read("f") { scanner.bool($0) } == false)
            #expect(read("n") { scanner.isNull($0) } == true)
            #expect(read("i") { scanner.int($0) } == 42)
            #expect(read("i") { scanner.string($0) } == nil)
            #expect(read("s") { scanner.int($0) } == nil)
            #expect(read("t") { scanner.int($0) } == nil)
            #expect(read("n") { scanner.bool($0) } == nil)
            #expect(read("a") { scanner.kind($0) } == .array)
            #expect(read("o") { scanner.kind($0) } == .object)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", Int.max),
            ("-9223372036854775808", Int.min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1e3", 1000), ("1E+3", 1000),
            ("1000.0", 1000),
            ("1.5", nil), ("1.5e1", 15), ("150e-1", 15), ("1e-1", nil), ("1e18", 1_000_000_000_000_000_000),
            ("1e19", nil),
            ("1e400", nil), ("0e400", 0), ("0.0e-999999999999", 0), ("1e99999999999999999999", nil),
            ("1e-99999999999", nil), ("100000000000000000000e-20", 1), ("0.00000000000000000001e20", 1), ("-1.0", -1),
            ("922337203685477580.70e1", Int.max), ("10", 10), ("1000000", 1_000_000), ("0.10e1", 1),
            ("4611686018427387904", 1 << 62), ("-1e18", -1_000_000_000_000_000_000),
        ] as [(String, Int?)]
    )
    func `a whole number is read exactly in any spelling, and others not at all (row 21)`(
        text: String,
        value: Int?
    ) throws {
        try members("{\"n\":\(text)}") { scanner, slices in
            #expect(slices["n"].flatMap { scanner.int($0) } == value)
        }
        #expect(try JSONValue.parse(text).intValue == value)
    }

    @Test func `a number beyond the largest is no number to calculate with (row 21)`() throws {
        try members("{\"a\":1e400,\"b\":-1e400,\"c\":1.5,\"d\":1e-400}") { scanner, slices in
            #expect(slices["a"].flatMap { scanner.double($0) } == nil)
            #expect(slices["b"].flatMap { scanner.double($0) } == nil)
            #expect(slices["c"].flatMap { scanner.double($0) } == 1.5)
            #expect(slices["d"].flatMap { scanner.double($0) } == 0)
        }
    }

    @Test func `objects and arrays inside are walked by the same rules`() throws {
        let text = "{\"m\":[ {\"role\":\"user\"} , {\"role\":\"a\",\"role\":\"b\"} , [] ]}"
        let bytes = Array(text.utf8)
        try members(text) { _, slices in
            var kinds: [JSONScanner.Kind?] = []
            var errors: [JSONError] = []
            bytes.withUnsafeBytes { raw in
                guard let slice = slices["m"] else { return }
                var list = JSONScanner(raw, at: slice)
                try? list.elements { element in
                    kinds.append(JSONScanner(raw).kind(element))
                    var inner = JSONScanner(raw, at: element)
                    do throws(JSONError) {
                        try inner.members { key, _ in #expect(key.equals("role")) }
                    } catch {
                        errors.append(error)
                    }
                }
            }
            #expect(kinds == [.object, .object, .array])
            #expect(errors == [.duplicateKey(at: 37), .invalid(at: 51, expected: .object)])
        }
    }

    @Test(arguments: [
        ("{\"a\":1,\"a\":2}", 7, "a"), ("{\"a\":{\"b\":[1,{\"c\":2,\"c\":3}]}}", 21, "a.b[1].c"), ("[1,2,x]", 5, "[2]"),
        ("{\"messages\":[{\"role\":\"user\"},{\"content\":\"\\x\"}]}", 42, "messages[1].content"), ("x", 0, ""),
    ])
    func `an offset has a path for the error message (row 17)`(text: String, offset: Int, path: String) {
        let found = Array(text.utf8).withUnsafeBytes { JSONPath.find(offset, in: $0) }
        #expect(found == path)
    }

    @Test func `the tree keeps order and exact numbers, and gives nothing for what is not there`() throws {
        let value = try JSONValue.parse(" {\"b\": [1, 2.50, -0, 18446744073709551616], \"a\": {\"x\": null}} ")
        #expect(value.text == "{\"b\":[1,2.50,-0,18446744073709551616],\"a\":{\"x\":null}}")
        #expect(value["b"]?[0] == 1)
        #expect(value["b"]?[1] == .number("2.50"))
        #expect(value["b"]?[2] == .number("-0"))
        #expect(value["b"]?[9] == nil)
        #expect(value["a"]?["x"]?.isNull == true)
        #expect(value["zz"] == nil)
        #expect(value["b"]?["x"] == nil)
        #expect(JSONValue.string("e\u{301}") != .string("\u{E9}"))
        let literal: JSONValue = [
            "b": [1, .number("2.50"), .number("-0"), .number("18446744073709551616")], "a": ["x": nil],
        ]
        #expect(value == literal)
    }

    @Test func `a written string is one line that shows everything (row 52)`() throws {
        var buffer = ByteBuffer()
        let odd = "a\"\\\n\r\t\u{8}\u{C}\u{0}\u{1B}[2J\u{7F}\u{85}\u{2028}\u{202E}\u{2066}\u{FEFF}é😀/"
        appendJSONString(odd, into: &buffer)
        let text = String(buffer: buffer)
        #expect(
            text == "\"a\\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001b[2J\\u007f\\u0085\\u2028\\u202e\\u2066\\ufeffé😀/\""
        )
        for scalar in (0...0x10FFFF as ClosedRange<UInt32>).lazy.compactMap(Unicode.Scalar.init) {
            guard scalar.value < 0x3000 || scalar.value % 97 == 0 else { continue }
            var one = ByteBuffer()
            appendJSONString(String(scalar), into: &one)
            #expect(try JSONValue.parse(one) == .string(String(scalar)))
        }
        var broken = ByteBuffer()
        ([0x61, 0xFF, 0xC3, 0xE2, 0x82, 0x62] as [UInt8]).withUnsafeBytes { appendJSONString(utf8: $0, into: &broken) }
        #expect(String(buffer: broken) == "\"a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}b\"")
    }
}
