import NIOCore
import NIOHTTP1

/// Decides what each call is answered.
///
/// Shared by all connections; knows nothing of sockets.
final class CallService: Sendable {
    /// A request with its body, as a connection hands it over.
    struct Call {
        var head: HTTPRequestHead
        var body: ByteBuffer
        var record: CallRecord
        var sequence: Int
        /// When it is decided, in seconds since 1970.
        var now = 0
        /// Whether the other side is this machine, and so may see keys in the record.
        var isLocal: Bool
        /// What came in a multipart form, of which `body` is only the beginning.
        var upload: Upload?
    }

    /// What to do on the connection.
    struct Decision {
        var steps: AnswerSteps
        var behaviour: Behaviour
    }

    let options: SimulatorOptions
    let recorder: Recorder
    let script = FaultScript()
    let memory = Memory()
    private let requiredKeys: Set<String>
    private let acceptsNoKey: Bool

    init(options: SimulatorOptions) {
        self.options = options
        self.recorder = Recorder(limit: options.recordLimit)
        self.requiredKeys = Set(options.requiredKeys)
        self.acceptsNoKey = options.acceptsNoKey
    }

    // MARK: - Calls

    /// Begins the record of a call and numbers it.
    ///
    /// Calls of the control endpoints leave no record.
    func begin(_ call: RecordedCall) -> (record: CallRecord, sequence: Int) {
        if Control(Target(call.path)) != nil { return (CallRecord(call), 0) }
        return self.recorder.begin(call)
    }

    /// Ends the record of a call, if it has not ended already.
    func end(_ record: CallRecord, _ ending: RecordedCall.Ending) {
        if let call = record.end(ending, now: self.options.clocks.monotonic()), call.sequence > 0 {
            self.recorder.noteEnd(of: call)
            self.options.onCallEnded?(call)
        }
    }

    // MARK: - Before the body

    /// What is to happen to a connection that was just accepted.
    ///
    /// Such a connection is recorded as a call without a request, so that it can be counted.
    func onAccept(connection: Int, at time: NIODeadline) -> Behaviour.Early? {
        let behaviour = self.script.take(at: .accept, model: nil, path: "", key: nil)
        guard let behaviour, let action = behaviour.onAccept else { return nil }
        var call = RecordedCall()
        call.connection = connection
        call.acceptedNanoseconds = time.uptimeNanoseconds
        call.options = behaviour.keys
        self.end(self.begin(call).record, .cut)
        return action
    }

    /// What is to happen to a call before its body has come.
    ///
    /// Nil in all ordinary cases.
    func early(_ head: HTTPRequestHead) -> Behaviour? {
        let target = Target(head.uri, headers: head.headers)
        guard Control(target) == nil else { return nil }
        let key = CallKey.find(in: head.headers, target: head.uri)
        return self.script.take(at: .head, model: nil, path: target.path, key: key)
    }

    /// What reads the body of a request whose files are not to be kept.
    ///
    /// Nil for all others.
    func upload(_ head: HTTPRequestHead) -> MultipartReader? {
        let type = head.headers.first(name: "content-type") ?? ""
        guard let reader = MultipartReader(contentType: type) else { return nil }
        let target = Target(head.uri, headers: head.headers)
        return Control(target) == nil && Dialects.endpoint(of: target).body == .upload ? reader : nil
    }

    // MARK: - The answer

    /// The answer to a whole request.
    ///
    /// `early` is what the script said when the head came.
    func decide(_ given: Call, early: Behaviour?) -> Decision {
        var call = given
        call.now = self.options.clocks.wall()
        let target = Target(call.head.uri, headers: call.head.headers)
        if let control = Control(target) {
            let builder = self.builder(call, dialect: OpenAIDialect(.openAI), behaviour: Behaviour())
            return Decision(steps: self.control(control, call, builder), behaviour: Behaviour())
        }
        let endpoint = Dialects.endpoint(of: target)
        var builder = self.builder(call, dialect: endpoint.dialect, behaviour: early ?? Behaviour())
        do throws(APIFailure) {
            let method = call.head.method
            guard !endpoint.methods.isEmpty else {
                throw endpoint.dialect.failure(.unknownPath(method: method.rawValue, path: target.path))
            }
            // Any dialect's key may be refused, whatever else is wrong, as a provider would.
            try self.checkKey(builder.key, of: call, endpoint.dialect)
            builder.isHead = method == .HEAD && endpoint.methods.contains(.GET)
            guard builder.isHead || endpoint.methods.contains(method) else {
                throw endpoint.dialect.failure(.wrongMethod(method.rawValue, path: target.path))
            }
            return try self.answer(endpoint, call, target, early: early, &builder)
        } catch {
            return Decision(steps: builder.failure(error), behaviour: builder.behaviour)
        }
    }

    /// The answer to a request whose body is larger than anyone should send.
    func tooLarge(_ head: HTTPRequestHead, sequence: Int) -> Decision {
        var call = Call(head: head, body: ByteBuffer(), record: CallRecord(.init()), sequence: sequence, isLocal: false)
        call.head.headers.replaceOrAdd(name: "connection", value: "close")
        let dialect = Dialects.endpoint(of: Target(head.uri, headers: head.headers)).dialect
        let builder = self.builder(call, dialect: dialect, behaviour: Behaviour())
        return Decision(steps: builder.failure(dialect.failure(.bodyTooLarge)), behaviour: Behaviour())
    }

    private func builder(_ call: Call, dialect: any Dialect, behaviour: Behaviour) -> AnswerBuilder {
        AnswerBuilder(
            behaviour: behaviour,
            dialect: dialect,
            sequence: call.sequence,
            pace: self.options.pace.milliseconds,
            now: self.options.clocks.wall(),
            key: CallKey.find(in: call.head.headers, target: call.head.uri, places: dialect.keyPlaces) ?? "",
            clientCloses: !call.head.isKeepAlive
        )
    }

    private func checkKey(_ key: String, of call: Call, _ dialect: any Dialect) throws(APIFailure) {
        if key.isEmpty {
            if self.acceptsNoKey { return }
            throw dialect.failure(.missingKey)
        }
        try dialect.authenticate(call, key: key, acceptedKeys: self.requiredKeys)
    }

    private func answer(
        _ endpoint: Endpoint,
        _ call: Call,
        _ target: Target,
        early: Behaviour?,
        _ builder: inout AnswerBuilder
    ) throws(APIFailure) -> Decision {
        let json = Self.json(endpoint, call)
        let body = (try? json.get()) ?? .null
        let full = endpoint.model(body)
        let isStream = endpoint.isStream(body)
        call.record.update {
            $0.model = full; $0.isStream = isStream
        }

        let parsed: (name: String, behaviour: Behaviour)
        do throws(BehaviourError) {
            parsed = try Behaviour.parse(model: full ?? "")
        } catch {
            throw endpoint.dialect.failure(.badOption(error.message))
        }
        let named = full.map { (full: $0, name: parsed.name) }
        let scripted = self.script.take(at: .body, model: named, path: target.path, key: builder.key)
        builder.behaviour = parsed.behaviour.overlaid(by: scripted).overlaid(by: early)
        let behaviour = builder.behaviour
        call.record.update { $0.options = behaviour.keys }

        if let steps = builder.replacement(isStream: isStream) { return Decision(steps: steps, behaviour: behaviour) }
        if endpoint.body == .object { try Self.checkObject(json, endpoint.dialect) }
        if endpoint.needsModel { try Self.checkModel(full, name: parsed.name, body, endpoint.dialect) }
        let asked = Asked(
            call: call,
            target: target,
            body: body,
            model: parsed.name,
            builder: builder,
            memory: self.memory
        )
        return Decision(steps: try endpoint.answer(asked), behaviour: behaviour)
    }

    private static func json(_ endpoint: Endpoint, _ call: Call) -> Result<JSONValue, JSONParser.Failure> {
        if endpoint.body == .upload { return .success(call.upload?.json ?? .null) }
        guard endpoint.body == .object else { return .success(.null) }
        return Result { () throws(JSONParser.Failure) in
            try call.body.withUnsafeReadableBytes { bytes throws(JSONParser.Failure) in try JSONParser.parse(bytes) }
        }
    }

    private static func checkObject(
        _ json: Result<JSONValue, JSONParser.Failure>,
        _ dialect: any Dialect
    ) throws(APIFailure) {
        switch json {
        case .failure(let failure): throw dialect.failure(.notJSON(failure.message))
        case .success(let body) where body.members == nil: throw dialect.failure(.notObject(body))
        case .success: break
        }
    }

    private static func checkModel(
        _ full: String?,
        name: String,
        _ body: JSONValue,
        _ dialect: any Dialect
    ) throws(APIFailure) {
        if full == nil, let field = body.present("model") { throw dialect.failure(.modelOfWrongType(field)) }
        guard !name.isEmpty else { throw dialect.failure(.noModel) }
        guard name != ModelList.unknown else { throw dialect.failure(.unknownModel(name)) }
    }

    // MARK: - Control

    private func control(_ control: Control, _ call: Call, _ builder: AnswerBuilder) -> AnswerSteps {
        guard control.methods.contains(call.head.method) else {
            let problem = Problem.wrongMethod(call.head.method.rawValue, path: control.rawValue)
            return builder.failure(builder.dialect.failure(problem))
        }
        let done = Array("{\"ok\":true}".utf8)
        switch (control, call.head.method) {
        case (.script, .POST):
            do {
                let json = try call.body.withUnsafeReadableBytes { try JSONParser.parse($0) }
                try self.script.add(try FaultScript.entries(in: json))
                return builder.json(done)
            } catch let error as JSONParser.Failure {
                return builder.failure(APIFailure(400, "The script is no JSON: \(error.message)."))
            } catch {
                return builder.failure(APIFailure(400, "\(error)"))
            }
        case (.script, .DELETE):
            self.script.clear()
            return builder.json(done)
        case (.record, .DELETE):
            self.recorder.clear()
            return builder.json(done)
        case (.record, _):
            return builder.json(self.recordBody(revealsKeys: call.isLocal))
        case (.totals, _):
            return builder.json(self.totalsBody())
        default:
            return builder.json(Array("{\"status\":\"ok\"}".utf8))
        }
    }

    private func totalsBody() -> [UInt8] {
        let totals = self.recorder.totals
        let sums = JSONValue.object([
            .init("calls", .integer(totals.calls)),
            .init("running", .integer(totals.running)),
            .init("answered", .integer(totals.answered)),
            .init("prompt_tokens", .integer(totals.promptTokens)),
            .init("completion_tokens", .integer(totals.completionTokens)),
            .init("tokens_written", .integer(totals.tokensWritten)),
        ])
        return Array(sums.text.utf8)
    }

    private func recordBody(revealsKeys: Bool) -> [UInt8] {
        let connections = self.recorder.connections
        let record = JSONValue.object([
            .init("calls", .array(self.recorder.calls.map { $0.jsonValue(revealsKeys: revealsKeys) })),
            .init("dropped", .integer(self.recorder.dropped)),
            .init("connections_accepted", .integer(connections.accepted)),
            .init("connections_open", .integer(connections.open)),
        ])
        return Array(record.text.utf8)
    }
}
