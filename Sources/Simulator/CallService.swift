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
        /// Whether the other side is this machine, and so may see keys in the record.
        var isLocal: Bool
    }

    /// What to do on the connection.
    struct Decision {
        var steps: AnswerSteps
        var behaviour: Behaviour
    }

    let options: SimulatorOptions
    let recorder: Recorder
    let script = FaultScript()
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
        if case .control = Route.find(call.path) { return (CallRecord(call), 0) }
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
        guard case .control = Route.find(head.uri) else {
            let key = CallKey.find(in: head.headers)
            return self.script.take(at: .head, model: nil, path: Route.path(of: head.uri), key: key)
        }
        return nil
    }

    // MARK: - The answer

    /// The answer to a whole request.
    ///
    /// `early` is what the script said when the head came.
    func decide(_ call: Call, early: Behaviour?) -> Decision {
        let route = Route.find(call.head.uri)
        let path = Route.path(of: call.head.uri)
        var builder = self.builder(call, flavour: route.flavour, behaviour: early ?? Behaviour())
        func refuse(_ failure: APIFailure) -> Decision {
            Decision(steps: builder.failure(failure), behaviour: builder.behaviour)
        }
        guard !route.methods.isEmpty else {
            return refuse(.unknownPath(method: call.head.method.rawValue, path: path, route.flavour))
        }
        if case .control(let control) = route {
            return Decision(steps: self.control(control, call, builder), behaviour: Behaviour())
        }
        // Any flavour's key may be refused, whatever else is wrong, as a provider would.
        if let failure = self.keyFailure(builder.key, route.flavour) { return refuse(failure) }
        let isHead = call.head.method == .HEAD && route.methods.contains(.GET)
        guard isHead || route.methods.contains(call.head.method) else {
            return refuse(.wrongMethod(call.head.method.rawValue, path: path))
        }
        builder.isHead = isHead
        do throws(APIFailure) {
            return try self.answer(route, call, path: path, early: early, &builder)
        } catch {
            return refuse(error)
        }
    }

    /// The answer to a request whose body is larger than anyone should send.
    func tooLarge(_ head: HTTPRequestHead, sequence: Int) -> Decision {
        var call = Call(head: head, body: ByteBuffer(), record: CallRecord(.init()), sequence: sequence, isLocal: false)
        call.head.headers.replaceOrAdd(name: "connection", value: "close")
        let flavour = Route.find(head.uri).flavour
        let builder = self.builder(call, flavour: flavour, behaviour: Behaviour())
        return Decision(steps: builder.failure(APIFailure(413, "The body is too large.")), behaviour: Behaviour())
    }

    private func builder(_ call: Call, flavour: Flavour, behaviour: Behaviour) -> AnswerBuilder {
        AnswerBuilder(
            behaviour: behaviour,
            flavour: flavour,
            sequence: call.sequence,
            pace: self.options.pace.milliseconds,
            now: self.options.clocks.wall(),
            key: CallKey.find(in: call.head.headers) ?? "",
            clientCloses: !call.head.isKeepAlive
        )
    }

    private func keyFailure(_ key: String, _ flavour: Flavour) -> APIFailure? {
        if key.isEmpty { return self.acceptsNoKey ? nil : .missingKey(flavour) }
        if self.requiredKeys.isEmpty || self.requiredKeys.contains(key) { return nil }
        return .wrongKey(key, flavour)
    }

    private func answer(
        _ route: Route,
        _ call: Call,
        path: String,
        early: Behaviour?,
        _ builder: inout AnswerBuilder
    ) throws(APIFailure) -> Decision {
        let json = Result { () throws(JSONParser.Failure) in
            try call.body.withUnsafeReadableBytes { bytes throws(JSONParser.Failure) in try JSONParser.parse(bytes) }
        }
        let body = (try? json.get()) ?? .null
        let full = Self.model(route, body)
        let isStream = body["stream"]?.bool ?? false
        call.record.update {
            $0.model = full; $0.isStream = isStream
        }

        let parsed: (name: String, behaviour: Behaviour)
        do throws(BehaviourError) {
            parsed = try Behaviour.parse(model: full ?? "")
        } catch {
            throw .invalid("model", error.message, code: "unknown_simulator_option")
        }
        let scripted = self.script.take(at: .body, model: full.map { ($0, parsed.name) }, path: path, key: builder.key)
        builder.behaviour = parsed.behaviour.overlaid(by: scripted).overlaid(by: early)
        let behaviour = builder.behaviour
        call.record.update { $0.options = behaviour.keys }

        if let steps = builder.replacement(isStream: isStream) { return Decision(steps: steps, behaviour: behaviour) }
        switch route {
        case .models(let flavour):
            return Decision(steps: builder.json(ModelList.list(flavour)), behaviour: behaviour)
        case .model(let flavour, let id):
            return Decision(steps: builder.json(try ModelList.one(id, flavour)), behaviour: behaviour)
        case .chat, .embeddings: break
        case .control, .unknown: throw .unknownPath(method: "", path: path, route.flavour)
        }
        if case .failure(let failure) = json {
            throw APIFailure(400, "We could not parse the JSON body of your request: \(failure.message).")
        }
        guard body.members != nil else {
            throw APIFailure(400, "The JSON body of your request is \(body.kindWithArticle), not an object.")
        }
        let model = try self.checkedModel(full, name: parsed.name, body: body, route)
        if case .embeddings = route {
            return Decision(steps: try self.embeddings(body, model, call, builder), behaviour: behaviour)
        }
        return Decision(steps: try self.chat(body, model, call, builder), behaviour: behaviour)
    }

    /// The model as the request names it, options included.
    ///
    /// Azure names it in the path.
    private static func model(_ route: Route, _ body: JSONValue) -> String? {
        let named = body["model"]?.string
        switch route {
        case .chat(_, let deployment?), .embeddings(_, let deployment?):
            if let named, named.contains("?"), !deployment.contains("?") { return named }
            return deployment
        case .model(_, let id): return id
        default: return named
        }
    }

    private func checkedModel(
        _ full: String?,
        name: String,
        body: JSONValue,
        _ route: Route
    ) throws(APIFailure) -> String {
        guard full != nil else {
            guard let field = body.present("model") else {
                throw APIFailure(400, "you must provide a model parameter", param: "model")
            }
            throw .wrongType("model", wants: "a string", got: field)
        }
        guard !name.isEmpty else { throw APIFailure(400, "you must provide a model parameter", param: "model") }
        guard name != ModelList.unknown else { throw .unknownModel(name, route.flavour) }
        return name
    }

    private func chat(
        _ body: JSONValue,
        _ model: String,
        _ call: Call,
        _ builder: AnswerBuilder
    ) throws(APIFailure) -> AnswerSteps {
        let strict = builder.behaviour.refusesUnknownFields
        let request = try ChatValidation.request(in: body, model: model, strict: strict)
        let completion = Composer.completion(
            for: request,
            behaviour: builder.behaviour,
            flavour: builder.flavour,
            sequence: call.sequence,
            created: builder.now
        )
        call.record.update {
            $0.promptTokens = completion.usage.prompt
            $0.completionTokens = completion.usage.completion
        }
        return builder.completion(completion, isStream: request.isStream, includesUsage: request.includesUsage)
    }

    private func embeddings(
        _ body: JSONValue,
        _ model: String,
        _ call: Call,
        _ builder: AnswerBuilder
    ) throws(APIFailure) -> AnswerSteps {
        let answer = try Embeddings.answer(body, model: model)
        call.record.update { $0.promptTokens = answer.promptTokens }
        let delay = builder.behaviour.firstEventMilliseconds ?? 0
        return builder.json(answer.body, mark: Mark(hasUsage: true), delay: delay)
    }

    // MARK: - Control

    private func control(_ control: Route.Control, _ call: Call, _ builder: AnswerBuilder) -> AnswerSteps {
        guard Route.control(control).methods.contains(call.head.method) else {
            return builder.failure(.wrongMethod(call.head.method.rawValue, path: Route.path(of: call.head.uri)))
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
