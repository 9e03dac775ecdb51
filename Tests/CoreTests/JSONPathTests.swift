import Core
import Testing

@Suite struct JSONPathTests {
    private func paths(to places: [Int], in text: String) -> [String] {
        Array(text.utf8).withUnsafeBytes { JSONPath.find(places, in: $0) }
    }

    @Test func `many places are found in one walk, in the order they were asked for`() {
        let text = #"{"a":[1,{"b":2}],"c":{"d":"e"}}"#
        //           0123456789012345678901234567890
        #expect(self.paths(to: [25, 13, 6, 8, 5, 17], in: text) == ["c.d", "a[1].b", "a[0]", "a[1]", "a", "c"])
    }

    @Test(arguments: [
        (#"{"a":{"b":1"#, 10, "a.b"), (#"{"a":{"b""#, 7, "a.b"), (#"{"a":{"b" 1}}"#, 10, "a"),
        (#"{"a":[{},"#, 9, "a[1]"), (#"{"a":"#, 5, "a"), ("[1 2]", 3, ""), ("", 0, ""), ("{", 1, ""),
        (#"{"a":1}"#, 100, ""), (#"{"a":1}"#, -1, ""), (#"{"a":1}"#, 0, ""), (" [1]", 0, ""), (" [1]", 1, ""),
    ])
    func `in a broken text the way ends where it breaks`(text: String, place: Int, path: String) {
        #expect(self.paths(to: [place], in: text) == [path])
    }

    @Test func `a name in a path is short, on one line and no list`() {
        #expect(self.paths(to: [12], in: #"{"a b,\nc":  1}"#) == ["a_b__c"])
        let long = String(repeating: "x", count: 1000)
        #expect(self.paths(to: [1004], in: #"{"\#(long)": 1}"#) == ["…"])
        #expect(self.paths(to: [104], in: #"{"\#(long.prefix(100))": 1}"#) == ["\(long.prefix(64))…"])
    }

    @Test func `a path has a length that it does not pass by far`() {
        let text = String(repeating: #"{"abcdefghij":"#, count: 60) + "x"
        let path = self.paths(to: [text.utf8.count - 1], in: text)[0]
        #expect((256...320).contains(path.utf8.count))
    }
}
