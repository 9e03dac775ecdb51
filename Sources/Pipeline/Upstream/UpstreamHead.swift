internal import Chat
internal import NIOCore
internal import Providers
internal import Signing
internal import Transport
internal import Wire

/// The head of an attempt's request: what is rendered for the provider, the group's key, and the few fields of the
/// client's that may pass (row 15).
enum UpstreamHead {
    /// The version of Anthropic's API that requests of other dialects are written in: the last with `temperature`.
    private static let anthropicVersion: StaticString = "2023-06-01"

    static func write(
        _ call: Call,
        _ target: CallTarget,
        body: UpstreamBody,
        into bytes: inout ByteBuffer
    ) throws(CredentialUnreadable) {
        let start = bytes.writerIndex
        let format = target.provider.format(for: call.format)
        target.provider.writeHead(
            call.operation,
            as: format,
            isStream: call.isStream,
            model: target.model,
            into: &bytes
        )
        if target.provider.auth == .aws, let credential = call.credential {
            call.keyRange = try credential.writeAWSLines(
                by: SigV4(region: target.provider.region, service: "bedrock"),
                from: start,
                body: BodyDigest(body.pieces),
                now: call.time,
                into: &bytes
            )
        } else {
            call.keyRange = try call.credential?.writeLine(into: &bytes) ?? 0..<0
        }
        let isAnthropic = format == .anthropic
        if isAnthropic, call.format != .anthropic || !call.head.contains(.anthropicVersion) {
            bytes.writeField("anthropic-version", Self.anthropicVersion)
        }
        var hasTrace = false
        if call.head.contains(.traceparent) || call.head.contains(.openAIBeta) || isAnthropic {
            call.headBytes.withUnsafeReadableBytes { raw in
                for field in call.head.fields {
                    switch field.name {
                    case .traceparent, .tracestate: break
                    case .openAIBeta: guard format == .openAIChat || format == .openAIResponses else { continue }
                    case .anthropicVersion, .anthropicBeta:
                        guard isAnthropic, call.format == .anthropic else { continue }
                    default: continue
                    }
                    guard !call.head.isHopByHop(field, in: raw) else { continue }
                    if field.name == .traceparent { hasTrace = true }
                    bytes.writeBytes(UnsafeRawBufferPointer(rebasing: raw[field.line]))
                }
            }
        }
        if !hasTrace { Self.writeTrace(call, into: &bytes) }
        bytes.writeField("content-length", decimal: body.length)
        bytes.writeCRLF()
    }

    /// A `traceparent` of our own (W3C Trace Context), not sampled, so that a provider's log can be joined with ours.
    static func writeTrace(_ call: Call, into bytes: inout ByteBuffer) {
        let (high, low) = call.chance
        let span = (low ^ UInt64(truncatingIfNeeded: call.attempts)) | 1
        bytes.writeHead(atMost: 80) { head in
            head.write("traceparent: 00-")
            head.writeFixedHex(high | 1)
            head.writeFixedHex(low)
            head.write("-")
            head.writeFixedHex(span)
            head.write("-00\r\n")
        }
    }
}
