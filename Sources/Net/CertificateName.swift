import NIOCore
import NIOSSL

/// Whether a certificate is for a DNS name.
///
/// swift-nio-ssl also accepts a certificate that names the address of the socket. For an endpoint that is configured by
/// name this is not enough: whoever can forge the answer of a resolver may well own a certificate for an address.
enum CertificateName {
    /// Whether one of the certificate's DNS names is `host` or covers it with a wildcard in its first label (RFC 6125).
    static func covers(_ host: String, _ certificate: NIOSSLCertificate) -> Bool {
        let wanted = host.hasSuffix(".") ? String(host.dropLast()) : host
        return certificate._subjectAlternativeNames().contains { name in
            guard name.nameType == .dnsName else { return false }
            let known = name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }.lowercased()
            return Self.matches(known, wanted)
        }
    }

    /// Whether the name in a certificate stands for `host`; both in lower case.
    static func matches(_ known: String, _ host: String) -> Bool {
        guard known.hasPrefix("*.") else { return known == host }
        guard let dot = host.firstIndex(of: "."), host[..<dot].count > 0 else { return false }
        let parent = host[host.index(after: dot)...]
        return parent.contains(".") && parent == known.dropFirst(2)
    }
}
