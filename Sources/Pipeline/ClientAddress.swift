package import Core
package import NIOCore
package import Transport
package import Wire

/// Where a request really comes from.
package enum ClientAddress {
    /// The address of the client: of the connection's other side, or, where that is a trusted proxy, the rightmost
    /// entry of `X-Forwarded-For` that is not one itself (row 12).
    ///
    /// What anybody else writes into such a field is never believed.
    ///
    /// - Returns: A numeric address without port; `nil` if the other side is a trusted proxy that does not say who is
    ///   behind it, so that nothing can be held against one client.
    package static func of(
        _ peer: PeerAddress,
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        trusted: [AddressBlock]
    ) -> String? {
        guard trusted.contains(where: { $0.contains(peer.text) }) else { return peer.text }
        guard head.contains(.xForwardedFor) else { return nil }
        var hops: [String] = []
        headBytes.withUnsafeReadableBytes { bytes in
            for field in head.fields where field.name == .xForwardedFor {
                let value = String(decoding: bytes[field.value], as: UTF8.self)
                for part in value.split(separator: ",", omittingEmptySubsequences: false) {
                    hops.append(Self.trimmed(part))
                }
            }
        }
        for hop in hops.reversed() {
            // What stands left of something that is no address was written by nobody whom we trust.
            guard AddressBlock.isAddress(hop) else { return nil }
            if !trusted.contains(where: { $0.contains(hop) }) { return hop }
        }
        return nil
    }

    /// Without white space, brackets and an IPv4 port, which some proxies add.
    private static func trimmed(_ text: Substring) -> String {
        var part = text.drop { $0 == " " || $0 == "\t" }
        while part.hasSuffix(" ") || part.hasSuffix("\t") { part = part.dropLast() }
        if part.hasPrefix("["), let end = part.firstIndex(of: "]") {
            return String(part[part.index(after: part.startIndex)..<end])
        }
        if part.contains("."), let colon = part.lastIndex(of: ":"), part.count(where: { $0 == ":" }) == 1 {
            return String(part[..<colon])
        }
        return String(part)
    }
}
