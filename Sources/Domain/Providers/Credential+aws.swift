package import Core
package import NIOCore
package import Signing

extension Credential {
    /// Appends the header lines that AWS wants of this key: a bearer line, or those of a signature.
    ///
    /// A key with a colon in it is `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]` and signs, by `signer`, the head
    /// that stands in `buffer` from `start` to its end; any other is an API key of Bedrock, which has no colon.
    ///
    /// - Parameters:
    ///   - start: Where the request line begins, counted from the beginning of the buffer's memory; header lines follow
    ///     it, `host` among them, without a blank line.
    ///   - body: What the body will be; called only for a signature.
    ///   - now: AWS refuses what is more than five minutes off.
    /// - Returns: Where a secret stands now, counted from the beginning of the buffer's memory: whoever owns the buffer
    ///   wipes it there after the write. A secret access key is never in the buffer.
    /// - Throws: `CredentialUnreadable` if the key cannot be opened, or has a form or bytes that cannot be (row 2);
    ///   then nothing was appended.
    package func writeAWSLines(
        by signer: SigV4,
        from start: Int,
        body: @autoclosure () -> BodyDigest,
        now: UnixTime,
        into buffer: inout ByteBuffer
    ) throws(CredentialUnreadable) -> Range<Int> {
        var key = ByteBuffer()
        defer { key.wipe(0..<key.writerIndex) }
        do {
            try self.open(&key)
        } catch {
            throw CredentialUnreadable(id: self.id, cause: error)
        }
        guard Self.isUsable(key, key.readerIndex..<key.writerIndex) else {
            throw CredentialUnreadable(id: self.id, cause: nil)
        }
        guard key.readableBytesView.contains(UInt8(ascii: ":")) else {
            buffer.reserveCapacity(minimumWritableBytes: key.readableBytes + 32)
            buffer.writeStaticString("authorization: Bearer ")
            let range = buffer.writerIndex..<(buffer.writerIndex + key.readableBytes)
            buffer.writeImmutableBuffer(key)
            buffer.writeStaticString("\r\n")
            return range
        }
        let digest = body()
        let signed: Result<Range<Int>, SigningError> = key.withUnsafeReadableBytes { bytes in
            do throws(SigningError) {
                let keys = try AWSKeys(parsing: bytes)
                return .success(try signer.sign(&buffer, from: start, body: digest, keys: keys, now: now))
            } catch {
                return .failure(error)
            }
        }
        switch signed {
        case .success(let range): return range
        case .failure(let error): throw CredentialUnreadable(id: self.id, cause: error)
        }
    }
}
