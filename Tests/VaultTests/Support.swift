import Core
import NIOCore
import TestKit
import Vault

/// Bytes of hexadecimal digits, white space left out; nil for anything else.
func hex(_ text: String) -> [UInt8]? {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    guard digits.count % 2 == 0, digits.count == text.filter({ !$0.isWhitespace }).count else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hexText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension SealingKey {
    /// A key of given bytes.
    init(bytes: [UInt8], source: String = "test") throws {
        let guarded = try GuardedBytes(count: bytes.count) { $0.copyBytes(from: bytes) }
        guard let material = KeyMaterial(guarded, source: source) else { throw TestFailure.badFixture }
        self.init(material)
    }

    /// A key that each seed always gives.
    init(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed &* 7919 &+ 17)
        try self.init(bytes: chance.bytes(32))
    }
}

extension Entropy {
    /// Gives these bytes and nothing else.
    static func fixed(_ bytes: [UInt8]) -> Entropy {
        Entropy { room in
            guard room.count == bytes.count else { return false }
            room.copyBytes(from: bytes)
            return true
        }
    }

    static let failing = Entropy { _ in false }
}

extension GuardedBytes {
    /// A copy in ordinary memory, to compare.
    var plain: [UInt8] { self.withBytes { Array($0) } }
}

extension SealContext {
    static let example = SealContext(group: GroupID("acme"), provider: "openai", credential: "c1", field: "f")
}

extension Vault {
    func seal(bytes: [UInt8], for context: SealContext = .example) throws -> SealedCredential {
        try bytes.withUnsafeBytes { try self.seal($0, for: context) }
    }

    func open(blob: [UInt8], for context: SealContext = .example) throws -> [UInt8] {
        try self.open(SealedCredential(blob: blob, context: context)).plain
    }

    /// What opening fails with; nil if it does not.
    func failure(opening blob: [UInt8], for context: SealContext = .example) -> VaultError? {
        do {
            _ = try self.open(SealedCredential(blob: blob, context: context))
            return nil
        } catch {
            return error
        }
    }
}

enum TestFailure: Error {
    case badFixture
    case injected
}
