internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// The first answer to a request with an `Idempotency-Key`, as it is given again to whoever sends it again.
struct KeptAnswer {
    enum Content {
        /// It failed before anything was sent.
        case nothing
        case whole(WholeReply)
        case stream(StreamHead, [ServerSentEvent])
        case bytes(ByteHead, [ByteBuffer])
    }

    var content: Content
    /// Why it ended badly; nil if it is whole.
    var failure: GatewayError?
    /// Header lines that say who failed, for an answer that has no fields of its own.
    var served = ByteBuffer()

    /// The types of answers that can be kept.
    private static let contentTypes: [StaticString] = ["application/json", "text/plain", "text/plain; charset=utf-8"]
    private static let version: UInt8 = 1
    /// Events that are pushed out at once.
    private static let batch = 64

    /// Pushes it into a sink.
    ///
    /// - Parameter start: The number of the first event that is wanted.
    /// - Throws: `failure`, after what came before it; `CancellationError`.
    func replay(into reply: any ReplySink, from start: Int = 0) async throws {
        switch self.content {
        case .nothing: break
        case .whole(let whole): try reply.whole(whole)
        case .stream(let head, let events):
            try reply.begin(head)
            var written = 0
            for event in events.dropFirst(start) {
                try reply.event(event, isContent: true)
                written += 1
                // What is not pushed out takes memory and no credit, and keeps the client waiting for the first of it.
                guard written % Self.batch == 0 else { continue }
                try reply.flush()
                if !reply.hasCredit { try await reply.awaitCredit() }
            }
            try reply.flush()
            if self.failure == nil { try reply.end() }
        case .bytes(let head, let pieces):
            try reply.begin(head)
            for piece in pieces {
                try reply.bytes(piece)
                try reply.flush()
                if !reply.hasCredit { try await reply.awaitCredit() }
            }
            if self.failure == nil { try reply.end() }
        }
        if let failure { throw failure }
        if !reply.hasCredit { try await reply.awaitCredit() }
    }
}

// MARK: - Bytes for the store

extension KeptAnswer {
    /// Why kept bytes cannot be read.
    struct Unreadable: Error {}

    /// The answer as bytes; nil if it is of a type that cannot be kept.
    func encoded() -> [UInt8]? {
        var buffer = ByteBuffer()
        buffer.writeInteger(Self.version)
        switch self.content {
        case .nothing: buffer.writeInteger(UInt8(0))
        case .whole(let whole):
            let type = Self.contentTypes.firstIndex { "\($0)" == "\(whole.contentType)" }
            guard let type else { return nil }
            buffer.writeInteger(UInt8(1))
            buffer.writeInteger(UInt16(clamping: whole.status))
            buffer.writeInteger(UInt8(clamping: type))
            Self.write(whole.fields, into: &buffer)
            Self.write(whole.body, into: &buffer)
        case .stream(let head, let events):
            buffer.writeInteger(UInt8(2))
            Self.write(head.fields, into: &buffer)
            // A comment is for those who wait; the form has no place for it.
            let events = events.filter { !$0.isComment }
            buffer.writeInteger(UInt32(clamping: events.count))
            for event in events {
                Self.write(event.type ?? ByteBuffer(), into: &buffer)
                Self.write(event.data, into: &buffer)
            }
        case .bytes(let head, let pieces):
            buffer.writeInteger(UInt8(3))
            buffer.writeInteger(UInt16(clamping: head.status))
            Self.write(head.fields, into: &buffer)
            var body = ByteBuffer()
            for piece in pieces { body.writeImmutableBuffer(piece) }
            Self.write(body, into: &buffer)
        }
        var failure = ByteBuffer()
        if let error = self.failure { Self.json(error).write(into: &failure) }
        Self.write(failure, into: &buffer)
        Self.write(self.served, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    private static func write(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(clamping: bytes.readableBytes))
        buffer.writeImmutableBuffer(bytes)
    }

    /// - Throws: `Unreadable`, whatever the bytes are.
    init(encoded bytes: [UInt8]) throws(Unreadable) {
        var buffer = ByteBuffer(bytes: bytes)
        guard buffer.readInteger(as: UInt8.self) == Self.version else { throw Unreadable() }
        switch buffer.readInteger(as: UInt8.self) {
        case 0: self.content = .nothing
        case 1:
            let status = buffer.readInteger(as: UInt16.self).map { Int($0) } ?? 0
            let type = buffer.readInteger(as: UInt8.self).map { Int($0) } ?? .max
            guard (200..<600).contains(status), Self.contentTypes.indices.contains(type) else { throw Unreadable() }
            let fields = try Self.read(&buffer)
            let body = try Self.read(&buffer)
            let contentType = Self.contentTypes[type]
            self.content = .whole(WholeReply(status: status, contentType: contentType, fields: fields, body: body))
        case 2:
            let head = StreamHead(fields: try Self.read(&buffer))
            guard let count = buffer.readInteger(as: UInt32.self) else { throw Unreadable() }
            var events: [ServerSentEvent] = []
            for _ in 0..<count {
                let type = try Self.read(&buffer)
                let data = try Self.read(&buffer)
                events.append(ServerSentEvent(data: data, type: type.readableBytes > 0 ? type : nil))
            }
            self.content = .stream(head, events)
        case 3:
            let status = buffer.readInteger(as: UInt16.self).map { Int($0) } ?? 0
            guard (200..<600).contains(status) else { throw Unreadable() }
            let head = ByteHead(status: status, length: nil, fields: try Self.read(&buffer))
            self.content = .bytes(head, [try Self.read(&buffer)])
        default: throw Unreadable()
        }
        let failure = try Self.read(&buffer)
        self.failure = failure.readableBytes > 0 ? try Self.error(failure) : nil
        // One that broke off has no length, so that it breaks off again.
        if case .bytes(var head, let pieces) = self.content, self.failure == nil {
            head.length = pieces.reduce(0) { $0 + $1.readableBytes }
            self.content = .bytes(head, pieces)
        }
        self.served = try Self.read(&buffer)
        guard buffer.readableBytes == 0 else { throw Unreadable() }
    }

    private static func read(_ buffer: inout ByteBuffer) throws(Unreadable) -> ByteBuffer {
        guard let count = buffer.readInteger(as: UInt32.self), let bytes = buffer.readSlice(length: Int(count)) else {
            throw Unreadable()
        }
        return bytes
    }

    // MARK: Failures

    private static func json(_ error: GatewayError) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("code", .string(error.code.rawValue)), ("message", .string(error.message)),
        ]
        if let param = error.param { members.append(("param", .string(param))) }
        if let wait = error.retryAfter {
            let (seconds, rest) = wait.components
            members.append(("seconds", .integer(max(0, seconds) &+ (rest > 0 ? 1 : 0))))
        }
        if !error.details.isEmpty {
            members.append(("details", .array(error.details.map { .array([.string($0.key), .string($0.value)]) })))
        }
        if let provider = error.provider {
            let complaint: JSONValue = [
                "status": .integer(Int64(provider.status)), "type": provider.type.map { .string($0) } ?? .null,
                "code": provider.code.map { .string($0) } ?? .null,
                "anthropicType": provider.anthropicType.map { .string($0) } ?? .null,
            ]
            members.append(("provider", complaint))
        }
        return .object(members)
    }

    private static func error(_ bytes: ByteBuffer) throws(Unreadable) -> GatewayError {
        guard let json = try? JSONValue.parse(bytes), let message = json["message"]?.stringValue,
            let code = json["code"]?.stringValue.flatMap(GatewayError.Code.init(rawValue:))
        else { throw Unreadable() }
        var error = GatewayError(code, message, param: json["param"]?.stringValue)
        if let seconds = json["seconds"]?.intValue { error.retryAfter = .seconds(seconds) }
        for detail in json["details"]?.arrayValue ?? [] {
            guard let key = detail[0]?.stringValue, let value = detail[1]?.stringValue else { throw Unreadable() }
            error.details.append((key: key, value: value))
        }
        if let provider = json["provider"] {
            guard let status = provider["status"]?.intValue, (400..<600).contains(status) else { throw Unreadable() }
            error.provider = GatewayError.ProviderComplaint(
                status: status,
                type: provider["type"]?.stringValue,
                code: provider["code"]?.stringValue
            )
            error.provider?.anthropicType = provider["anthropicType"]?.stringValue
        }
        return error
    }
}
