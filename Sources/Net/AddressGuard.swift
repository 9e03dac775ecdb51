package import NIOCore

/// Decides which resolved addresses may be dialled.
///
/// It sits in the one dialer, on the address itself, because a check on a URL can be talked around (other routes,
/// redirects, parser differences, mapped addresses, rebinding).
package enum AddressGuard {
    /// Whether `address` is out on the public internet.
    ///
    /// Everything that IANA lists as not globally reachable is refused (RFC 6890 and the special-purpose registries),
    /// and so is any IPv6 form that carries such an IPv4 address: mapped, compatible, 6to4, Teredo, NAT64.
    package static func isPublic(_ address: SocketAddress) -> Bool {
        // Offsets of `sin_addr` and `sin6_addr` in the system's structures.
        address.withSockAddr { pointer, size in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
            switch address {
            case .v4: return self.isPublic(v4: UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)))
            case .v6: return self.isPublic(v6: UnsafeRawBufferPointer(rebasing: bytes[8..<24]))
            case .unixDomainSocket: return false
            }
        }
    }

    /// Network, prefix length.
    ///
    /// Source: IANA IPv4 Special-Purpose Address Registry, and multicast and class E.
    private static let refusedV4: [(network: UInt32, bits: UInt32)] = [
        (0x0000_0000, 8),  // this network
        (0x0A00_0000, 8),  // private
        (0x6440_0000, 10),  // carrier-grade NAT
        (0x7F00_0000, 8),  // loopback
        (0xA9FE_0000, 16),  // link-local, cloud metadata
        (0xAC10_0000, 12),  // private
        (0xC000_0000, 24),  // IETF protocol assignments
        (0xC000_0200, 24),  // documentation
        (0xC01F_C400, 24),  // AS112
        (0xC034_C100, 24),  // AMT
        (0xC058_6300, 24),  // 6to4 relay anycast
        (0xC0A8_0000, 16),  // private
        (0xC0AF_3000, 24),  // AS112 direct delegation
        (0xC612_0000, 15),  // benchmarking
        (0xC633_6400, 24),  // documentation
        (0xCB00_7100, 24),  // documentation
        (0xE000_0000, 4),  // multicast
        (0xF000_0000, 4),  // reserved, broadcast
    ]

    static func isPublic(v4 address: UInt32) -> Bool {
        // Azure's platform address answers like a metadata service from inside a virtual network.
        guard address != 0xA83F_8110 else { return false }
        return !self.refusedV4.contains { address >> (32 - $0.bits) == $0.network >> (32 - $0.bits) }
    }

    private static func isPublic(v6 bytes: UnsafeRawBufferPointer) -> Bool {
        func word(_ index: Int) -> UInt16 { UInt16(bytes[2 * index]) << 8 | UInt16(bytes[2 * index + 1]) }
        func v4(_ index: Int) -> UInt32 { UInt32(word(index)) << 16 | UInt32(word(index + 1)) }
        let leading = (0..<5).allSatisfy { word($0) == 0 }
        if leading {
            // ::ffff:a.b.c.d mapped; ::a.b.c.d compatible (deprecated), with :: and ::1 among them.
            return word(5) == 0xFFFF && self.isPublic(v4: v4(6))
        }
        switch word(0) {
        case 0x0064 where word(1) == 0xFF9B:
            // 64:ff9b::/96 is NAT64 to the address inside; 64:ff9b:1::/48 is local use.
            return (2..<6).allSatisfy { word($0) == 0 } && self.isPublic(v4: v4(6))
        case 0x2001 where word(1) < 0x0200:
            return false  // IETF assignments: Teredo (its address is obfuscated), ORCHID, benchmarking
        case 0x2001 where word(1) == 0x0DB8:
            return false  // documentation
        case 0x2002:
            return self.isPublic(v4: v4(1))  // 6to4
        case 0x3FFF where word(1) < 0x1000:
            return false  // documentation
        case 0x2000...0x3FFF:
            // ISATAP hides an IPv4 address behind 0:5efe or 200:5efe.
            let isISATAP = (word(4) == 0 || word(4) == 0x0200) && word(5) == 0x5EFE
            return !isISATAP || self.isPublic(v4: v4(6))
        default:
            return false  // unique local, link-local, site-local, multicast, unassigned
        }
    }
}
