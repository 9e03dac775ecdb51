internal import Agents
internal import Auth
internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Takes in the body and scans it once for everything that policy reads.
struct ReadRequest: WaitingGate {
    /// The longest `x-turnpike-metadata`, in bytes.
    private static let metadataMax = 2048

    /// The longest time a client may ask for, in milliseconds; beyond it nothing would be shortened.
    private static let timeoutMax = 86_400_000

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        try Self.checkHead(call)
        guard call.operation.hasJSONBody else { return false }
        let body: ByteBuffer?
        do throws(RequestFault) {
            body = try call.exchange.takeBody(limit: call.snapshot.limits.bodyBytesMax)
        } catch {
            throw GatewayError(error)
        }
        guard let body else { return false }
        try Self.read(body, call, reply)
        return true
    }

    func wait(_ call: Call, _ reply: any ReplySink) async throws {
        guard call.operation.hasJSONBody else { return try await CallUpload.begin(call) }
        let body: ByteBuffer
        do {
            body = try await call.exchange.awaitBody(limit: call.snapshot.limits.bodyBytesMax)
        } catch let fault as RequestFault {
            throw GatewayError(fault)
        }
        try Self.read(body, call, reply)
    }

    private static func read(_ body: ByteBuffer, _ call: Call, _ reply: any ReplySink) throws {
        call.body = body
        let index: RequestIndex
        do throws(RequestIndexError) {
            index = try RequestIndex(call.body)
        } catch {
            throw GatewayError(error)
        }
        call.index = index
        if call.operation == .speech, SpeechBody.wantsEvents(body) { call.index?.noteStream() }
        call.model = try Self.model(of: call.body, index) ?? Self.unsaidModel(call).orMissing()
        if let principal = call.principal, !principal.mayUse(model: call.model) {
            throw GatewayError(.modelNotAllowed, "This key may not use that model.", param: "model")
        }
        if call.isStream { reply.expectStream() }
    }

    /// The model of a request that names none: the agent whose key it is, else the default one.
    private static func unsaidModel(_ call: Call) -> String? {
        call.principal?.agent.map { AgentProfile.modelPrefix + $0 } ?? call.snapshot.catalog.defaultModel
    }

    private static func model(of body: ByteBuffer, _ index: RequestIndex) throws -> String? {
        guard let slice = index.model else { return nil }
        let text = body.withUnsafeReadableBytes { JSONScanner($0).string(slice) }
        guard let text else { throw GatewayError(.invalidRequest, "'model' is not valid text.", param: "model") }
        return text
    }

    private static func checkHead(_ call: Call) throws {
        let bytes = call.headBytes
        let isOwn = call.operation != .passThrough
        if isOwn, let field = call.head.first(.contentEncoding), !bytes.hasWord("identity", in: field.value) {
            let text = "Bodies must not be compressed; send them without content-encoding."
            throw GatewayError(.unsupportedMediaType, text)
        }
        if call.operation.hasJSONBody, let field = call.head.first(.contentType), !bytes.isJSONType(in: field.value) {
            throw GatewayError(.unsupportedMediaType, "The body must be JSON; send content-type: application/json.")
        }
        if let field = call.head.first(.turnpikeMetadata) { call.metadata = try Self.metadata(field, bytes) }
        guard let field = call.head.first(.turnpikeTimeoutMS) else { return }
        let text = bytes.getString(at: bytes.readerIndex + field.value.lowerBound, length: field.value.count) ?? ""
        guard let milliseconds = Int(text), (1...Self.timeoutMax).contains(milliseconds) else {
            var error = GatewayError(.invalidRequest, "x-turnpike-timeout-ms must be a whole number of milliseconds.")
            error.details = [
                (key: "field", value: "x-turnpike-timeout-ms"), (key: "expected", value: "1 to \(Self.timeoutMax)"),
            ]
            throw error
        }
        call.timeout = .milliseconds(Int64(milliseconds))
    }

    /// The caller's own words about the call, kept with its usage.
    private static func metadata(_ field: HTTPField, _ bytes: ByteBuffer) throws -> String {
        let text = bytes.getString(at: bytes.readerIndex + field.value.lowerBound, length: field.value.count) ?? ""
        let isObject = text.utf8.first == UInt8(ascii: "{") && (try? JSONValue.parse(ByteBuffer(string: text))) != nil
        guard text.utf8.count <= Self.metadataMax, isObject else {
            var error = GatewayError(.invalidRequest, "x-turnpike-metadata must be a JSON object of at most 2 KB.")
            error.details = [
                (key: "field", value: "x-turnpike-metadata"),
                (key: "expected", value: "a JSON object of at most \(Self.metadataMax) bytes"),
            ]
            throw error
        }
        return text
    }
}

extension String? {
    fileprivate func orMissing() throws -> String {
        if let text = self { return text }
        var error = GatewayError(.invalidRequest, "'model' is missing.", param: "model")
        error.details = [(key: "field", value: "model"), (key: "expected", value: "the name of a model")]
        throw error
    }
}

extension ByteBuffer {
    /// Whether the bytes of `range` are `word`, whatever the case of their letters.
    package func hasWord(_ word: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        return self.hasPrefix(word, in: range)
    }

    /// Whether the bytes of `range` begin with `word`, in lower case, whatever the case of their letters.
    package func hasPrefix(_ word: StaticString, in range: Range<Int>) -> Bool {
        guard range.count >= word.utf8CodeUnitCount, range.upperBound <= self.readableBytes else { return false }
        return self.withUnsafeReadableBytes { bytes in
            for index in 0..<word.utf8CodeUnitCount {
                let byte = bytes[range.lowerBound + index]
                let isLetter = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                guard (isLetter ? byte | 0x20 : byte) == word.utf8Start[index] else { return false }
            }
            return true
        }
    }

    /// Whether a content type names JSON: `application/json`, `text/json` or `application/*+json`.
    package func isJSONType(in range: Range<Int>) -> Bool {
        self.withUnsafeReadableBytes { bytes in
            let type = bytes[range].prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            let end = type.endIndex
            return self.hasWord("application/json", in: range.lowerBound..<end)
                || self.hasWord("text/json", in: range.lowerBound..<end)
                || (self.hasPrefix("application/", in: range.lowerBound..<end)
                    && end - range.lowerBound > 17 && self.hasWord("+json", in: (end - 5)..<end))
        }
    }
}
