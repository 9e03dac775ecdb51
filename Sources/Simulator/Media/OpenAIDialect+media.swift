import NIOHTTP1

/// What OpenAI's API does besides talking: judging, drawing, speaking and listening; and ranking, as Cohere and Jina do
/// it at the same place.
extension OpenAIDialect {
    /// What `rest`, a path behind `/v1/`, asks for, if it is one of these.
    func media(_ rest: String) -> Endpoint? {
        switch rest {
        case "moderations": return self.moderations()
        case "images/generations": return self.images(.object)
        case "images/edits": return self.images(.upload)
        case "audio/speech": return self.speech()
        case "audio/transcriptions", "audio/translations": return self.transcriptions()
        case "rerank": return self.rerank()
        default: return nil
        }
    }

    private func moderations() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], needsModel: false, isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let model = asked.model.isEmpty ? "sim" : asked.model
            let answer = try Moderation.answer(asked.body, model: model, sequence: asked.call.sequence)
            asked.note(prompt: answer.tokens)
            return asked.builder.json(
                answer.body,
                mark: Mark(hasUsage: true),
                delay: asked.behaviour.firstEventMilliseconds ?? 0
            )
        }
    }

    private func rerank() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let answer = try Ranking.answer(asked.body, model: asked.model, sequence: asked.call.sequence)
            asked.note(prompt: answer.tokens)
            return asked.builder.json(
                answer.body,
                mark: Mark(hasUsage: true),
                delay: asked.behaviour.firstEventMilliseconds ?? 0
            )
        }
    }

    private func images(_ body: Endpoint.Body) -> Endpoint {
        Endpoint(
            dialect: self,
            methods: [.POST],
            body: body,
            needsModel: false,
            isStream: { $0["stream"]?.bool ?? ($0["stream"]?.string == "true") }
        ) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let drawing = try Drawing(asked)
            asked.note(prompt: drawing.promptTokens, completion: drawing.outputTokens)
            guard drawing.isStream else {
                let delay = asked.behaviour.firstEventMilliseconds ?? asked.builder.pace.first
                let mark = Mark(tokens: drawing.outputTokens, hasUsage: true)
                return asked.builder.json(drawing.body, mark: mark, delay: delay)
            }
            return asked.builder.stream(drawing.events)
        }
    }

    private func speech() -> Endpoint {
        // The bytes flow as a stream does, whether or not there are events around them.
        Endpoint(dialect: self, methods: [.POST], isStream: { $0["stream_format"]?.string == "sse" }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let speech = try Speech(asked)
            asked.note(prompt: speech.promptTokens, completion: speech.outputTokens)
            guard speech.isEvents else { return asked.builder.stream(speech.bytes, type: speech.contentType) }
            return asked.builder.stream(speech.events)
        }
    }

    private func transcriptions() -> Endpoint {
        Endpoint(
            dialect: self,
            methods: [.POST],
            body: .upload,
            needsModel: false,
            isStream: { $0["stream"]?.string == "true" }
        ) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let hearing = try Hearing(asked)
            let completion = try asked.completion(for: hearing.prompt)
            guard hearing.isStream else {
                return asked.builder.whole(completion, type: hearing.contentType) { hearing.body(completion) }
            }
            return asked.builder.stream(hearing.events(completion))
        }
    }

    /// The data of an error event.
    func errorEvent(_ failure: APIFailure) -> JSONValue {
        .object([.init("error", self.errorObject(failure))])
    }
}
