import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// Limits that change while the server runs, and what happens beyond the cap on connections.
@Suite struct ServerTermsTests {
    private static let request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

    @Test func `other limits hold for connections that begin after the change, and for those alone`() async throws {
        try await ServerFixture.with(handler: echo) { fixture in
            let old = try await RawPeer.connect(port: fixture.port)
            try await old.send(Self.request)
            #expect(try await old.read(until: "\r\n\r\n").contains("200 OK"))
            var options = ServerOptions()
            options.limits.headBytesMax = 100
            fixture.server.apply(options)
            let long = "GET / HTTP/1.1\r\nhost: a\r\nx-long: \(String(repeating: "x", count: 200))\r\n\r\n"
            let new = try await RawPeer.connect(port: fixture.port)
            try await new.send(long)
            #expect(try await new.read(until: "\r\n\r\n").contains("HTTP/1.1 431"))
            old.clear()
            try await old.send(long)
            #expect(try await old.read(until: "\r\n\r\n").contains("200 OK"))
        }
    }

    @Test func `beyond the cap a client is told so, and beyond what may linger it is only closed, row 7`() async throws
    {
        try await ServerFixture.with(limits: .init(connectionsMax: 1), handler: echo) { fixture in
            let holder = try await RawPeer.connect(port: fixture.port)
            try await holder.send(Self.request)
            #expect(try await holder.read(until: "\r\n\r\n").contains("200 OK"))
            var flood: [RawPeer] = []
            for _ in 0..<300 { flood.append(try await RawPeer.connect(port: fixture.port)) }
            var told = 0
            for peer in flood {
                // Those beyond what may linger are closed at once, and may be reset before they sent a byte.
                if let text = try? await peer.readToEnd(), text.contains("HTTP/1.1 503") { told += 1 }
            }
            #expect(told > 0)
            #expect(fixture.load.shed >= 300)
            // A higher cap lets the next one in.
            fixture.load.apply(connectionsMax: 10, bodyBytesMax: 1 << 20)
            let next = try await RawPeer.connect(port: fixture.port)
            try await next.send(Self.request)
            #expect(try await next.read(until: "\r\n\r\n").contains("200 OK"))
        }
    }
}
