import Auth
import Core
import Testing

@Suite struct KeyTests {
    /// A generator whose words are 1, 2, 3…, so that two keys differ and a test repeats.
    struct Counting: RandomNumberGenerator {
        var word: UInt64 = 0
        mutating func next() -> UInt64 {
            self.word &+= 0x0123_4567_89AB_CDEF
            return self.word
        }
    }

    static func entry(
        _ key: String,
        disabled: Bool = false,
        expires: UnixTime = UnixTime(milliseconds: .max)
    ) -> KeyTable.Entry {
        KeyTable.Entry(
            digest: KeyDigest(of: key),
            principal: Principal(group: GroupID("g"), keyID: "id-of-\(key)"),
            isDisabled: disabled,
            expires: expires
        )
    }

    static func find(_ key: String, in table: KeyTable, at now: UnixTime = UnixTime(seconds: 0)) -> String? {
        var text = key
        return text.withUTF8 { table.principal(for: UnsafeRawBufferPointer($0), now: now)?.keyID }
    }

    @Test func `a key made here has its form, its length and its chance`() {
        var random = Counting()
        let first = GatewayKey(using: &random)
        let second = GatewayKey(using: &random)
        first.text.reveal { text in
            #expect(text.hasPrefix("tp_\(first.id)_"))
            #expect(text.utf8.count == 3 + 12 + 1 + 43)
            #expect(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        }
        #expect(first.id.utf8.count == 12)
        #expect(first.id != second.id)
        #expect(first.digest != second.digest)
        #expect("\(first.text)" == "<secret>")
    }

    @Test(arguments: [
        ("short", GatewayKeyError.badLength), (String(repeating: "x", count: 201), .badLength),
        ("has a space in its middle", .badCharacter), ("hás-an-accent-in-its-middle", .badCharacter),
        ("line\nfeed-in-the-middle-of-it", .badCharacter),
    ])
    func `a secret that the operator chose must be sendable`(secret: String, error: GatewayKeyError) {
        #expect(throws: error) { try GatewayKey(bootstrap: secret, name: "n") }
    }

    @Test func `a chosen secret takes its id from its own form, else from its name`() throws {
        #expect(try GatewayKey(bootstrap: "sk-anything-of-20-characters", name: "dev").id == "dev")
        #expect(try GatewayKey(bootstrap: "tp_0123456789ab_secret-secret", name: "dev").id == "0123456789ab")
        let longest = String(repeating: "~", count: 200)
        #expect(try GatewayKey(bootstrap: longest, name: "dev").digest == KeyDigest(of: longest))
    }

    @Test func `every key of a large table is found, and nothing else is`() throws {
        let keys = (0..<5000).map { "tp_key-number-\($0)-" }
        let table = try KeyTable(keys.map { Self.entry($0) })
        #expect(table.count == 5000)
        for key in keys {
            #expect(Self.find(key, in: table) == "id-of-\(key)")
            #expect(Self.find(key + "x", in: table) == nil)
            #expect(Self.find(String(key.dropLast()), in: table) == nil)
        }
    }

    @Test func `unknown, disabled and expired keys are nobody, and so is no key at all (row 38)`() throws {
        let table = try KeyTable([
            Self.entry("works"), Self.entry("disabled", disabled: true),
            Self.entry("expires", expires: UnixTime(seconds: 100)),
        ])
        #expect(Self.find("works", in: table, at: UnixTime(seconds: 100)) == "id-of-works")
        #expect(Self.find("expires", in: table, at: UnixTime(seconds: 99)) == "id-of-expires")
        for key in ["disabled", "expires", "unknown", ""] {
            #expect(Self.find(key, in: table, at: UnixTime(seconds: 100)) == nil)
        }
        #expect(Self.find("", in: .empty) == nil)
    }

    @Test func `two keys that differ only behind their thousandth byte are two keys (row 40)`() throws {
        let long = String(repeating: "k", count: 1000)
        let table = try KeyTable([Self.entry(long + "a")])
        #expect(Self.find(long + "a", in: table) != nil)
        #expect(Self.find(long + "b", in: table) == nil)
        #expect(Self.find(long, in: table) == nil)
    }

    @Test func `whatever is injected is hashed and found to be nobody (row 37)`() throws {
        let table = try KeyTable([Self.entry("works")])
        for text in ["' OR 1=1 --", "works' --", "works\0", "%00works", "\u{202E}works", "*", "works OR 1"] {
            #expect(Self.find(text, in: table) == nil)
        }
    }

    @Test func `the same secret for two keys is refused by name and not by value`() {
        #expect(throws: KeyTableError.duplicateKey(keyID: "id-of-same")) {
            try KeyTable([Self.entry("same"), Self.entry("other"), Self.entry("same")])
        }
    }
}

@Suite struct CredentialCarrierTests {
    /// What is found after all fields were offered: the credential, "-" for none, "?" for ambiguous.
    static func find(_ fields: [(CredentialCarrier.Field, String)]) -> String {
        var carrier = CredentialCarrier()
        // The values must outlive the finding, which points into them.
        let buffers = fields.map { Array($0.1.utf8) }
        return Self.offer(fields.map(\.0), buffers[...], &carrier)
    }

    private static func offer(
        _ fields: [CredentialCarrier.Field],
        _ buffers: ArraySlice<[UInt8]>,
        _ carrier: inout CredentialCarrier
    ) -> String {
        guard let first = buffers.first else {
            switch carrier.finding {
            case .nothing: return "-"
            case .ambiguous: return "?"
            case .one(let bytes): return String(decoding: bytes, as: UTF8.self)
            }
        }
        return first.withUnsafeBytes { bytes in
            carrier.offer(fields[buffers.startIndex], bytes)
            return Self.offer(fields, buffers.dropFirst(), &carrier)
        }
    }

    @Test func `one credential is found wherever it is, two that differ nowhere (row 39)`() {
        #expect(Self.find([]) == "-")
        #expect(Self.find([(.authorization, "Bearer abc")]) == "abc")
        #expect(Self.find([(.authorization, "BEARER   abc")]) == "abc")
        #expect(Self.find([(.bare, "abc")]) == "abc")
        #expect(Self.find([(.authorization, "Bearer abc"), (.bare, "abc")]) == "abc")
        #expect(Self.find([(.authorization, "Bearer abc"), (.bare, "abd")]) == "?")
        #expect(Self.find([(.bare, "abc"), (.bare, "abc"), (.bare, "x")]) == "?")
        #expect(Self.find([(.bare, "x"), (.authorization, "Bearer abc"), (.bare, "x")]) == "?")
    }

    @Test func `other schemes and empty values carry nothing`() {
        for value in ["", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Bearer\tabc", "bear abc"] {
            #expect(Self.find([(.authorization, value)]) == "-", "\(value)")
        }
        #expect(Self.find([(.bare, "")]) == "-")
        #expect(Self.find([(.authorization, "Basic abc"), (.bare, "key")]) == "key")
    }
}
