internal import Glibc

/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 §2.3): `10.0.0.0/8`, `fd00::/8`, or one address.
///
/// An IPv4 address and its IPv6-mapped form are the same address.
package struct AddressBlock: Sendable, Equatable {
    /// As an IPv6 address, IPv4 mapped.
    private let bytes: [UInt8]
    private let bits: Int

    /// Nil if `text` is no address or block: numbers only, no names; bits behind the prefix are ignored.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let (bytes, isV4) = Self.parse(String(first)) else { return nil }
        let width = isV4 ? 32 : 128
        var bits = width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(parts[1]),
                (0...width).contains(number)
            else { return nil }
            bits = number
        }
        self.bytes = bytes
        self.bits = isV4 ? bits + 96 : bits
    }

    /// Whether the numeric address lies in the block; false for what is no address.
    package func contains(_ address: String) -> Bool {
        guard let (other, _) = Self.parse(address) else { return false }
        for index in 0..<16 {
            let rest = self.bits - index * 8
            guard rest > 0 else { return true }
            let mask: UInt8 = rest >= 8 ? 0xFF : ~(0xFF >> UInt8(rest))
            guard self.bytes[index] & mask == other[index] & mask else { return false }
        }
        return true
    }

    /// Whether `text` is a numeric address, without port, brackets or zone.
    package static func isAddress(_ text: String) -> Bool { self.parse(text) != nil }

    private static func parse(_ text: String) -> (bytes: [UInt8], isV4: Bool)? {
        guard text.utf8.count <= 45 else { return nil }
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            return ([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + withUnsafeBytes(of: v4) { Array($0) }, true)
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: v6) { Array($0) }
        return (bytes, bytes.starts(with: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]))
    }
}
