import Core
import NIOCore
import Net
import TestKit
import Testing
import Transport

/// Row 26: what may be dialled.
///
/// Row 27: every address of a name is checked.
@Suite struct AddressGuardTests {
    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",
        "127.255.255.255", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
        "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1",
        "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200",
        "::", "::1", "::2", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
        "::ffff:169.254.169.254", "::ffff:192.168.1.1", "::8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:10::1", "2001:20::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::", "2002:c0a8:101::1",
        "2600::5efe:127.0.0.1", "2600::200:5efe:10.0.0.1", "3fff::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1",
        "fe80::5054:ff:fe12:3456", "fec0::1", "ff00::1", "ff02::1", "4000::1", "5f00::1",
    ])
    func `an address that is not on the public internet is refused`(_ text: String) throws {
        #expect(!AddressGuard.isPublic(try SocketAddress(ipAddress: text, port: 443)))
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "223.255.255.255", "104.18.6.192", "2606:4700::6810:1", "2a00:1450:4001::200e",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    ])
    func `an address on the public internet is let through`(_ text: String) throws {
        #expect(AddressGuard.isPublic(try SocketAddress(ipAddress: text, port: 443)))
    }

    @Test(arguments: [
        "127.0.0.1", "[::1]", "localhost", "localhost.", "127.1", "0x7f.1", "2130706433", "0", "[::ffff:7f00:1]",
        "0177.0.0.1",
    ])
    func `no spelling of this machine gets past the dialer`(_ host: String) async throws {
        let endpoint = try Endpoint(url: "http://\(host):9", allowPrivate: false)
        await self.expectForbidden(endpoint, resolver: Resolver())
    }

    @Test func `one bad address among good ones is enough to refuse a name, row 27`() async throws {
        let resolver = Resolver { _, port in
            [
                try SocketAddress(ipAddress: "1.1.1.1", port: port),
                try SocketAddress(ipAddress: "127.0.0.1", port: port),
            ]
        }
        await self.expectForbidden(try Endpoint(url: "http://rebind.example", allowPrivate: false), resolver: resolver)
    }

    private func expectForbidden(_ endpoint: Endpoint, resolver: Resolver) async {
        do {
            let runtime = try await NetRuntime(loopCount: 1, dialer: Dialer(resolver: resolver))
            do {
                _ = try await UpstreamTests.call(runtime, port: 9, endpoint: endpoint)
                Issue.record("\(endpoint.host) was dialled")
            } catch TransportError.forbiddenAddress {
            } catch TransportError.nameNotResolved {
                // The system's resolver does not know this spelling: nothing was dialled either.
            }
            await runtime.shutdown()
        } catch {
            Issue.record("\(endpoint.host): \(error)")
        }
    }

    @Test(arguments: [
        "ftp://x", "http://", "http://a b", "http://u:p@x", "http://x\\y", "http://x?q", "http://x#f", "http://x:0",
        "http://x:65536", "http://x:1x", "http://x/../y", "http://x//y", "http://[::1", "http://a%0d%0ab/",
        "http://①②⑦.0.0.1/",
        "x", "", "http://:80", "https://[x]:1",
    ])
    func `a text that is not one plain URL is no endpoint, row 28`(_ url: String) {
        #expect(throws: EndpointError.self) { try Endpoint(url: url, allowPrivate: true) }
    }

    @Test func `an endpoint prints what it was made of`() throws {
        for url in [
            "http://x", "https://api.example.com/v1", "http://127.0.0.1:11434/v1", "https://[2606:4700::1]:8443/a/b",
        ] {
            #expect(try Endpoint(url: url, allowPrivate: false).url == url)
        }
        #expect(
            try Endpoint(url: "https://API.Example.com:443/v1/", allowPrivate: false).url
                == "https://api.example.com/v1"
        )
    }

    @Test func `what any text becomes prints as what it was made of, row 28`() throws {
        // Pieces that URL parsers have read differently.
        let pieces = [
            "http://", "https://", "HTTP://", "//", "/", "\\", "@", ":", "#", "?", "%", "%2f", "%00", "%0d%0a", "[",
            "]", "::1",
            "127.0.0.1", "0x7f.1", "localhost", "example.com", "EXAMPLE.com", "xn--a", "a.b", ".", "..", "-", "_", "\t",
            " ",
            "\0", "\r\n", "é", "①", "80", "443", "65536", "0", "00080", "v1", "user", "&", ";", "=", "~", "api",
        ]
        var chance = SeededGenerator(seed: 28)
        var accepted = 0
        for _ in 0..<200_000 {
            let text =
                (chance.oneIn(3) ? "" : chance.pick(["http://", "https://"]))
                + (0..<(1 + chance.below(6))).map { _ in chance.pick(pieces) }.joined()
            guard let endpoint = try? Endpoint(url: text, allowPrivate: true) else { continue }
            accepted += 1
            let again = try Endpoint(url: endpoint.url, allowPrivate: true)
            #expect(again == endpoint && again.url == endpoint.url, "\(text)")
            // Nothing of what ends a host for somebody is in it.
            let isPlain = endpoint.host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"@\\/?#%&;= ".utf8.contains($0) }
            #expect(isPlain, "\(text)")
            #expect((1...65_535).contains(endpoint.port))
        }
        #expect(accepted > 5000)
    }
}
