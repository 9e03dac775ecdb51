import NIOConcurrencyHelpers
import NIOCore

@testable import Simulator

/// A running simulator and the calls that have ended on it.
struct Bench: Sendable {
    let simulator: SimulatorServer
    private let ended: AsyncStream<RecordedCall>

    /// Runs `body` with a simulator of its own.
    static func with(
        _ change: (inout SimulatorOptions) -> Void = { _ in },
        _ body: (Bench) async throws -> Void
    ) async throws {
        var options = SimulatorOptions()
        options.pace = .none
        change(&options)
        let (ended, continuation) = AsyncStream.makeStream(of: RecordedCall.self)
        options.onCallEnded = { continuation.yield($0) }
        let simulator = try await SimulatorServer.start(options)
        do {
            try await body(Bench(simulator: simulator, ended: ended))
        } catch {
            try await simulator.stop()
            throw error
        }
        try await simulator.stop()
    }

    /// The next call that ends, waiting for it if need be.
    func nextEnded() async throws -> RecordedCall {
        for await call in self.ended { return call }
        throw NothingEnded()
    }

    struct NothingEnded: Error {}

    /// A chat request for `model` as bytes.
    ///
    /// `more` is added to the JSON object.
    static func chat(
        _ model: String,
        stream: Bool = false,
        more: String = "",
        path: String = "/v1/chat/completions",
        headers: String = ""
    ) -> String {
        let body = """
            {"model":"\(model)","stream":\(stream),"messages":[{"role":"user","content":"Hello there"}]\(more)}
            """
        return Self.post(path, body, headers: headers)
    }

    static func post(_ path: String, _ body: String, headers: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer sk-raw-key1\r\n\(headers)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func get(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer sk-raw-key1\r\n\r\n"
    }

    /// Sends a request that asks for the connection to be closed, so that the whole answer is there at the end.
    func ask(_ model: String, stream: Bool = false, more: String = "") async throws -> RawClient.Reply {
        try await RawClient.exchange(
            self.simulator,
            Self.chat(model, stream: stream, more: more, headers: "Connection: close\r\n")
        )
    }
}
