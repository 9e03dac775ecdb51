import Core
import NIOCore
import TestKit
import Testing
import Vault

@Suite struct TamperTests {
    private let vault: Vault
    private let plaintext = Array("sk-or-v1-0123456789abcdef".utf8)

    init() throws { self.vault = Vault(Keyring(primary: try SealingKey(seed: 1))) }

    @Test func `every flipped bit of a blob makes it unreadable, or names a key that is not there (row 58)`() throws {
        let blob = try self.vault.seal(bytes: self.plaintext).blob
        for bit in 0..<(8 * blob.count) {
            var changed = blob
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let failure = self.vault.failure(opening: changed)
            if (5..<21).contains(bit / 8) {
                let named = try #require(SealedCredential.keyID(ofBlob: changed))
                #expect(failure == .unknownKeyID(named), "bit \(bit)")
            } else {
                #expect(failure == .unreadable, "bit \(bit)")
            }
        }
        #expect(self.vault.failure(opening: blob) == nil)
    }

    @Test func `a blob cut to any length, lengthened or empty is unreadable (row 58)`() throws {
        let blob = try self.vault.seal(bytes: self.plaintext).blob
        for length in 0..<blob.count {
            #expect(self.vault.failure(opening: Array(blob[..<length])) == .unreadable, "length \(length)")
            #expect(self.vault.failure(opening: Array(blob[(blob.count - length)...])) != nil, "tail of \(length)")
        }
        #expect(self.vault.failure(opening: blob + [0]) == .unreadable)
        #expect(self.vault.failure(opening: blob + blob) == .unreadable)
        #expect(self.vault.failure(opening: [UInt8](repeating: 0, count: 100_000)) == .unreadable)
    }

    @Test func `random bytes are never a blob, with or without its beginning (row 58)`() {
        var chance = SeededGenerator(seed: 11)
        for round in 0..<5000 {
            let junk = chance.bytes(chance.below(200))
            let start = round % 2 == 0 ? [] : Array("TPK1".utf8) + [1] + self.vault.keyring.activeID.bytes
            #expect(self.vault.failure(opening: start + junk) != nil)
        }
    }

    @Test func `no blob opens in the place of another: row, group, provider, field (row 57)`() throws {
        var contexts: [SealContext] = []
        for group in ["acme", "bolt"] {
            for provider in ["openai", "anthropic"] {
                for credential in ["c1", "c2"] {
                    for field in ["credentials.enc_key", "tools.enc_token"] {
                        contexts.append(
                            SealContext(
                                group: GroupID(group),
                                provider: provider,
                                credential: credential,
                                field: field
                            )
                        )
                    }
                }
            }
        }
        let blobs = try contexts.map { try self.vault.seal(bytes: self.plaintext, for: $0).blob }
        for (row, blob) in blobs.enumerated() {
            for (place, context) in contexts.enumerated() {
                #expect(self.vault.failure(opening: blob, for: context) == (row == place ? nil : .unreadable))
            }
        }
    }

    @Test func `parts of two blobs do not make a third (row 57)`() throws {
        let first = try self.vault.seal(bytes: self.plaintext).blob
        let second = try self.vault.seal(bytes: self.plaintext).blob
        for cut in 21..<first.count where first[cut...] != second[cut...] && first[..<cut] != second[..<cut] {
            #expect(self.vault.failure(opening: Array(first[..<cut] + second[cut...])) == .unreadable, "cut \(cut)")
        }
    }

    @Test func `two contexts never give the same associated data (row 57)`() {
        // Pieces that run into each other, lengths that look like lengths.
        let pieces = ["", "a", "b", "ab", "aa", "\0", "\0\0\0\u{1}", "\0\0\0\u{1}a", "a\0\0\0\u{1}b", "acme", "me"]
        let id = self.vault.keyring.activeID
        var seen: [[UInt8]: SealContext] = [:]
        var count = 0
        for group in pieces {
            for provider in pieces {
                for credential in pieces {
                    for field in pieces {
                        let context = SealContext(
                            group: GroupID(group),
                            provider: provider,
                            credential: credential,
                            field: field
                        )
                        seen[context.associatedData(keyID: id)] = context
                        count += 1
                    }
                }
            }
        }
        #expect(seen.count == count)
    }

    @Test func `associated data can be read back into the one context that made them (row 57)`() throws {
        var chance = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let parts = (0..<4).map { _ in chance.text(chance.below(30)) }
            let context = SealContext(
                group: GroupID(parts[0]),
                provider: parts[1],
                credential: parts[2],
                field: parts[3]
            )
            var buffer = ByteBuffer(bytes: context.associatedData(keyID: self.vault.keyring.activeID))
            var found: [[UInt8]] = []
            while let part = buffer.readLengthPrefixedSlice(as: UInt32.self) { found.append(Array(buffer: part)) }
            #expect(buffer.readableBytes == 0)
            #expect(found.count == 7)
            #expect(found.suffix(4).map { String(decoding: $0, as: UTF8.self) } == parts)
        }
    }

    @Test func `a blob under a key that is not in the ring says which, and no other key is tried (row 60)`() throws {
        let (old, new) = (try SealingKey(seed: 1), try SealingKey(seed: 2))
        let blob = try Vault(Keyring(primary: old)).seal(bytes: self.plaintext).blob
        #expect(Vault(Keyring(primary: new)).failure(opening: blob) == .unknownKeyID(old.id))
        #expect("\(VaultError.unknownKeyID(old.id))".contains(old.id.text))
        #expect(Vault(Keyring(primary: new, previous: [old])).failure(opening: blob) == nil)
        // A label that lies: the header says the new key, the ciphertext is the old one's (row 65).
        let lying = Array(blob[..<5]) + new.id.bytes + blob[21...]
        #expect(Vault(Keyring(primary: new, previous: [old])).failure(opening: lying) == .unreadable)
    }

    @Test func `a key's name is the beginning of its BLAKE2b`() throws {
        let key = try SealingKey(bytes: [UInt8](repeating: 0, count: 32))
        // hashlib.blake2b(bytes(32)).hexdigest()[:32]
        #expect(key.id.text == "9ab7a73a97a1a3031406b6c169634a9c")
        #expect(KeyID(key.id.text) == key.id)
        #expect(KeyID("00") == nil && KeyID(String(repeating: "g", count: 32)) == nil)
    }
}
