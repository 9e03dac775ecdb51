import NIOCore
import NIOHTTP1

/// OpenAI's Responses API: answers that the provider may keep, and go on from.
extension OpenAIDialect {
    /// What `rest`, a path behind `/v1/`, asks for, if it is of this API.
    func responses(_ rest: String) -> Endpoint? {
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false).map { URLText.decoded($0) }
        guard parts.first == "responses" else { return nil }
        switch (parts.count, parts.last) {
        case (1, _): return self.create()
        case (2, "input_tokens"): return self.countInput()
        case (2, _): return self.stored(parts[1])
        case (3, "cancel"): return self.cancel(parts[1])
        case (3, "input_items"): return self.inputItems(parts[1])
        default: return .nowhere(self)
        }
    }

    private func create() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST]) { (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try ResponsesReader.request(asked, isCount: false)
            let completion = try asked.completion(for: request.prompt)
            let answer = ResponseAnswer(completion, request, asked.behaviour)
            if request.isStored, !answer.isFiller {
                asked.memory.responses.keep(
                    .init(
                        response: answer.whole,
                        input: request.items,
                        output: answer.items,
                        isBackground: request.isBackground,
                        bytes: asked.bytes.readableBytes + 4096
                    ),
                    id: answer.id,
                    owner: asked.builder.key
                )
            }
            if request.isStream { return asked.builder.stream(ResponseEvents(answer)) }
            if request.isBackground {
                return asked.builder.json(Array(answer.unfinished(status: "queued").text.utf8))
            }
            return asked.builder.whole(completion) { Array(answer.whole.text.utf8) }
        }
    }

    private func countInput() -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], isStream: { _ in false }) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let request = try ResponsesReader.request(asked, isCount: true)
            let text = "{\"object\":\"response.input_tokens\",\"input_tokens\":\(request.prompt.tokens)}"
            return asked.builder.json(Array(text.utf8))
        }
    }

    // MARK: - What was kept

    private func notFound(_ id: String) -> APIFailure {
        APIFailure(404, "Response with id '\(id)' not found.", param: "id")
    }

    private func stored(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET, .DELETE], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            let owner = asked.builder.key
            guard asked.call.head.method == .DELETE else {
                guard let kept = asked.memory.responses.fetch(id, owner: owner) else { throw self.notFound(id) }
                return asked.builder.json(Array(kept.response.text.utf8))
            }
            guard asked.memory.responses.remove(id, owner: owner) else { throw self.notFound(id) }
            let text = "{\"id\":\(JSONText.quoted(id)),\"object\":\"response\",\"deleted\":true}"
            return asked.builder.json(Array(text.utf8))
        }
    }

    private func cancel(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.POST], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            switch asked.memory.responses.cancel(id, owner: asked.builder.key) {
            case .none: throw self.notFound(id)
            case .synchronous: throw APIFailure(400, "Cannot cancel a synchronous response.")
            case .response(let response): return asked.builder.json(Array(response.text.utf8))
            }
        }
    }

    private func inputItems(_ id: String) -> Endpoint {
        Endpoint(dialect: self, methods: [.GET], body: .none, needsModel: false) {
            (asked: Asked) throws(APIFailure) -> AnswerSteps in
            guard let kept = asked.memory.responses.look(id, owner: asked.builder.key) else {
                throw self.notFound(id)
            }
            // The newest comes first unless the query says otherwise.
            let items = asked.target.parameter("order") == "asc" ? kept.input : kept.input.reversed()
            let list = JSONValue.object([
                .init("object", .string("list")), .init("data", .array(items)),
                .init("first_id", items.first?["id"] ?? .null), .init("last_id", items.last?["id"] ?? .null),
                .init("has_more", .bool(false)),
            ])
            return asked.builder.json(Array(list.text.utf8))
        }
    }
}
