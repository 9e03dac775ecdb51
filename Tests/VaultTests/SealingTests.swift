import Core
import Glibc
import NIOCore
import TestKit
import Testing

@testable import Vault

@Suite struct SealingTests {
    @Test func `the subkey of the draft's section 2-2-1 comes out of the oracle`() throws {
        let key = Array(UInt8(0)..<32)
        let nonce = try #require(hex("000000090000004a0000000031415927"))
        let subkey = SecondCipher.hChaCha20(key: key, nonce: nonce)
        #expect(hexText(subkey) == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    }

    @Test func `the vector of the draft's appendix A-3-1 seals and opens, here and in the oracle`() throws {
        let key = Array(UInt8(0x80)...0x9F)
        let nonce = Array(UInt8(0x40)...0x57)
        let associated = try #require(hex("50515253c0c1c2c3c4c5c6c7"))
        let words = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        let plaintext = Array((words + "sunscreen would be it.").utf8)
        let sealed = try #require(
            hex(
                """
                bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39
                ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9
                21f9664c97637da9768812f615c68b13b52e c0875924c1c7987947deafd8780acf49
                """
            )
        )
        var output = [UInt8](repeating: 0, count: plaintext.count + 16)
        try output.withUnsafeMutableBytes { output in
            try plaintext.withUnsafeBytes { plaintext in
                try associated.withUnsafeBytes { associated in
                    try nonce.withUnsafeBytes { nonce in
                        try key.withUnsafeBytes { key in
                            try XChaCha20Poly1305.seal(
                                plaintext,
                                associated: associated,
                                nonce: nonce,
                                key: key,
                                into: output
                            )
                        }
                    }
                }
            }
        }
        #expect(output == sealed)
        #expect(try SecondCipher.seal(plaintext, associated: associated, nonce: nonce, key: key) == sealed)
        #expect(try SecondCipher.open(sealed, associated: associated, nonce: nonce, key: key) == plaintext)
    }

    /// The file is written and checked by `Tests/Fixtures/vault/make_blobs.py`.
    @Test func `blobs of PyNaCl and pycryptodome open, and the same inputs give the same bytes`() throws {
        let file = #filePath.replacing("VaultTests/SealingTests.swift", with: "Fixtures/vault/sealed.tsv")
        let lines = try String(contentsOfFile: file).split(separator: "\n").dropFirst()
        #expect(lines.count == 100)
        for line in lines {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false).compactMap { hex(String($0)) }
            try #require(cells.count == 8)
            let context = SealContext(
                group: GroupID(String(decoding: cells[2], as: UTF8.self)),
                provider: String(decoding: cells[3], as: UTF8.self),
                credential: String(decoding: cells[4], as: UTF8.self),
                field: String(decoding: cells[5], as: UTF8.self)
            )
            let vault = Vault(Keyring(primary: try SealingKey(bytes: cells[0])), entropy: .fixed(cells[1]))
            #expect(try vault.seal(bytes: cells[6], for: context).blob == cells[7])
            #expect(try vault.open(blob: cells[7], for: context) == cells[6])
        }
    }

    @Test func `a thousand random cases agree with the oracle, both ways`() throws {
        var chance = SeededGenerator(seed: 5)
        for _ in 0..<1000 {
            let (key, nonce) = (chance.bytes(32), chance.bytes(24))
            let plaintext = chance.bytes(chance.below(300))
            let context = SealContext(
                group: GroupID(chance.text(chance.below(20))),
                provider: chance.text(chance.below(20)),
                credential: chance.text(chance.below(40)),
                field: chance.text(chance.below(20))
            )
            let sealingKey = try SealingKey(bytes: key)
            let vault = Vault(Keyring(primary: sealingKey), entropy: .fixed(nonce))
            let associated = context.associatedData(keyID: sealingKey.id)
            let expected = try SecondCipher.seal(plaintext, associated: associated, nonce: nonce, key: key)
            let blob = try vault.seal(bytes: plaintext, for: context).blob
            #expect(blob == Array("TPK1".utf8) + [1] + sealingKey.id.bytes + nonce + expected)
            #expect(try vault.open(blob: blob, for: context) == plaintext)
            #expect(
                try SecondCipher.open(Array(blob[45...]), associated: associated, nonce: nonce, key: key) == plaintext
            )
        }
    }

    @Test func `opening into a head puts the key behind what is there, and nothing there when it fails`() throws {
        let vault = Vault(Keyring(primary: try SealingKey(seed: 1)))
        let sealed = try vault.seal(Secret("sk-test-0123456789"), for: .example)
        var head = ByteBuffer(string: "authorization: Bearer ")
        try vault.open(sealed, into: &head)
        head.writeString("\r\n")
        #expect(String(buffer: head) == "authorization: Bearer sk-test-0123456789\r\n")
        var broken = sealed.blob
        broken[50] ^= 1
        let damaged = try SealedCredential(blob: broken, context: .example)
        #expect(throws: VaultError.unreadable) { try vault.open(damaged, into: &head) }
        #expect(head.readableBytes == 42)
        #expect(head.getBytes(at: head.writerIndex, length: 0) == [])
        let rest = head.getSlice(at: 0, length: 42).map { String(buffer: $0) }
        #expect(rest == "authorization: Bearer sk-test-0123456789\r\n")
    }

    @Test func `sealing without randomness, with too much, or without the active key is refused (row 59)`() throws {
        let ring = Keyring(primary: try SealingKey(seed: 1))
        #expect(throws: VaultError.noRandomness) { try Vault(ring, entropy: .failing).seal(bytes: [1]) }
        let long = [UInt8](repeating: 1, count: 65_537)
        #expect(throws: VaultError.tooLong(bytes: 65_537)) { try Vault(ring).seal(bytes: long) }
        let other = try SealingKey(seed: 2).id
        #expect(throws: VaultError.activeKeyMissing(other)) { try Vault(ring.sealing(with: other)).seal(bytes: [1]) }
        #expect(throws: VaultError.noRandomness) { try KeyMaterial(newFrom: .failing, source: "test") }
    }

    @Test func `100,000 seals use 100,000 nonces (row 59)`() throws {
        let vault = Vault(Keyring(primary: try SealingKey(seed: 1)))
        var seen: Set<[UInt8]> = []
        for _ in 0..<100_000 {
            seen.insert(Array(try vault.seal(bytes: [7]).blob[21..<45]))
        }
        #expect(seen.count == 100_000)
    }

    @Test func `guarded bytes print nothing, compare, and can be closed while nobody reads`() throws {
        let open = try GuardedBytes(count: 4) { $0.copyBytes(from: [1, 2, 3, 4]) }
        let closed = try GuardedBytes(count: 4, rest: .closed) { $0.copyBytes(from: [1, 2, 3, 4]) }
        let other = try GuardedBytes(count: 4) { $0.copyBytes(from: [1, 2, 3, 5]) }
        #expect(open.isEqual(to: closed) && closed.isEqual(to: open) && !open.isEqual(to: other))
        #expect(closed.plain == [1, 2, 3, 4])
        #expect("\(open)" == "<guarded>" && String(reflecting: open) == "<guarded>")
        #expect(Mirror(reflecting: open).children.isEmpty)
        #expect(throws: VaultError.unreadable) {
            try GuardedBytes(count: 4) { (_) throws(VaultError) in throw .unreadable }
        }
    }

    @Test func `readers of closed bytes may overlap`() async throws {
        let bytes = try GuardedBytes(count: 32, rest: .closed) { $0.copyBytes(from: Array(0..<32)) }
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<2000).reduce(0) { sum, _ in sum + bytes.withBytes { $0.reduce(0) { $0 + Int($1) } } }
                }
            }
            for await sum in group { #expect(sum == 2000 * 496) }
        }
    }

    @Test func `hardening forbids dumps and core files for this process (row 56)`() {
        let report = ProcessHardening.apply()
        #expect(report.dumpsForbidden && report.coreFilesForbidden)
        #expect(ProcessHardening.report() == report)
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
        #expect(limit.rlim_max == 0)
    }
}

extension String {
    /// A whole small file.
    init(contentsOfFile path: String) throws {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw TestFailure.badFixture }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        self = String(decoding: bytes, as: UTF8.self)
    }
}
