/// What was in each row when a rotation first opened it, as a MAC under a key that only this run knows.
///
/// In memory alone, 32 bytes a row: it proves, at the end, that re-sealing changed no content, and says nothing about
/// the content to anybody else.
struct Fingerprints {
    /// Which blob, by its nonce, and what was inside.
    private struct Print: Equatable {
        var blob: KeyID
        var content: KeyID
    }

    private let key: SealingKey
    private var prints: [SealedPlace: Print] = [:]

    init(entropy: Entropy) throws(VaultError) {
        self.key = SealingKey(try KeyMaterial(newFrom: entropy, source: "rotation"))
    }

    /// Remembers what `row` holds.
    mutating func note(_ place: SealedPlace, blob: [UInt8], content: GuardedBytes) {
        self.prints[place] = Print(blob: Self.mark(of: blob), content: self.mark(of: content))
    }

    /// Notes that `place` now has the blob that was made here from the same content.
    mutating func noteResealed(_ place: SealedPlace, blob: [UInt8]) { self.prints[place]?.blob = Self.mark(of: blob) }

    /// Whether `content` is what the row must hold; a row that somebody else has written since may hold anything.
    func accepts(_ place: SealedPlace, blob: [UInt8], content: GuardedBytes) -> Bool {
        guard let print = self.prints[place], print.blob == Self.mark(of: blob) else { return true }
        return print.content == self.mark(of: content)
    }

    private func mark(of content: GuardedBytes) -> KeyID {
        let mac = content.withBytes { content in
            self.key.withBytes { key in
                withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { digest in
                    Sodium.hash(content, key: key, into: digest)
                    return KeyID(UnsafeRawBufferPointer(digest))
                }
            }
        }
        return mac
    }

    /// The first 16 bytes of the nonce, which no two blobs share.
    private static func mark(of blob: [UInt8]) -> KeyID {
        blob.withUnsafeBytes { KeyID(UnsafeRawBufferPointer(rebasing: $0[21..<37])) }
    }
}
