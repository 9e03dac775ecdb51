import Core
import Foundation
import NIOCore
import Testing

/// A fast generator with a seed, so that a failure can be had again.
struct JSONTextGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func below(_ bound: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int(truncatingIfNeeded: (mixed ^ (mixed >> 31)) >> 33) % bound
    }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[self.below(choices.count)] }

    /// A text that is JSON, or nearly.
    mutating func text() -> [UInt8] {
        var bytes = Array((self.space() + self.value(depth: self.below(5)) + self.space()).utf8)
        guard self.below(3) == 0, !bytes.isEmpty else { return bytes }
        let interesting: [UInt8] =
            Array("{}[]\",:\\u0123456789eE+-.tfn \t\r\n/".utf8) + [
                0, 0x1F, 0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xA0, 0xEF, 0xBB, 0xF0, 0xF4, 0x90, 0xFF,
            ]
        for _ in 0...self.below(2) {
            let index = self.below(bytes.count)
            switch self.below(4) {
            case 0: bytes[index] = self.pick(interesting)
            case 1: bytes.insert(self.pick(interesting), at: index)
            case 2 where bytes.count > 1: bytes.remove(at: index)
            default: bytes.removeLast(self.below(min(4, bytes.count)))
            }
            if bytes.isEmpty { bytes = [0x30] }
        }
        return bytes
    }

    private mutating func space() -> String { self.pick(["", "", "", " ", "\n", "\t\r\n "]) }

    private mutating func value(depth: Int) -> String {
        switch self.below(depth > 0 ? 9 : 6) {
        case 0: return self.pick(["true", "false", "null", "nul", "True", "NaN", "Infinity", "-", ""])
        case 1, 2:
            return self.pick([
                "0", "-0", "1", "-1", "12.5", "1e400", "1E+2", "-1.5e-3", "9223372036854775807", "9223372036854775808",
                "-9223372036854775808", "01", "1.", ".5", "1e", "+1", "0x1", "1e3", "100.0", "1.25e2", "120e-1",
            ])
        case 3, 4, 5: return self.string()
        case 6:
            let elements = (0..<self.below(4)).map { _ in self.space() + self.value(depth: depth - 1) + self.space() }
            return "[" + elements.joined(separator: ",") + self.pick(["]", "]", "]", "]", "]", ",]", ""])
        default:
            return self.object(depth: depth)
        }
    }

    /// A text that is an object, or nearly.
    mutating func object(depth: Int) -> String {
        var members: [String] = []
        for _ in 0..<self.below(5) {
            members.append(
                self.space() + self.string() + self.space() + ":" + self.space() + self.value(depth: depth - 1)
                    + self.space()
            )
        }
        return "{" + members.joined(separator: ",") + self.pick(["}", "}", "}", "}", "}", ",}", ""])
    }

    private mutating func string() -> String {
        var text = "\""
        for _ in 0..<self.pick([0, 1, 1, 2, 3, 12]) {
            text += self.pick([
                "a", "b", "model", "\\u0061", "\\n", "\\\"", "\\\\", "\\/", "é", "漢", "😀", "\\ud83d\\ude00",
                "\\ud83d",
                "\\ude00", "\\u0000", "\\u00e9", " ", "\u{7F}", "\u{2028}", "e\u{301}", "\\x", "\\u12", "\\uD83Dx", "{",
            ])
        }
        return text + "\""
    }
}

@Suite struct JSONPropertyTests {
    @Test func `scanner and tree accept what the reference accepts and read the same (rows 17, 21)`() {
        var random = JSONTextGenerator(seed: 17)
        var accepted = 0
        for _ in 0..<60_000 {
            let bytes = random.text()
            let expected = JSONReference.parse(bytes)
            let isScannable = expected.map { !$0.hasLoneSurrogates(inStrings: false) } ?? false
            let isValid = bytes.withUnsafeBytes { (try? JSONScanner.validate($0)) != nil }
            #expect(isValid == isScannable, "\(String(decoding: bytes, as: UTF8.self))")
            let isReadable = expected.map { !$0.hasLoneSurrogates(inStrings: true) && !$0.hasDuplicates } ?? false
            let tree = bytes.withUnsafeBytes { try? JSONValue.parse($0) }
            guard isReadable, let tree, let expected else {
                #expect(tree == nil && !isReadable, "\(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            accepted += 1
            #expect(Self.isSame(tree, expected), "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(accepted > 10_000)
    }

    @Test func `members are those of the reference, and the second of a name is refused (row 17)`() {
        var random = JSONTextGenerator(seed: 18)
        var duplicates = 0
        var accepted = 0
        for _ in 0..<60_000 {
            let bytes = Array(random.object(depth: 2).utf8)
            var found: [(String, String)] = []
            let outcome: Result<Void, JSONError> = bytes.withUnsafeBytes { raw in
                var scanner = JSONScanner(raw)
                do throws(JSONError) {
                    try scanner.members { key, slice in
                        found.append((key.text, String(decoding: raw[slice.range], as: UTF8.self)))
                    }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            let expected = JSONReference.parse(bytes)
            guard case .object(let members) = expected, !members.isEmpty else { continue }
            if Set(members.map(\.key)).count < members.count {
                duplicates += 1
                #expect(throws: JSONError.self) { try outcome.get() }
                continue
            }
            if expected?.hasLoneSurrogates(inStrings: false) == true { continue }
            accepted += 1
            #expect(found.map(\.0) == members.map { String(decoding: $0.key, as: UTF16.self) })
            #expect(found.map { JSONReference.parse(Array($0.1.utf8)) } == members.map(\.value))
        }
        #expect(duplicates > 200)
        #expect(accepted > 3000)
    }

    @Test func `Foundation reads the same where both accept`() throws {
        var random = JSONTextGenerator(seed: 19)
        var compared = 0
        for _ in 0..<20_000 {
            let bytes = random.text()
            guard let tree = bytes.withUnsafeBytes({ try? JSONValue.parse($0) }),
                let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            else { continue }
            compared += 1
            #expect(Self.isSame(tree, theirs), "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(compared > 3000)
    }

    @Test func `what is written reads back the same, here and in Foundation`() throws {
        var random = JSONTextGenerator(seed: 20)
        for _ in 0..<20_000 {
            let bytes = random.text()
            guard let tree = bytes.withUnsafeBytes({ try? JSONValue.parse($0) }) else { continue }
            #expect(try JSONValue.parse(tree.text) == tree)
            let theirs = try? JSONSerialization.jsonObject(with: Data(tree.text.utf8), options: .fragmentsAllowed)
            if let theirs { #expect(Self.isSame(tree, theirs), "\(tree.text)") }
        }
    }

    private static func isSame(_ value: JSONValue, _ reference: JSONReference.Value) -> Bool {
        switch (value, reference) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.integer(let one), .number(let text)): String(one) == text
        case (.number(let one), .number(let text)):
            one == text && (Int64(text) == nil || text == "-0")
        case (.string(let one), .string(let units)): Array(one.utf16) == units
        case (.array(let one), .array(let other)):
            one.count == other.count && zip(one, other).allSatisfy { Self.isSame($0, $1) }
        case (.object(let one), .object(let other)):
            one.count == other.count
                && zip(one, other).allSatisfy { Array($0.0.utf16) == $1.key && Self.isSame($0.1, $1.value) }
        default: false
        }
    }

    private static func isSame(_ value: JSONValue, _ theirs: Any) -> Bool {
        switch value {
        case .null: return theirs is NSNull
        case .bool(let one): return (theirs as? Bool) == one
        case .integer(let one): return (theirs as? NSNumber)?.int64Value == one
        case .number:
            guard let double = value.doubleValue, let number = theirs as? NSNumber else { return true }
            // Foundation rounds some of these one step off.
            return abs(number.doubleValue - double) <= 2 * double.ulp
        case .string(let one): return (theirs as? String).map { $0.utf8.elementsEqual(one.utf8) } ?? false
        case .array(let elements):
            guard let others = theirs as? [Any], others.count == elements.count else { return false }
            return zip(elements, others).allSatisfy { Self.isSame($0, $1) }
        case .object(let members):
            guard let others = theirs as? [String: Any] else { return false }
            // Foundation's dictionary takes two spellings of one text for one key.
            guard Set(members.map(\.0)).count == members.count else { return true }
            return others.count == members.count
                && members.allSatisfy { member in others[member.0].map { Self.isSame(member.1, $0) } ?? false }
        }
    }
}
