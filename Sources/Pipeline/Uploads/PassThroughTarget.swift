internal import Auth
internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// Where a call of `/p/{provider}/{rest}` goes, read from its path.
///
/// The path was checked when it was routed: no empty, `.` or `..` segment, no escape that changes its structure. So
/// what is put behind the provider's base path stays behind it.
struct PassThroughTarget {
    /// The provider's name.
    let provider: String
    /// What follows it, without the slash between them; not empty.
    let rest: String
    /// What follows the question mark, without what could carry a key; empty if there is nothing.
    let query: String

    /// Names of query parameters that carry keys at one provider or another.
    private static let keyParameters: Set<String> = ["key", "api_key", "api-key", "apikey", "access_token", "token"]

    init(_ call: Call) {
        let target = call.headBytes.readableBytesView
        let start = target.startIndex
        let range = call.head.targetRange.range
        let whole = String(
            decoding: target[(start + range.lowerBound)..<(start + range.upperBound)],
            as: UTF8.self
        )
        let halves = whole.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        // In absolute form a host stands before the path.
        let path = halves[0].firstRange(of: "/p/").map { halves[0][$0.upperBound...] } ?? ""
        let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        self.provider = String(parts[0])
        self.rest = parts.count > 1 ? String(parts[1]) : ""
        let query = halves.count > 1 ? halves[1] : ""
        self.query = query.split(separator: "&").filter { parameter in
            let name = parameter.prefix { $0 != "=" }
            return !Self.keyParameters.contains((HTTPTarget.decoded(name.utf8) ?? "key").lowercased())
        }.joined(separator: "&")
    }

    /// The path that was called, as lists of routes name it.
    static func path(of call: Call) -> String {
        let target = PassThroughTarget(call)
        return "/p/\(target.provider)/\(target.rest)"
    }

    /// The path at the provider.
    ///
    /// What the rest begins with of the base path's end is not there twice, so that `/p/openai/v1/files` and
    /// `/p/openai/files` are the same.
    func path(behind base: String) -> String {
        let baseParts = base.split(separator: "/")
        let parts = self.rest.split(separator: "/", omittingEmptySubsequences: false)
        for count in stride(from: min(baseParts.count, parts.count - 1), to: 0, by: -1)
        where baseParts.suffix(count).elementsEqual(parts.prefix(count)) {
            return base + "/" + parts.dropFirst(count).joined(separator: "/")
        }
        return base + "/" + self.rest
    }

    // MARK: - Who may

    /// Keeps keys that may not have everything away from what the gateway cannot look into.
    ///
    /// A key that is limited to some models, or that an agent has, needs `/p/…` in its list of routes by name; a `*`
    /// for everything is not enough.
    static func check(_ principal: Principal, _ call: Call) throws(GatewayError) {
        guard call.head.method != .head else {
            throw GatewayError(.methodNotAllowed, "This path takes GET, POST, PUT, PATCH, DELETE.")
        }
        guard principal.allowedModels != nil || principal.agent != nil else { return }
        let path = Self.path(of: call)
        let isNamed = principal.allowedRoutes?.contains { pattern in
            guard pattern.hasPrefix("/p/") else { return false }
            return pattern.hasSuffix("*") ? path.hasPrefix(pattern.dropLast()) : path == pattern
        }
        guard isNamed ?? false else {
            let text = "This key may not call providers directly; its list of routes must name /p/."
            throw GatewayError(.forbidden, text)
        }
    }

    // MARK: - What it asks for

    /// Opens the body, and finds the model, where the path or a short JSON body names it.
    static func begin(_ call: Call) async throws {
        let target = PassThroughTarget(call)
        let source = try call.exchange.takePieces(limit: call.snapshot.limits.uploadBytesMax, held: CallUpload.heldMax)
        let upload = CallUpload(source)
        call.upload = upload
        call.index = RequestIndex.unknown
        guard source.length != 0 else { return target.nameModel(call, in: nil) }
        let isJSON = call.head.first(.contentType).map { call.headBytes.isJSONType(in: $0.value) } ?? false
        guard isJSON, source.length.map({ $0 <= CallUpload.heldMax }) ?? true else {
            return target.nameModel(call, in: nil)
        }
        try await upload.readAhead { _ in false }
        var body = ByteBuffer()
        if upload.isWhole { for piece in upload.held { body.writeImmutableBuffer(piece) } }
        target.nameModel(call, in: body)
        if let principal = call.principal, principal.allowedModels != nil, call.head.method != .get {
            let isAllowed =
                !call.model.isEmpty
                && (principal.mayUse(model: call.model) || principal.mayUse(model: "\(target.provider)/\(call.model)"))
            guard isAllowed else {
                throw GatewayError(.modelNotAllowed, "This key may not use that model.", param: "model")
            }
        }
    }

    private func nameModel(_ call: Call, in body: ByteBuffer?) {
        if let body, let index = try? RequestIndex(body) {
            call.index = index
            if let slice = index.model {
                call.model = body.withUnsafeReadableBytes { JSONScanner($0).string(slice) } ?? ""
            }
            call.prompt = PromptMeasure(body)
            call.units = self.units(body)
        }
        if call.model.isEmpty { call.model = self.modelInPath ?? "" }
    }

    /// What is paid for by other units than tokens, where the path says that it may be.
    private func units(_ body: ByteBuffer) -> RequestUnits? {
        body.withUnsafeReadableBytes { bytes in
            if self.rest.hasSuffix("audio/speech") {
                return RequestUnits(characters: SpeechBody.characters(bytes) ?? bytes.count)
            }
            guard self.rest.hasSuffix("/rerank") else { return nil }
            return RequestUnits(searchesGuess: RequestUnits.searchesGuess(documents: RerankBody.documents(bytes)))
        }
    }

    /// The model in paths like `models/gemini-3-pro:generateContent`, `model/anthropic.claude%3A0/converse` and
    /// `deployments/gpt-4o/chat/completions`.
    private var modelInPath: String? {
        let parts = self.rest.split(separator: "/")
        guard let place = parts.firstIndex(where: { ["models", "model", "deployments"].contains($0) }),
            place + 1 < parts.count
        else { return nil }
        let name = parts[place] == "models" ? parts[place + 1].prefix { $0 != ":" } : parts[place + 1]
        return HTTPTarget.decoded(name.utf8)
    }

    static func resolve(_ call: Call) throws {
        let target = PassThroughTarget(call)
        guard let provider = call.snapshot.catalog.provider(named: target.provider) else {
            throw GatewayError(.notFound, "There is no provider of this name here.")
        }
        call.resolution = .direct(provider, model: call.model, isRenamed: false)
    }
}
