internal import Core
internal import NIOCore
internal import Wire

/// What the gateway has to know of a form while it passes: its model, which must be there once.
struct FormFields {
    /// The longest value of a field that is read.
    private static let valueBytesMax = 512

    private enum Field: String { case model, stream, n }

    private var scanner: MultipartScanner
    private var field: Field?
    private var value: [UInt8] = []
    private var start = 0
    private var fault: GatewayError?
    /// The model that is asked for, once its field is complete.
    private(set) var model: String?
    /// Where it stands in the body.
    private(set) var modelRange = 0..<0
    private var hasModelField = false
    /// Whether the answer is to come in events, as far as has been seen.
    private(set) var isStream = false
    /// How many answers are asked for, as far as has been seen.
    private(set) var count = 1

    init(_ boundary: MultipartBoundary) { self.scanner = MultipartScanner(boundary) }

    /// Bytes of the body that were looked at.
    var position: Int { self.scanner.position }

    /// Looks at the next bytes of the body.
    ///
    /// - Throws: `GatewayError` if they are no form, or have a second model: what the gateway decides by must be what
    ///   the provider reads (row 17).
    mutating func take(_ bytes: ByteBuffer) throws(GatewayError) {
        do throws(MultipartError) {
            try bytes.withBytes { (raw) throws(MultipartError) in
                var scanner = self.scanner
                defer { self.scanner = scanner }
                try scanner.scan(raw) { self.note($0) }
            }
        } catch {
            throw Self.refusal(error)
        }
        if let fault = self.fault { throw fault }
    }

    /// Notes that the body has ended.
    func close() throws(GatewayError) {
        do throws(MultipartError) { try self.scanner.close() } catch { throw Self.refusal(error) }
    }

    static func refusal(_ error: MultipartError) -> GatewayError {
        GatewayError(.invalidRequest, "The form cannot be read: \(error.rawValue).")
    }

    private mutating func note(_ event: MultipartEvent) {
        switch event {
        case .part(let head, let at): self.begin(head, at: at)
        case .data(let data):
            guard self.field != nil else { return }
            guard self.value.count + data.count <= Self.valueBytesMax else {
                return self.refuse(self.field?.rawValue ?? "", "at most \(Self.valueBytesMax) bytes")
            }
            self.value.append(contentsOf: data)
        case .partEnd(let at): self.end(at: at)
        case .end: break
        }
    }

    private mutating func begin(_ head: MultipartHead, at place: Int) {
        self.field = Field(rawValue: head.name)
        self.value.removeAll(keepingCapacity: true)
        self.start = place
        guard self.field == .model else { return }
        if self.hasModelField { self.refuse("model", "one field") }
        if head.isFile { self.refuse("model", "a text and no file") }
        self.hasModelField = true
    }

    private mutating func end(at place: Int) {
        defer { self.field = nil }
        let text = String(validating: self.value, as: UTF8.self)
        switch self.field {
        case .model:
            guard let text, !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                return self.refuse("model", "the name of a model")
            }
            self.model = text
            self.modelRange = self.start..<place
        case .stream: self.isStream = text == "true" || text == "True" || text == "1"
        case .n: self.count = min(max(text.flatMap { Int($0) } ?? 1, 1), 128)
        case nil: break
        }
    }

    private mutating func refuse(_ field: String, _ expected: String) {
        guard self.fault == nil else { return }
        var error = GatewayError(.invalidRequest, "The form's field '\(field)' must be \(expected).", param: field)
        error.details = [(key: "field", value: field), (key: "expected", value: expected)]
        self.fault = error
    }
}
