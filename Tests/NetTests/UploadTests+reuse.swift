import Core
import NIOConcurrencyHelpers
import NIOCore
import Net
import TestKit
import Testing
import Transport
import Wire

/// Which connections bodies that are sent while they come in may go over.
extension UploadTests {
    @Test(arguments: [true, false])
    func `only a body that can be sent again goes over an idle connection, row 84`(_ canRewind: Bool) async throws {
        let connections = Signal()
        try await UpstreamTests.with({ peer in
            connections.fire()
            try await peer.read(until: "hi")
            peer.clear()
            try await peer.send(Self.answer)
            // Whatever comes next on the first connection is never answered.
            guard connections.count == 1 else {
                try await peer.readToEnd()
                return
            }
            try await peer.read(until: "hi")
        }) { runtime, listener in
            let endpoint = try Endpoint(url: "http://127.0.0.1:\(listener.port)", allowPrivate: true)
            #expect(try await Self.call(runtime, endpoint, canRewind: canRewind))
            // The one that can be sent again is, after the idle connection has died with it.
            #expect(try await Self.call(runtime, endpoint, canRewind: canRewind))
            #expect(connections.count == 2)
            #expect(runtime.dialer.counters.replaced == (canRewind ? 1 : 0))
        }
    }
}
