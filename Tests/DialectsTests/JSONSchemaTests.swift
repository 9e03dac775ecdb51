import Core
import Dialects
import NIOCore
import Testing

struct JSONSchemaTests {
    private func verdict(_ schema: String, _ value: String, stepsMax: Int = 1_000_000) throws -> JSONSchemaCheck.Verdict
    {
        try JSONSchemaCheck(ByteBuffer(string: schema)).check(ByteBuffer(string: value), stepsMax: stepsMax)
    }

    private func faults(_ schema: String, _ value: String) throws -> [String] {
        guard case .invalid(let faults) = try self.verdict(schema, value) else { return [] }
        return faults.map { "\($0.path) \($0.message)" }
    }

    /// The verdicts are those of Python's `jsonschema` 4.26 on schemas and values made at random.
    @Test func `schemas of all keywords judge as another implementation does`() throws {
        let lines = try ProviderSide.fixture("schema/cases.jsonl").split(separator: "\n")
        try #require(lines.count >= 300)
        for line in lines {
            let test = try JSONValue.parse(String(line))
            let schema = try #require(test["schema"])
            let value = try #require(test["value"])
            let verdict = try self.verdict(schema.text, value.text)
            #expect((verdict == .valid) == (test["valid"] == true), "\(line)")
            #expect(verdict != .undecided, "\(line)")
        }
    }

    private let person =
        #"{"type":"object","properties":{"name":{"type":"string","minLength":1},"tags":{"type":"array","#
        + #""items":{"enum":["x","y"]}},"age":{"anyOf":[{"type":"integer","minimum":0},{"type":"null"}]}},"#
        + #""required":["name","age"],"additionalProperties":false}"#

    @Test func `faults say where and what, so that a model can put them right`() throws {
        #expect(try self.verdict(self.person, #"{"name":"a","age":null,"tags":["x"]}"#) == .valid)
        #expect(
            try self.faults(self.person, #"{"name":"","tags":["x","z",1],"more":1}"#) == [
                #"$ must have the member "age""#, "$.name must have at least 1 characters, not 0",
                #"$.tags[1] must be one of "x", "y""#, #"$.tags[2] must be one of "x", "y""#,
                #"$ must not have the member "more""#,
            ]
        )
        let nested = try self.faults(self.person, #"{"name":"a","age":-1}"#)
        #expect(nested == ["$.age must fit one of 2 schemas; the nearest:", "$.age must be at least 0"])
        #expect(try self.faults(self.person, "[1]") == ["$ must be of type object, not a list"])
        #expect(try self.faults(self.person, "{").first?.hasPrefix("$ is not valid JSON") == true)
        #expect(
            try self.faults(#"{"additionalProperties":{"type":"null"}}"#, #"{"a b":1}"#)[0].hasPrefix(#"$["a b"] "#)
        )
    }

    @Test(arguments: [
        (#"{"multipleOf":0.01}"#, "4.02", true), (#"{"multipleOf":0.01}"#, "4.025", false),
        (#"{"type":"integer"}"#, "1e2", true), (#"{"type":"integer"}"#, "1.50", false),
        (#"{"const":1.0}"#, "10e-1", true),
        (#"{"maximum":9007199254740992}"#, "9007199254740993", false), (#"{"minimum":-1e400}"#, "-1e399", true),
        (#"{"exclusiveMinimum":0}"#, "-0.0", false), (#"{"enum":[{"a":1,"b":[2]}]}"#, #"{"b":[2.0],"a":1e0}"#, true),
        (#"{"uniqueItems":true}"#, #"[{"a":1,"b":2},{"b":2.0,"a":1}]"#, false), (#"{"maxLength":1}"#, #""😀""#, true),
        (#"{"const":"\u00e9"}"#, #""e\u0301""#, false), (#"{"type":"string","nullable":true}"#, "null", true),
        (#"{"type":"STRING"}"#, #""a""#, true),
        (##"{"$ref":"#/definitions/a","definitions":{"a":{"const":1}}}"##, "2", false),
        (#"{"items":[{"const":1}],"additionalItems":false}"#, "[1,2]", false),
        (##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##, #"{"v":1,"next":{"next":{"v":1}}}"#, false),
    ])
    func `numbers are exact, texts are counted by characters, older spellings are known`(
        _ schema: String,
        _ value: String,
        _ isValid: Bool
    ) throws {
        #expect((try self.verdict(schema, value) == .valid) == isValid)
    }

    @Test(arguments: [
        ("date", "2024-02-29", true), ("date", "2023-02-29", false), ("date", "2023-2-9", false),
        ("time", "23:59:60Z", true), ("time", "12:59:60Z", false), ("time", "12:00:00", false),
        ("date-time", "2024-01-01T00:00:00.5+01:00", true), ("date-time", "2024-01-01 00:00:00Z", false),
        ("email", "a@b", true), ("email", "a@", false), ("uuid", "2EB8AA08-AA98-11EA-B4AA-73B441D16380", true),
        ("uuid", "2eb8aa08aa9811eab4aa73b441d16380", false), ("ipv4", "1.2.3.255", true), ("ipv4", "1.2.3.04", false),
        ("ipv6", "::1", true), ("ipv6", "1::2::3", false), ("ipv6", "::ffff:1.2.3.4", true), ("ipv6", "12345::", false),
        ("hostname", "a-b.c", true), ("hostname", "-a", false), ("nobody-knows", "x", true),
    ])
    func `common formats are checked`(_ format: String, _ text: String, _ isValid: Bool) throws {
        let verdict = try self.verdict("{\"format\":\"\(format)\"}", "\"\(text)\"")
        #expect((verdict == .valid) == isValid)
    }

    @Test(arguments: [
        (#"^(a|b)*c{2,3}$"#, "abacc", true), (#"^(a|b)*c{2,3}$"#, "abac", false), (#"\bcat\b"#, "a cat!", true),
        (#"\bcat\b"#, "scat", false), (#"^[^\d\s]+$"#, "a1", false), (#"^[\w.-]+$"#, "a.b-c", true),
        (#"^\u0041$"#, "A", true),
        ("^$", "", true), (#"^(?:\+1)?\d{3}$"#, "+1234", true), ("a{0}b", "b", true), (#"^[\W]$"#, "a", false),
    ])
    func `patterns match as they should`(_ pattern: String, _ text: String, _ isMatch: Bool) throws {
        let schema = JSONValue.object([("pattern", .string(pattern))]).text
        let check = try JSONSchemaCheck(ByteBuffer(string: schema))
        #expect(check.unchecked.isEmpty)
        #expect((check.check(ByteBuffer(string: JSONValue.string(text).text)) == .valid) == isMatch)
    }

    @Test(arguments: [#"(?=a)"#, #"(a)\1"#, #"\p{L}"#, "(", "a**", "[z-a]", "x{9999}", "((((a{99}){99}){99}){99})"])
    func `a pattern that cannot be matched in linear time is named, and passes`(_ pattern: String) throws {
        let schema = JSONValue.object([("pattern", .string(pattern)), ("unevaluatedItems", false)]).text
        let check = try JSONSchemaCheck(ByteBuffer(string: schema))
        #expect(check.unchecked == ["pattern", "unevaluatedItems"])
        #expect(check.check(ByteBuffer(string: "\"\"")) == .valid)
    }

    @Test func `no schema and no answer can keep it busy`() throws {
        // A circle that takes nothing away, choices that double at each level, a pattern that backtracking dies of.
        #expect(try self.verdict(##"{"$ref":"#"}"##, "1") == .undecided)
        #expect(try self.verdict(##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##, "1") == .undecided)
        let doubling = (0..<40).map { level -> String in
            let next = ##"{"$ref":"#/$defs/d\##(level + 1)"}"##
            return #""d\#(level)":{"not":{"anyOf":[\#(next),\#(next)]}}"#
        }
        let schema = ##"{"$ref":"#/$defs/d0","$defs":{"## + doubling.joined(separator: ",") + #","d40":{"const":1}}}"#
        #expect(try self.verdict(schema, "2", stepsMax: 20_000) == .undecided)
        let long = "\"" + String(repeating: "a", count: 3_000) + "\""
        #expect(try self.verdict(#"{"pattern":"^(a+)+$"}"#, long) == .valid)
        #expect(try self.verdict(#"{"pattern":"^(a+)+b$"}"#, long) != .valid)
        let list = "[" + (0..<3_000).map { "\($0)" }.joined(separator: ",") + "]"
        #expect(try self.verdict(#"{"uniqueItems":true}"#, list) == .valid)
        #expect(try self.verdict(#"{"uniqueItems":true}"#, list, stepsMax: 100) == .undecided)
    }

    @Test(arguments: [
        "[]", "1", "{", #"{"type":"text"}"#, ##"{"$ref":"#/$defs/x"}"##, #"{"anyOf":[1]}"#, ##"{"$ref":"#x"}"##,
    ])
    func `what is no schema is refused`(_ schema: String) {
        #expect(throws: SchemaUnusable.self) { try JSONSchemaCheck(ByteBuffer(string: schema)) }
    }
}
