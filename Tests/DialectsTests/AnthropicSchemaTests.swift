import Core
import NIOCore
import Testing

@testable import Dialects

/// Schemas are written again in one walk.
@Suite struct AnthropicSchemaTests {
    private static func restricted(_ schema: String) -> (text: String, isLossless: Bool) {
        var isLossless = true
        let written = AnthropicSchema.restricted(JSONFragment(checked: ByteBuffer(string: schema)), &isLossless)
        return (String(buffer: written.bytes), isLossless)
    }

    /// How many bytes of a schema are looked at, for each that it has.
    private static func looks(_ schema: String) -> Double {
        let bytes = ByteBuffer(string: schema)
        return bytes.withUnsafeReadableBytes { raw in
            var walk = AnthropicSchemaWalk(raw)
            walk.writeSchema()
            return Double(walk.looks) / Double(raw.count)
        }
    }

    @Test func `every byte is looked at once, however deep a schema is`() {
        let leaf = #"{"type":"string","description":"\#(String(repeating: "x", count: 4_000))"}"#
        for depth in [1, 8, 60] {
            let schema =
                String(repeating: #"{"type":"object","properties":{"a":"#, count: depth) + leaf
                + String(repeating: "}}", count: depth)
            #expect(Self.looks(schema) <= 1.01, "depth \(depth)")
        }
    }

    @Test(
        arguments: [
            (#"{}"#, #"{}"#, true), (#"true"#, #"true"#, true),
            (
                #"{ "type" : "object" , "properties" : { "a" : { "type":"string","minLength":1 } , "b\"":{} } }"#,
                #"{"type":"object","properties":{"a":{"type":"string"},"b\"":{}},"additionalProperties":false}"#, false
            ),
            (#"{"oneOf":[{"minItems":1},{"minItems":2}]}"#, #"{"anyOf":[{"minItems":1},{}]}"#, false),
            (
                #"{"items":{"additionalProperties":false},"enum":["{","}","\\"],"x":[[{"maximum":1}],-1.5e3,null]}"#,
                #"{"items":{"additionalProperties":false},"enum":["{","}","\\"],"x":[[{"maximum":1}],-1.5e3,null]}"#,
                true
            ),
            (#"{"additionalProperties":true}"#, #"{"additionalProperties":false}"#, false),
            (#"{"not":{"a":[{}]},"type":["object"]}"#, #"{"type":["object"]}"#, false),
            (
                #"{"p\u0072operties":{"a":{"maximum":1}}}"#,
                #"{"p\u0072operties":{"a":{}},"additionalProperties":false}"#, false
            ),
        ]
    )
    func `a schema keeps what Anthropic takes`(schema: String, written: String, isLossless: Bool) {
        let result = Self.restricted(schema)
        #expect(result.text == written && result.isLossless == isLossless)
    }

    @Test(arguments: ["{", #"{"a":}"#, "[1,", #"{"type":"object"#])
    func `what is no JSON stays as it is`(schema: String) {
        #expect(Self.restricted(schema).text == schema)
    }
}
