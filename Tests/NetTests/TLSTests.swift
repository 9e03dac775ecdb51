import Core
import Glibc
import NIOCore
import NIOSSL
import Net
import TestKit
import Testing
import Transport
import Wire

/// TLS on both sides, against our own server with the certificates of `Tests/Fixtures/tls`.
///
/// Rows 13 and 116.
@Suite struct TLSTests {
    private func identity(_ name: String) throws -> @Sendable () -> ServerIdentity? {
        let identity = try ServerIdentity(
            certificateFile: Fixtures.tls("\(name).pem"),
            keyFile: Fixtures.tls("\(name).key")
        )
        return { identity }
    }

    private func call(
        _ fixture: ServerFixture,
        port: Int,
        host: String = "localhost",
        ca: String? = Fixtures.tls("ca.pem")
    ) async throws -> String {
        let endpoint = try Endpoint(url: "https://\(host):\(port)", allowPrivate: true, caFile: ca)
        return try await UpstreamTests.call(fixture.runtime, port: port, endpoint: endpoint).body
    }

    @Test func `a server with a certificate of a known authority is reached, by name`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let address = try await fixture.server.listen(
                host: "127.0.0.1",
                port: 0,
                tls: try self.identity("localhost")
            )
            #expect(try await self.call(fixture, port: address?.port ?? 0) == "POST / hi")
        }
    }

    @Test(arguments: ["other", "expired"])
    func `a wrong name or an expired certificate is refused, and nothing was sent, row 116`(_ name: String) async throws
    {
        let reached = Signal()
        let handler: @Sendable (any ServerExchange) async -> Void = { _ in reached.fire() }
        try await ServerFixture.with(handler: handler) { fixture in
            let address = try await fixture.server.listen(host: "127.0.0.1", port: 0, tls: try self.identity(name))
            await self.expectRefused { try await self.call(fixture, port: address?.port ?? 0) }
            #expect(reached.count == 0)
        }
    }

    @Test func `an unknown authority is refused, and so is a server that speaks no TLS, row 116`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let address = try await fixture.server.listen(
                host: "127.0.0.1",
                port: 0,
                tls: try self.identity("localhost")
            )
            await self.expectRefused { try await self.call(fixture, port: address?.port ?? 0, ca: nil) }
            await self.expectRefused { try await self.call(fixture, port: fixture.port) }
        }
    }

    @Test func `a certificate for the address alone does not stand for a name`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let address = try await fixture.server.listen(
                host: "127.0.0.1",
                port: 0,
                tls: try self.identity("address")
            )
            let port = address?.port ?? 0
            await self.expectRefused { try await self.call(fixture, port: port, ca: Fixtures.tls("address.pem")) }
            let byAddress = try await self.call(
                fixture,
                port: port,
                host: "127.0.0.1",
                ca: Fixtures.tls("address.pem")
            )
            #expect(byAddress == "POST / hi")
        }
    }

    @Test func `a missing authorities file is an error that names it`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            await self.expectRefused { try await self.call(fixture, port: 1, ca: "/no/such/file.pem") }
        }
    }

    private func expectRefused(_ call: () async throws -> String) async {
        do {
            _ = try await call()
            Issue.record("the call must not succeed")
        } catch let error as TransportError {
            guard case .tlsFailed = error else {
                Issue.record("\(error)")
                return
            }
            #expect(!error.didSend)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `a half-done handshake is cut, row 13`() async throws {
        var options = ServerOptions()
        options.handshakeTimeout = .milliseconds(200)
        try await ServerFixture.with(options: options, handler: echo) { fixture in
            let address = try await fixture.server.listen(
                host: "127.0.0.1",
                port: 0,
                tls: try self.identity("localhost")
            )
            let client = try await RawPeer.connect(port: address?.port ?? 0)
            try await client.send("\u{16}\u{3}\u{1}")
            try await client.readToEnd()
        }
    }

    @Test func `a server that stalls the handshake runs into the connect clock`() async throws {
        try await UpstreamTests.with({ peer in try await peer.readToEnd() }) { runtime, listener in
            let endpoint = try Endpoint(
                url: "https://localhost:\(listener.port)",
                allowPrivate: true,
                caFile: Fixtures.tls("ca.pem")
            )
            var timeouts = Timeouts()
            timeouts.connect = .milliseconds(300)
            do {
                _ = try await UpstreamTests.call(runtime, port: 0, timeouts: timeouts, endpoint: endpoint)
                Issue.record("the call must not succeed")
            } catch TransportError.timeout(let clock, _, let didSend) {
                #expect(clock == .connect)
                #expect(!didSend)
            }
        }
    }

    @Test func `a replaced certificate is used for new connections, and a broken one is not, row 116`() async throws {
        let folder = "/tmp/turnpike-tls-\(getpid())"
        mkdir(folder, 0o700)
        defer {
            unlink("\(folder)/cert.pem")
            unlink("\(folder)/key.pem")
            rmdir(folder)
        }
        func install(_ name: String) throws {
            for (source, target) in [("\(name).pem", "cert.pem"), ("\(name).key", "key.pem")] {
                try copy(Fixtures.tls(source), to: "\(folder)/\(target)")
            }
        }
        try install("localhost")
        let identity = try ServerIdentity(certificateFile: "\(folder)/cert.pem", keyFile: "\(folder)/key.pem")
        #expect(try !identity.reloadIfChanged())
        try copy(Fixtures.tls("README.md"), to: "\(folder)/key.pem")
        #expect(throws: (any Error).self) { try identity.reloadIfChanged() }
        try install("expired")
        #expect(try identity.reloadIfChanged())
        #expect(identity.notAfter < 1_600_000_000)
    }

    private func copy(_ source: String, to target: String) throws {
        guard let input = fopen(source, "r"), let output = fopen("\(target).new", "w") else { throw CopyError() }
        var byte = fgetc(input)
        while byte != EOF {
            fputc(byte, output)
            byte = fgetc(input)
        }
        fclose(input)
        fclose(output)
        guard rename("\(target).new", target) == 0 else { throw CopyError() }
    }

    private struct CopyError: Error {}
}
