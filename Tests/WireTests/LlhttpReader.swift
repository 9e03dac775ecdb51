import NIOCore
import NIOEmbedded
import NIOHTTP1

/// Reads connections with NIOHTTP1, whose parser is llhttp, into the same words as `ConnectionReader`.
struct LlhttpReader {
    let isRequest: Bool

    /// What came out, and whether the bytes were refused.
    struct Result {
        var messages: [Message] = []
        var hasOpenMessage = false
        var error: String?
        /// Whether trailer fields were given, which our codec drops.
        var hasTrailers = false
    }

    func read(_ bytes: [UInt8], closes: Bool = false) -> Result {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var result = Result()
        do {
            if self.isRequest {
                try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
            } else {
                let decoder = HTTPResponseDecoder(
                    leftOverBytesStrategy: .dropBytes,
                    informationalResponseStrategy: .forward
                )
                try channel.pipeline.syncOperations.addHandlers([
                    HTTPRequestEncoder(), ByteToMessageHandler(decoder),
                ])
                for _ in 0..<4 {
                    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
                    try channel.writeOutbound(HTTPClientRequestPart.head(head))
                    try channel.writeOutbound(HTTPClientRequestPart.end(nil))
                }
            }
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            if closes { channel.pipeline.fireChannelInactive() }
            try channel.throwIfErrorCaught()
        } catch {
            result.error = "\(error)"
        }
        if self.isRequest {
            self.collectRequests(channel, &result)
        } else {
            self.collectResponses(channel, &result)
        }
        return result
    }

    /// llhttp leaves white space behind a value where it is; RFC 9110 §5.5 says that it is no part of it.
    private static func trimmed(_ value: String) -> String {
        var rest = Substring(value)
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }

    private func collectRequests(_ channel: EmbeddedChannel, _ result: inout Result) {
        var message = Message()
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                message = Message()
                // NIOHTTP1 gives this one method by another name.
                message.method = head.method == .MSEARCH ? "M-SEARCH" : head.method.rawValue
                message.target = head.uri
                message.minorVersion = head.version.minor
                message.fields = head.headers.map { [$0.name, Self.trimmed($0.value)] }
                result.hasOpenMessage = true
            case .body(let bytes):
                message.body.append(contentsOf: bytes.readableBytesView)
            case .end(let trailers):
                result.hasTrailers = result.hasTrailers || trailers != nil
                result.messages.append(message)
                result.hasOpenMessage = false
            }
        }
    }

    private func collectResponses(_ channel: EmbeddedChannel, _ result: inout Result) {
        var message = Message()
        while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head):
                message = Message()
                message.status = Int(head.status.code)
                message.minorVersion = head.version.minor
                message.fields = head.headers.map { [$0.name, Self.trimmed($0.value)] }
                if head.status.code / 100 == 1, head.status.code != 101 {
                    result.messages.append(message)
                } else {
                    result.hasOpenMessage = true
                }
            case .body(let bytes):
                message.body.append(contentsOf: bytes.readableBytesView)
            case .end(let trailers):
                result.hasTrailers = result.hasTrailers || trailers != nil
                result.messages.append(message)
                result.hasOpenMessage = false
            }
        }
    }
}
