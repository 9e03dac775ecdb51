internal import Chat
package import Core
internal import NIOCore

/// Ids of tool calls that carry a thought signature through clients that keep nothing else.
///
/// Gemini wants the signature back with the call. Clients that keep unknown members return it in `extra_content`; all
/// others return the id. Form: `sig1-<n>-<id><signature>`, where `n` is how many bytes the id has. The signature is
/// base64 (RFC 4648 §4) written with the safe alphabet and without padding (§5) in `sig1-`, and as it came in
/// `sig2-`, for those that had that alphabet already. The whole fits `^[A-Za-z0-9_.:-]+$`.
enum SignedCallID {
    /// Longer signatures travel in `extra_content` alone, in bytes: an id of any length is kept in every turn.
    static let signatureBytesMax = 4_096
    private static let idBytesMax = 99

    /// The id that the client is told; without a signature, or with one that does not fit, the id itself.
    static func seal(_ id: JSONString, signature: JSONString?) -> JSONString {
        guard let signature, !signature.isEmpty, !id.hasEscapes, !signature.hasEscapes else { return id }
        let idBytes = id.content
        let bytes = signature.content
        guard bytes.readableBytes <= Self.signatureBytesMax, idBytes.readableBytes <= Self.idBytesMax,
            idBytes.readableBytesView.allSatisfy({ Self.isPlain($0) }),
            let form = Self.form(of: bytes)
        else { return id }
        var text = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + idBytes.readableBytes + 16)
        text.writeStaticString(form == .standard ? "\"sig1-" : "\"sig2-")
        text.writeString(String(idBytes.readableBytes))
        text.writeStaticString("-")
        text.writeImmutableBuffer(idBytes)
        for byte in bytes.readableBytesView {
            switch byte {
            case UInt8(ascii: "+") where form == .standard: text.writeInteger(UInt8(ascii: "-"))
            case UInt8(ascii: "/") where form == .standard: text.writeInteger(UInt8(ascii: "_"))
            case UInt8(ascii: "="): break
            default: text.writeInteger(byte)
            }
        }
        text.writeStaticString("\"")
        return JSONString(checked: text)
    }

    /// The id and the signature in what a client sent back.
    ///
    /// Anything else than what `seal` makes is an id.
    static func open(_ id: JSONString) -> (id: JSONString, signature: JSONString?) {
        let view = id.content.readableBytesView
        guard view.count > 8, view.starts(with: "sig".utf8), !id.hasEscapes else { return (id, nil) }
        let isStandard = view.starts(with: "sig1-".utf8)
        guard isStandard || view.starts(with: "sig2-".utf8) else { return (id, nil) }
        let rest = view.dropFirst(5)
        guard let dash = rest.prefix(3).firstIndex(of: UInt8(ascii: "-")),
            let count = Int(String(decoding: rest[..<dash], as: UTF8.self)), (1...Self.idBytesMax).contains(count)
        else { return (id, nil) }
        let body = rest[(dash + 1)...]
        guard body.count > count else { return (id, nil) }
        let idBytes = body.prefix(count)
        let sealed = body.dropFirst(count)
        // No base64 has one character over.
        guard sealed.count <= Self.signatureBytesMax, sealed.count % 4 != 1, sealed.allSatisfy({ Self.isSafe($0) }),
            idBytes.allSatisfy({ Self.isPlain($0) })
        else { return (id, nil) }
        var signature = ByteBufferAllocator().buffer(capacity: sealed.count + 4)
        signature.writeStaticString("\"")
        for byte in sealed {
            switch byte {
            case UInt8(ascii: "-") where isStandard: signature.writeInteger(UInt8(ascii: "+"))
            case UInt8(ascii: "_") where isStandard: signature.writeInteger(UInt8(ascii: "/"))
            default: signature.writeInteger(byte)
            }
        }
        if isStandard {
            for _ in 0..<((4 - sealed.count % 4) % 4) { signature.writeStaticString("=") }
        }
        signature.writeStaticString("\"")
        var plain = ByteBufferAllocator().buffer(capacity: count + 2)
        plain.writeStaticString("\"")
        plain.writeBytes(idBytes)
        plain.writeStaticString("\"")
        return (JSONString(checked: plain), JSONString(checked: signature))
    }

    private enum Form { case standard, safe }

    /// The alphabet of a signature; nil if it is no base64, or such that it would not come back the same.
    private static func form(of bytes: ByteBuffer) -> Form? {
        let view = bytes.readableBytesView
        let padding = view.suffix(2).count { $0 == UInt8(ascii: "=") }
        let text = view.dropLast(padding)
        if view.count % 4 == 0, text.allSatisfy({ Self.isStandard($0) }) { return .standard }
        return padding == 0 && view.count % 4 != 1 && text.allSatisfy({ Self.isSafe($0) }) ? .safe : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func isStandard(_ byte: UInt8) -> Bool {
        Self.isLetterOrDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        Self.isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        Self.isSafe(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
    }
}

/// Ids for calls in the form that had none, `function_call`.
package enum LegacyCallID {
    private static let prefix: StaticString = "call_function_"

    /// - Parameter place: What is different for each call of a conversation.
    static func make(_ place: Int) -> JSONString { JSONString("\(Self.prefix)\(place)") }

    package static func isOne(_ id: JSONString) -> Bool {
        id.content.readableBytesView.starts(
            with: UnsafeBufferPointer(start: Self.prefix.utf8Start, count: Self.prefix.utf8CodeUnitCount)
        )
    }
}

/// Ids of tool calls that a target takes.
enum ToolCallID {
    /// OpenAI's longest id, in bytes.
    static let bytesMax = 40

    /// The id itself, or a hash in its place where it is too long or holds escapes.
    ///
    /// The same for the same id, and different for different ones but for a chance of 1 in 2^64 or so.
    static func fit(_ id: JSONString) -> JSONString {
        let content = id.content
        guard content.readableBytes > Self.bytesMax || id.hasEscapes || content.readableBytes == 0 else { return id }
        var text = "call_"
        for seed: UInt64 in [0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15] {
            // FNV-1a, 64 bits; nobody gains by two ids that are alike within one conversation.
            let hash = content.readableBytesView.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            let digits = String(hash, radix: 36)
            text += String(repeating: "0", count: 13 - digits.count) + digits
        }
        return JSONString(text)
    }
}

/// Gemini's signature of a thought on a tool call, where Google's OpenAI-compatible API puts it:
/// `extra_content.google.thought_signature`.
enum ThoughtSignature {
    /// The signature in an `extra_content`.
    static func read(_ value: JSONSlice, _ reader: BodyReader) -> JSONString? {
        var found: JSONString?
        guard reader.kind(value) == .object else { return nil }
        try? reader.members(of: value) { (key, google) throws(AnswerUnreadable) in
            guard key.equals("google"), reader.kind(google) == .object else { return }
            try reader.members(of: google) { (key, signature) throws(AnswerUnreadable) in
                if key.equals("thought_signature") { found = reader.string(signature) }
            }
        }
        return found
    }

    /// Appends `extra_content`.
    static func write(_ signature: JSONString, into body: inout ByteBuffer) {
        body.writeKey("extra_content")
        body.writeStaticString("{\"google\":{\"thought_signature\":")
        signature.write(into: &body)
        body.writeStaticString("}}")
    }
}
