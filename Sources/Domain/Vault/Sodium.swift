internal import CSodium
internal import Glibc

/// libsodium, started once.
enum Sodium {
    private static let isStarted = sodium_init() >= 0

    /// - Throws: `VaultError.noSodium`; then nothing of libsodium may be used.
    static func start() throws(VaultError) {
        guard Self.isStarted else { throw .noSodium }
    }

    /// Zeroes `bytes`; the compiler cannot leave it out.
    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        if let base = bytes.baseAddress { sodium_memzero(base, bytes.count) }
    }

    /// BLAKE2b of `message`, as long as `digest`: 16 to 64 bytes.
    ///
    /// - Parameter key: 16 to 64 bytes that make it a MAC; none for a plain hash.
    static func hash(
        _ message: UnsafeRawBufferPointer,
        key: UnsafeRawBufferPointer? = nil,
        into digest: UnsafeMutableRawBufferPointer
    ) {
        let status = digest.bindMemory(to: UInt8.self).baseAddress.map { output in
            crypto_generichash(
                output,
                digest.count,
                message.bindMemory(to: UInt8.self).baseAddress,
                UInt64(message.count),
                key?.bindMemory(to: UInt8.self).baseAddress,
                key?.count ?? 0
            )
        }
        precondition(status == 0, "BLAKE2b has no digest of \(digest.count) bytes")
    }
}

extension Sodium {
    /// Reads hexadecimal digits, without a table that a cache could betray; false unless they fill `output`.
    static func decodeHex(_ digits: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard
            let text = digits.bindMemory(to: CChar.self).baseAddress,
            let bytes = output.bindMemory(to: UInt8.self).baseAddress
        else { return false }
        var written = 0
        var end: UnsafePointer<CChar>?
        let status = sodium_hex2bin(bytes, output.count, text, digits.count, nil, &written, &end)
        return status == 0 && written == output.count && end == text + digits.count
    }

    /// Writes two digits for each byte, and a zero behind them.
    static func encodeHex(_ bytes: UnsafeRawBufferPointer, into digits: UnsafeMutableRawBufferPointer) {
        precondition(digits.count > 2 * bytes.count, "\(digits.count) bytes cannot take the digits")
        guard
            let text = digits.bindMemory(to: CChar.self).baseAddress,
            let input = bytes.bindMemory(to: UInt8.self).baseAddress
        else { return }
        sodium_bin2hex(text, digits.count, input, bytes.count)
    }
}

/// Where random bytes come from: the kernel, or a test.
package struct Entropy: Sendable {
    private let source: @Sendable (UnsafeMutableRawBufferPointer) -> Bool

    /// The kernel's generator.
    ///
    /// It waits until the kernel has been seeded, starts again when interrupted, and is never replaced by another one.
    package static let system = Entropy { bytes in
        var start = 0
        while start < bytes.count {
            let count = min(256, bytes.count - start)
            guard let base = bytes.baseAddress, getentropy(base + start, count) == 0 else { return false }
            start += count
        }
        return true
    }

    /// - Parameter source: Fills all of the bytes it is lent, or returns false.
    package init(_ source: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Bool) { self.source = source }

    /// Fills `bytes`.
    ///
    /// - Throws: `VaultError.noRandomness`; the bytes are zero then.
    package func fill(_ bytes: UnsafeMutableRawBufferPointer) throws(VaultError) {
        guard self.source(bytes) else {
            Sodium.wipe(bytes)
            throw .noRandomness
        }
    }

    /// `count` random bytes that need no guarding: nonces, ids.
    package func bytes(_ count: Int) throws(VaultError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let isFilled = bytes.withUnsafeMutableBytes { self.source($0) }
        guard isFilled else { throw .noRandomness }
        return bytes
    }
}
