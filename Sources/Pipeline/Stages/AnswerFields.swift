internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// The header fields that say who served a call, and the few of a provider's own that may pass (row 16).
enum AnswerFields {
    /// The longest value of a provider's field that is handed on.
    private static let valueBytesMax = 256

    /// Appends complete lines, each safe to send.
    ///
    /// - Parameter isSettled: Whether what the call costs is known, so that it can be said.
    static func write(
        _ call: Call,
        _ upstream: any UpstreamExchange,
        isSettled: Bool = true,
        into fields: inout ByteBuffer
    ) {
        guard let target = call.target else { return }
        fields.writeStaticString("x-turnpike-provider: ")
        fields.writeString(target.provider.name)
        fields.writeCRLF()
        // The model's name may be the client's own text; one that cannot stand in a header is left out.
        try? fields.writeField("x-turnpike-model", target.model.utf8)
        fields.writeField("x-turnpike-attempts", decimal: call.attempts)
        let dropped = call.dropped
        if !dropped.isEmpty {
            try? fields.writeField("x-turnpike-dropped", dropped.joined(separator: ",").utf8)
        }
        if let emulated = call.translation?.losses.emulated, !emulated.isEmpty {
            try? fields.writeField("x-turnpike-emulated", emulated.joined(separator: ",").utf8)
        }
        if isSettled, !call.isStream, call.firstAttempt != nil {
            fields.writeStaticString("x-turnpike-cost-usd: ")
            (call.chargedBefore + call.charged).write(into: &fields)
            fields.writeCRLF()
        }
        let head = upstream.head
        upstream.headBytes.withUnsafeReadableBytes { raw in
            for field in head.fields {
                guard let name = Self.name(of: field, raw), field.value.count <= Self.valueBytesMax else { continue }
                try? fields.writeField(name, raw[field.value])
            }
        }
    }

    /// The name under which a provider's field is handed on; nil for those that are not.
    private static func name(of field: HTTPField, _ raw: UnsafeRawBufferPointer) -> StaticString? {
        switch field.name {
        case .openAIProcessingMS: return "openai-processing-ms"
        case .xRequestID: return "x-turnpike-upstream-request-id"
        case .other: break
        default: return nil
        }
        for name: StaticString in ["openai-version", "x-generation-id", "openai-model"]
        where field.nameRange.count == name.utf8CodeUnitCount {
            let written = raw[field.nameRange]
            let isSame = zip(written, UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
                .allSatisfy { $0 | 0x20 == $1 | 0x20 }
            if isSame { return name }
        }
        return nil
    }

    /// How long the provider wants to be left alone.
    static func retryAfter(_ upstream: any UpstreamExchange, now: UnixTime) -> Duration? {
        let head = upstream.head
        let bytes = upstream.headBytes.readableBytesView
        func value(_ name: HTTPFieldName) -> ByteBufferView? {
            head.first(name).map { field in
                let start = bytes.startIndex
                return bytes[(start + field.value.lowerBound)..<(start + field.value.upperBound)]
            }
        }
        return RetryAfter.parse(milliseconds: value(.retryAfterMS), seconds: value(.retryAfter), now: now)
    }

    /// The name of the exception that Amazon's services put into a field of its own.
    static func exception(_ upstream: any UpstreamExchange) -> String? {
        upstream.headBytes.withUnsafeReadableBytes { bytes in
            guard let field = upstream.head.first(named: "x-amzn-errortype", in: bytes) else { return nil }
            return String(decoding: bytes[field.value], as: UTF8.self)
        }
    }
}
