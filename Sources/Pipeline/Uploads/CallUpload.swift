internal import Auth
internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// The body of a call that is sent on while it comes in.
///
/// Its beginning is read ahead, as far as the gateway has to see it before it can choose a provider, and is kept as
/// long as it is short: until then the call can be tried again. Confined to the call's loop.
final class CallUpload: BodySource {
    /// What is kept of a body, at most, and how far it is read ahead.
    static let heldMax = 1 << 20

    private let source: any BodySource
    /// Nil for bodies that are no form.
    private(set) var form: FormFields?
    /// All that was read, as long as it is kept.
    private(set) var held: [ByteBuffer] = []
    private var isHeld = true
    private var isAtEnd = false
    /// Bytes that came from the client.
    private(set) var received = 0
    /// What is sent before anything is read again, and how much of it was.
    private var output: [ByteBuffer] = []
    private var next = 0
    private var hasGivenOut = false
    /// How much longer the body is than the client's own.
    private var growth = 0

    init(_ source: any BodySource, form: FormFields? = nil) {
        self.source = source
        self.form = form
    }

    // MARK: - For the road

    /// Opens the body of a call, and reads as much of it as decides where the call goes.
    ///
    /// - Throws: `GatewayError`, `CancellationError`.
    static func begin(_ call: Call) async throws {
        do {
            if call.operation == .passThrough { return try await PassThroughTarget.begin(call) }
            let upload = try Self.open(call)
            call.upload = upload
            try await upload.readAhead { $0.form?.model != nil }
            try upload.adoptModel(call)
        } catch let fault as RequestFault {
            throw GatewayError(fault)
        }
    }

    private static func open(_ call: Call) throws -> CallUpload {
        let boundary: MultipartBoundary
        do throws(MultipartError) {
            guard let type = call.head.first(.contentType) else { throw .notForm }
            let view = call.headBytes.readableBytesView
            let start = view.startIndex
            boundary = try MultipartBoundary(
                contentType: view[(start + type.value.lowerBound)..<(start + type.value.upperBound)]
            )
        } catch {
            if case .badBoundary = error { throw FormFields.refusal(error) }
            let text = "The body must be a form; send content-type: multipart/form-data."
            throw GatewayError(.unsupportedMediaType, text)
        }
        let limit = call.snapshot.limits.uploadBytesMax
        let source = try call.exchange.takePieces(limit: limit, held: Self.heldMax)
        return CallUpload(source, form: FormFields(boundary))
    }

    /// Reads until `isEnough`, until the end, or until as much has come as is kept.
    func readAhead(until isEnough: (CallUpload) -> Bool) async throws {
        while !isEnough(self), !self.isAtEnd, self.received < Self.heldMax {
            guard let bytes = try await self.source.read() else {
                try self.noteEnd()
                break
            }
            try self.take(bytes)
            self.held.append(bytes)
        }
        self.output = self.held
    }

    /// Whether all of the body is here.
    var isWhole: Bool { self.isAtEnd && self.isHeld }

    private func adoptModel(_ call: Call) throws {
        guard let form = self.form, let model = form.model else {
            let isLate = !self.isAtEnd
            var error = GatewayError(
                .invalidRequest,
                isLate
                    ? "Send the form's field 'model' before its file: it did not come within the first MiB."
                    : "'model' is missing.",
                param: "model"
            )
            error.details = [
                (key: "field", value: "model"),
                (key: "expected", value: isLate ? "'model' before 'file'" : "the name of a model"),
            ]
            throw error
        }
        call.model = model
        call.index = RequestIndex.unknown
        if form.isStream { call.index?.noteStream() }
        if let principal = call.principal, !principal.mayUse(model: model) {
            throw GatewayError(.modelNotAllowed, "This key may not use that model.", param: "model")
        }
    }

    /// Makes the body ready for an attempt, from its beginning, with the target's name of the model.
    ///
    /// - Parameter model: Nil where the client's own word is right.
    /// - Returns: False where what was sent is not kept any more.
    func prepare(model: String?) -> Bool {
        guard self.rewind() else { return false }
        guard let form = self.form, self.isHeld else { return true }
        self.growth = 0
        self.output = self.held
        guard let model, model != form.model else { return true }
        self.growth = model.utf8.count - form.modelRange.count
        self.output = Self.replace(form.modelRange, by: ByteBuffer(string: model), in: self.held)
        return true
    }

    /// The pieces with the bytes of `range` replaced.
    static func replace(_ range: Range<Int>, by text: ByteBuffer, in pieces: [ByteBuffer]) -> [ByteBuffer] {
        var result: [ByteBuffer] = []
        var position = 0
        var isWritten = false
        for piece in pieces {
            let end = position + piece.readableBytes
            func keep(_ from: Int, _ to: Int) {
                guard to > from,
                    let slice = piece.getSlice(at: piece.readerIndex + from - position, length: to - from)
                else { return }
                result.append(slice)
            }
            keep(position, min(end, range.lowerBound))
            if !isWritten, end >= range.lowerBound {
                result.append(text)
                isWritten = true
            }
            keep(max(position, range.upperBound), end)
            position = end
        }
        return result
    }

    // MARK: - Sending

    var length: Int? { self.source.length.map { $0 + self.growth } }

    var canRewind: Bool {
        self.isHeld && (self.isAtEnd || (self.source.length ?? .max) <= Self.heldMax)
    }

    /// Whether another attempt could still send all of it.
    var mayRewind: Bool { self.isHeld || !self.hasGivenOut }

    func rewind() -> Bool {
        guard self.mayRewind else { return false }
        self.next = 0
        return true
    }

    var onReady: (() -> Void)? {
        get { self.source.onReady }
        set { self.source.onReady = newValue }
    }

    func wait() async throws { try await self.source.wait() }

    func poll() throws -> UpstreamPiece {
        if self.next < self.output.count {
            self.hasGivenOut = true
            self.next += 1
            return .bytes(self.output[self.next - 1])
        }
        if self.isAtEnd { return .end }
        switch try self.source.poll() {
        case .later: return .later
        case .end:
            try self.noteEnd()
            return .end
        case .bytes(let bytes):
            try self.take(bytes)
            self.hasGivenOut = true
            self.hold(bytes)
            return .bytes(bytes)
        }
    }

    /// Keeps what goes out, as long as there is little of it.
    private func hold(_ bytes: ByteBuffer) {
        guard self.isHeld, self.received <= Self.heldMax else {
            self.isHeld = false
            self.held = []
            self.output = []
            return self.next = 0
        }
        self.held.append(bytes)
        self.output.append(bytes)
        self.next = self.output.count
    }

    /// Looks at bytes before anybody gets them.
    private func take(_ bytes: ByteBuffer) throws {
        self.received += bytes.readableBytes
        try self.form?.take(bytes)
        // The last bytes must not leave if they do not complete the form.
        if self.received == self.source.length { try self.form?.close() }
    }

    private func noteEnd() throws {
        try self.form?.close()
        self.isAtEnd = true
    }
}

@available(*, unavailable, message: "confined to its loop")
extension CallUpload: Sendable {}
