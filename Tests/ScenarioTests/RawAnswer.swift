import Core
import NIOCore
import TestKit
import Wire

/// An answer as it came over a connection that was closed behind it, taken apart.
struct RawAnswer {
    /// Everything, as it came.
    let text: String
    let status: Int
    /// The header fields, names in lower case.
    let fields: [(name: String, value: String)]
    /// The body without its chunks; what came of it, where it was cut.
    let body: String
    /// Whether the body has the end that its framing promises.
    let isComplete: Bool

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = (parts.first ?? "").split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        self.status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        self.fields = lines.dropFirst().compactMap { line in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return halves.count == 2 ? (halves[0].lowercased(), halves[1].trimmingPrefix(" ").description) : nil
        }
        let rest = parts.count > 1 ? ByteBuffer(substring: parts[1]) : ByteBuffer()
        if self.fields.contains(where: { $0.name == "transfer-encoding" }) {
            (self.body, self.isComplete) = Self.unchunked(rest)
        } else {
            self.body = String(buffer: rest)
            let length = self.fields.first { $0.name == "content-length" }.flatMap { Int($0.value) }
            self.isComplete = length == rest.readableBytes
        }
    }

    private static func unchunked(_ bytes: ByteBuffer) -> (String, isComplete: Bool) {
        var decoder = ChunkedDecoder()
        var body = ByteBuffer()
        let used = try? bytes.withUnsafeReadableBytes { raw in
            try decoder.decode(raw, limits: HTTPLimits()) { start, count in
                body.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start..<(start + count)]))
            }
        }
        return (String(buffer: body), decoder.isComplete && used == bytes.readableBytes)
    }

    func field(_ name: String) -> String? { self.fields.first { $0.name == name }?.value }

    var json: JSONValue? { try? JSONValue.parse(self.body) }

    /// The code of an error, in the body or in the last event.
    var errorCode: String? {
        let error = self.json?["error"] ?? self.events.last.flatMap { try? JSONValue.parse($0) }?["error"]
        return error?["code"]?.stringValue
    }

    /// The data of each event.
    var events: [String] {
        var reader = SSEReader()
        reader.feed(ByteBuffer(string: self.body))
        var events: [String] = []
        while let event = try? reader.next() { events.append(String(buffer: event.data)) }
        return events
    }

    /// What the model said.
    var words: String {
        self.events.compactMap { event in
            (try? JSONValue.parse(event))?["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue
        }.joined()
    }
}

extension GatewayScenario {
    /// Sends a request's bytes and reads until the gateway closes the connection.
    func exchange(_ request: String) async throws -> RawAnswer {
        let peer = try await RawPeer.connect(port: self.port)
        try await peer.send(request)
        let text = try await peer.readToEnd(within: 60)
        await peer.close()
        return RawAnswer(text)
    }

    /// Asks and reads the whole answer.
    func ask(_ model: String, stream: Bool) async throws -> RawAnswer {
        let messages = #"[{"role":"user","content":"canary-prompt"}]"#
        return try await self.post(#"{"model":"\#(model)","stream":\#(stream),"messages":\#(messages)}"#)
    }

    /// Sends a body to the chat route.
    func post(_ body: String) async throws -> RawAnswer {
        try await self.exchange(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(Self.key)\r\n"
                + "connection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    /// Reads a page, as this machine.
    func get(_ path: String) async throws -> RawAnswer {
        try await self.exchange("GET \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
    }
}
