internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Signing
internal import Transport
internal import Wire

extension UpstreamHead {
    /// The head of a request whose body is sent while it comes in.
    static func writeForm(
        _ call: Call,
        _ target: CallTarget,
        length: Int?,
        into bytes: inout ByteBuffer
    ) throws(CredentialUnreadable) {
        target.provider.writeHead(
            call.operation,
            as: .openAIChat,
            isStream: false,
            model: target.model,
            into: &bytes
        )
        call.keyRange = try call.credential?.writeLine(into: &bytes) ?? 0..<0
        call.headBytes.withUnsafeReadableBytes { raw in
            for field in call.head.fields where field.name == .contentType || field.name == .openAIBeta {
                bytes.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.line]))
            }
        }
        self.writeTrace(call, into: &bytes)
        self.writeFraming(length, into: &bytes)
    }

    private static func writeFraming(_ length: Int?, into bytes: inout ByteBuffer) {
        if let length {
            bytes.writeField("content-length", decimal: length)
        } else {
            bytes.writeField("transfer-encoding", "chunked")
        }
        bytes.writeCRLF()
    }

    // MARK: - What is passed through

    /// The head of a request that is passed through: the client's own, without what belongs to the way to us.
    static func writePassThrough(
        _ call: Call,
        _ target: CallTarget,
        into bytes: inout ByteBuffer
    ) throws(CredentialUnreadable) {
        let start = bytes.writerIndex
        let place = PassThroughTarget(call)
        let endpoint = target.provider.endpoint
        bytes.writeStaticString(call.head.method.text)
        bytes.writeString(" \(place.path(behind: endpoint.basePath))")
        if !place.query.isEmpty { bytes.writeString("?\(place.query)") }
        bytes.writeString(" HTTP/1.1\r\nhost: \(endpoint.authority)\r\n")
        let upload = call.upload
        if target.provider.auth == .aws, let credential = call.credential {
            call.keyRange = try credential.writeAWSLines(
                by: SigV4(region: target.provider.region, service: "bedrock"),
                from: start,
                body: BodyDigest(upload?.held ?? []),
                now: call.time,
                into: &bytes
            )
        } else {
            call.keyRange = try call.credential?.writeLine(into: &bytes) ?? 0..<0
        }
        bytes.writeStaticString("accept-encoding: identity\r\n")
        call.headBytes.withUnsafeReadableBytes { raw in
            for field in call.head.fields where Self.passes(field, call.head, raw) {
                bytes.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.line]))
            }
        }
        if !call.head.contains(.traceparent) { self.writeTrace(call, into: &bytes) }
        // A length of nothing is said only where a body could be.
        if upload?.length == 0, call.head.method == .get || call.head.method == .delete { return bytes.writeCRLF() }
        self.writeFraming(upload?.length, into: &bytes)
    }

    /// Whether a field of the client's is the provider's business.
    private static func passes(_ field: HTTPField, _ head: HTTPHead, _ raw: UnsafeRawBufferPointer) -> Bool {
        guard !head.isHopByHop(field, in: raw) else { return false }
        switch field.name {
        case .host, .contentLength, .expect, .acceptEncoding,
            .authorization, .xAPIKey, .apiKey, .xGoogAPIKey, .cookie,
            .xRequestID, .origin, .forwarded, .xForwardedFor, .xForwardedProto, .xForwardedHost, .xRealIP,
            .accessControlRequestMethod, .accessControlRequestHeaders:
            return false
        case .other, .turnpikeTimeoutMS, .turnpikeCache, .turnpikeMetadata, .turnpikeSession, .turnpikeStrict:
            let name = String(decoding: raw[field.nameRange], as: UTF8.self).lowercased()
            // Ours, what proxies say of clients, and signatures of a key that is not sent.
            return !["x-turnpike-", "x-forwarded-", "x-amz-", "sec-", "referer", "cf-", "x-goog-api", "via"]
                .contains { name.hasPrefix($0) }
        default:
            return true
        }
    }
}
