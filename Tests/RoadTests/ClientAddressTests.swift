import Auth
import Core
import NIOCore
import Pipeline
import Testing
import Transport
import Wire

/// Row 12: who may say where a request comes from.
@Suite struct ClientAddressTests {
    private static let trusted = ["10.0.0.0/8", "fd00::/8"].compactMap(AddressBlock.init)

    private static func address(peer: String, _ fields: String) throws -> String? {
        let bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nhost: a\r\n\(fields)\r\n")
        var head = HTTPHead()
        _ = try bytes.withUnsafeReadableBytes { try head.parseRequest($0, limits: HTTPLimits()) }
        let peer = PeerAddress(text: peer, port: 1, isLoopback: false)
        return ClientAddress.of(peer, head, bytes, trusted: Self.trusted)
    }

    @Test(arguments: [
        // A stranger's word is never believed.
        ("203.0.113.7", "x-forwarded-for: 1.2.3.4\r\n", "203.0.113.7"),
        ("203.0.113.7", "forwarded: for=1.2.3.4\r\nx-real-ip: 1.2.3.4\r\n", "203.0.113.7"),
        // The rightmost that is not trusted counts, whatever stands left of it.
        ("10.0.0.1", "x-forwarded-for: 1.2.3.4\r\n", "1.2.3.4"),
        ("10.0.0.1", "x-forwarded-for: 9.9.9.9, 1.2.3.4, 10.0.0.9\r\n", "1.2.3.4"),
        ("10.0.0.1", "x-forwarded-for: 9.9.9.9\r\nx-forwarded-for: 1.2.3.4\r\n", "1.2.3.4"),
        ("10.0.0.1", "x-forwarded-for: evil, 1.2.3.4:5678\r\n", "1.2.3.4"),
        ("fd00::1", "x-forwarded-for: [2001:db8::7]:443\r\n", "2001:db8::7"),
        // A trusted proxy that does not say, or says nonsense: nobody.
        ("10.0.0.1", "", nil), ("10.0.0.1", "x-forwarded-for: 10.0.0.9\r\n", nil),
        ("10.0.0.1", "x-forwarded-for: 1.2.3.4, unknown\r\n", nil), ("10.0.0.1", "x-forwarded-for: \r\n", nil),
    ])
    func `only a trusted proxy is believed, and only about the hop before it`(
        peer: String,
        fields: String,
        address: String?
    ) throws {
        #expect(try Self.address(peer: peer, fields) == address)
    }

    @Test func `no list of hops makes a stranger somebody else`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let hops = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                ["1.2.3.4", "10.0.0.1", "fd00::2", "x", "", "203.0.113.7"].randomElement(using: &random) ?? ""
            }
            let fields = hops.isEmpty ? "" : "x-forwarded-for: \(hops.joined(separator: ", "))\r\n"
            #expect(try Self.address(peer: "198.51.100.9", fields) == "198.51.100.9")
        }
    }

    @Test func `behind a proxy that nobody has named, one client's guesses shut nobody else out`() async throws {
        let limits = FailureLimiter.Limits(perAddress: 3, perPrefix: 1000, hardPerAddress: 10)
        let road = try Road(failures: FailureGuard(FailureLimiter(limits: limits, seed: 1)))
        let proxy = PeerAddress(text: "127.0.0.1", port: 9, isLoopback: true)
        for number in 0..<30 {
            let fields = "x-forwarded-for: 198.51.100.\(number)\r\n"
            _ = await road.send("GET", "/v1/models", fields: fields, key: "tp_abcdefabcdef_guess-\(number)") {
                $0.peer = proxy
            }
        }
        let good = await road.send("GET", "/v1/models", fields: "x-forwarded-for: 203.0.113.1\r\n") { $0.peer = proxy }
        #expect(good.status == 200)
    }

    @Test func `a client that only guesses is told to wait, and a good key of another address is not (row 49)`()
        async throws
    {
        let limits = FailureLimiter.Limits(perAddress: 3, perPrefix: 1000, hardPerAddress: 10)
        let road = try Road(failures: FailureGuard(FailureLimiter(limits: limits, seed: 1)))
        var statuses: [Int] = []
        for number in 0..<14 {
            let answer = await road.send("GET", "/v1/models", key: "tp_abcdefabcdef_guess-\(number)")
            statuses.append(answer.status)
            if answer.status == 429 { #expect(Int(answer.field("retry-after") ?? "") ?? 0 > 0) }
        }
        #expect(statuses.prefix(3).allSatisfy { $0 == 401 })
        #expect(statuses.suffix(8).allSatisfy { $0 == 429 })
        // Over the hard limit a right guess is refused too; from elsewhere the key works as ever.
        #expect(await road.send("GET", "/v1/models").status == 429)
        #expect(await road.chat(#"{"model":"fast","messages":[]}"#).status == 429)
        let elsewhere = await road.send("GET", "/v1/models") {
            $0.peer = PeerAddress(text: "198.51.100.1", port: 9, isLoopback: false)
        }
        #expect(elsewhere.status == 200)
        // A request without any key is no attempt.
        let missing = await road.send("GET", "/v1/models", key: nil) {
            $0.peer = PeerAddress(text: "198.51.100.2", port: 9, isLoopback: false)
        }
        #expect(missing.status == 401)
    }
}
