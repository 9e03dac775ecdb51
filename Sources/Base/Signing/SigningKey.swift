internal import Crypto

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The key that signs the requests of one day, region and service, for as long as one signature takes.
///
/// Made for each request anew: four keyed hashes, under two microseconds, which is less than keeping it safe would
/// cost. All memory that a key was in is zeroed: the block here, the states of the hashes by swift-crypto itself.
struct SigningKey: ~Copyable {
    /// Where the key is mixed with the pads of RFC 2104: as long as a block of SHA-256, the key in its first bytes.
    private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: SHA256.blockByteCount, alignment: 8)

    /// Derives the key: HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request").
    ///
    /// - Parameter day: `20150830`.
    init(secret: UnsafeRawBufferPointer, day: Substring, region: String, service: String) {
        let prefix: StaticString = "AWS4"
        let start = UnsafeRawBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        self.load(start, secret)
        self.derive(String(day))
        self.derive(region)
        self.derive(service)
        self.derive("aws4_request")
    }

    deinit {
        Self.wipe(self.block)
        self.block.deallocate()
    }

    /// The keyed hash of `bytes`.
    func sign(_ bytes: UnsafeRawBufferPointer) -> SHA256.Digest {
        var inner = SHA256()
        self.mix(0x36)
        inner.update(bufferPointer: UnsafeRawBufferPointer(self.block))
        inner.update(bufferPointer: bytes)
        self.mix(0x36)
        var innerDigest = inner.finalize()
        var outer = SHA256()
        self.mix(0x5C)
        outer.update(bufferPointer: UnsafeRawBufferPointer(self.block))
        innerDigest.withUnsafeBytes { outer.update(bufferPointer: $0) }
        self.mix(0x5C)
        withUnsafeMutableBytes(of: &innerDigest) { Self.wipe($0) }
        return outer.finalize()
    }

    /// Makes the keyed hash of `text` the key.
    private func derive(_ text: String) {
        var text = text
        var next = text.withUTF8 { self.sign(UnsafeRawBufferPointer($0)) }
        withUnsafeMutableBytes(of: &next) { digest in
            self.load(UnsafeRawBufferPointer(digest), UnsafeRawBufferPointer(start: nil, count: 0))
            Self.wipe(digest)
        }
    }

    /// Makes `first` with `second` behind it the key; if they are longer than a block, their hash, as RFC 2104 says.
    private func load(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
        guard first.count + second.count <= self.block.count else {
            var hash = SHA256()
            hash.update(bufferPointer: first)
            hash.update(bufferPointer: second)
            var digest = hash.finalize()
            withUnsafeMutableBytes(of: &digest) { digest in
                self.load(UnsafeRawBufferPointer(digest), UnsafeRawBufferPointer(start: nil, count: 0))
                Self.wipe(digest)
            }
            return
        }
        Self.wipe(self.block)
        self.block.copyMemory(from: first)
        UnsafeMutableRawBufferPointer(rebasing: self.block[first.count...]).copyMemory(from: second)
    }

    private func mix(_ pad: UInt8) {
        for index in self.block.indices { self.block[index] ^= pad }
    }

    /// Zeroes memory in a way that no optimiser takes out.
    private static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        #if canImport(Darwin)
            _ = memset_s(base, bytes.count, 0, bytes.count)
        #else
            explicit_bzero(base, bytes.count)
        #endif
    }
}
