package import NIOHTTP1

/// What the simulator saw and did in one call: the independent account that a gateway's bill, its cancellations and
/// its retries are checked against.
///
/// Times are nanoseconds on the machine's monotonic clock (`CLOCK_MONOTONIC`, Python's `time.monotonic_ns()`), so
/// that another process on the same machine can compare them with its own. Zero means "did not happen".
package struct RecordedCall: Sendable {
    /// How a call ended.
    package enum Ending: String, Sendable {
        /// It has not ended.
        ///
        /// Next: any of the others.
        case running
        /// Every byte of a whole answer was handed to the socket.
        case completed
        /// The client closed its side (FIN) before the answer was complete.
        case clientClosed = "client_closed"
        /// The client reset the connection, or a write found it dead, before the answer was complete.
        case clientReset = "client_reset"
        /// The simulator cut the answer, as a fault told it to.
        case cut
        /// What came was no HTTP request.
        case malformed
    }

    /// Counts calls from 1, across all connections.
    package var sequence = 0
    /// Which connection the call came on, from 1: equal numbers show that a connection was used again.
    package var connection = 0
    /// The name the TLS client asked for.
    ///
    /// Nil without TLS.
    package var serverName: String?
    package var method = ""
    /// Path and query as they stood in the request.
    package var path = ""
    /// All header fields in the order in which they came.
    package var headerFields = HTTPHeaders()
    /// The request body, up to `bodyLimit` bytes.
    ///
    /// Nil once it was dropped to keep the record small.
    package var body: [UInt8]? = []
    /// The size of the whole request body.
    package var bodyBytes = 0
    /// What came in a multipart form.
    var upload: Upload?
    /// The model as the request names it, with its options.
    package var model: String?
    package var isStream = false
    /// The names of the faults and options that applied.
    package var options: [String] = []
    /// The status that was sent, zero before that.
    package var status = 0
    /// Why the request was not understood, if it was not.
    package var problem: String?

    /// Tokens of the prompt, as counted by the simulator, whatever a fault made it tell the client.
    package var promptTokens = 0
    /// Tokens of the complete answer, hidden reasoning included, whether or not it was sent.
    package var completionTokens = 0
    /// Of those, the tokens handed to the socket.
    ///
    /// Hidden reasoning counts as soon as the first event is out.
    package var tokensWritten = 0
    /// Server-sent events with data that were handed to the socket.
    package var eventsWritten = 0
    /// Bytes handed to the socket, heads and framing included.
    package var bytesWritten = 0
    /// Whether the answer's usage, if it had one, was handed to the socket.
    package var isUsageWritten = false
    /// How often writing had to wait because the client did not read.
    package var timesBlocked = 0

    package var acceptedNanoseconds: UInt64 = 0
    package var headReceivedNanoseconds: UInt64 = 0
    package var bodyCompleteNanoseconds: UInt64 = 0
    package var firstByteNanoseconds: UInt64 = 0
    /// When the call ended, in whatever way.
    package var finishedNanoseconds: UInt64 = 0
    /// When the connection was seen to break under the call, by the client or by a fault.
    package var cutNanoseconds: UInt64 = 0
    package var ending = Ending.running

    /// The most of a request body that is kept.
    package static let bodyLimit = 1 << 20

    package init() {}

    /// The header fields with their names in lower case.
    ///
    /// Of a repeated field, the values joined by ", ".
    package var headers: [String: String] {
        Dictionary(self.headerFields.map { ($0.name.lowercased(), $0.value) }) { "\($0), \($1)" }
    }

    /// The key the client sent, in whatever place its provider's API has for it.
    package var key: String? { CallKey.find(in: self.headerFields, target: self.path) }

    /// Path and query, with only the last four characters of a key in them.
    package var shownPath: String { CallKey.hidden(in: self.path) }

    /// The last four characters of the key.
    package var keySuffix: String? { self.key.map { String($0.suffix(4)) } }

    /// A file that was uploaded.
    package struct File: Sendable, Equatable {
        /// The name of the form's field.
        package var field: String
        package var name: String
        /// In bytes.
        package var size: Int
        /// SHA-256 in hexadecimal.
        package var digest: String

        fileprivate var json: JSONValue {
            .object([
                .init("field", .string(self.field)), .init("name", .string(self.name)),
                .init("bytes", .integer(self.size)), .init("sha256", .string(self.digest)),
            ])
        }
    }

    /// The files that came in a multipart form, whole ones only.
    package var files: [File] {
        (self.upload?.files ?? []).map { File(field: $0.field, name: $0.name, size: $0.size, digest: $0.digest) }
    }

    /// The request body as text.
    ///
    /// Empty if it was dropped; bytes that are not UTF-8 become U+FFFD.
    package var bodyText: String { String(decoding: self.body ?? [], as: UTF8.self) }

    /// The call as one line of JSON.
    ///
    /// - Parameter revealsKeys: Whether keys stand in it in full; otherwise only their last four characters do.
    package func json(revealsKeys: Bool) -> String { self.jsonValue(revealsKeys: revealsKeys).text }

    func jsonValue(revealsKeys: Bool) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        func time(_ value: UInt64) -> JSONValue { value == 0 ? .null : .integer(Int(value)) }
        let headers = self.headers.sorted { $0.key < $1.key }.map { name, value in
            let hides = !revealsKeys && CallKey.headerNames.contains(name)
            return JSONValue.Member(name, .string(hides ? "...\(value.suffix(4))" : value))
        }
        return .object([
            .init("sequence", .integer(self.sequence)),
            .init("connection", .integer(self.connection)),
            .init("server_name", text(self.serverName)),
            .init("method", .string(self.method)),
            .init("path", .string(revealsKeys ? self.path : self.shownPath)),
            .init("header_names", .array(self.headerFields.map { .string($0.name) })),
            .init("headers", .object(headers)),
            .init("authorization_suffix", text(self.keySuffix)),
            .init("body", self.body == nil ? .null : .string(self.bodyText)),
            .init("body_bytes", .integer(self.bodyBytes)),
            .init("files", .array(self.files.map(\.json))),
            .init("model", text(self.model)),
            .init("stream", .bool(self.isStream)),
            .init("options", .array(self.options.map { .string($0) })),
            .init("status", self.status == 0 ? .null : .integer(self.status)),
            .init("problem", text(self.problem)),
            .init("prompt_tokens", .integer(self.promptTokens)),
            .init("completion_tokens", .integer(self.completionTokens)),
            .init("tokens_written", .integer(self.tokensWritten)),
            .init("events_written", .integer(self.eventsWritten)),
            .init("bytes_written", .integer(self.bytesWritten)),
            .init("usage_written", .bool(self.isUsageWritten)),
            .init("times_blocked", .integer(self.timesBlocked)),
            .init("accepted_ns", time(self.acceptedNanoseconds)),
            .init("head_received_ns", time(self.headReceivedNanoseconds)),
            .init("body_complete_ns", time(self.bodyCompleteNanoseconds)),
            .init("first_byte_ns", time(self.firstByteNanoseconds)),
            .init("finished_ns", time(self.finishedNanoseconds)),
            .init("cut_ns", time(self.cutNanoseconds)),
            .init("ending", .string(self.ending.rawValue)),
        ])
    }
}
