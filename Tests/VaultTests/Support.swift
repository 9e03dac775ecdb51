import Core
import NIOCore
import Vault

/// A fast generator with a seed, so that a failure can be had again.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) } }

    mutating func below(_ bound: Int) -> Int { Int(self.next() % UInt64(bound)) }

    mutating func text(_ length: Int) -> String {
        String(decoding: (0..<length).map { _ in UInt8(ascii: "!") + UInt8(self.below(94)) }, as: UTF8.self)
    }
}

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
        var chance = Chance(seed: seed &* 7919 &+ 17)
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
