internal import Auth
internal import Chat
internal import Conversations
internal import Core
internal import NIOCore
internal import Pipeline
internal import Transport
internal import Wire

/// What can be done with an answer of `/v1/responses` that is kept.
package enum StoredResponseAction: Sendable, Equatable, CaseIterable {
    case get, delete, cancel, inputItems
}

extension Gateway {
    /// Answers what a client asks of an earlier response of its group.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND` if there is none, or it is another group's.
    func storedResponse(
        _ action: StoredResponseAction,
        _ id: String,
        for principal: Principal?,
        _ exchange: any ServerExchange
    ) async throws -> Answer {
        guard let group = principal?.group else { throw CallerIdentity.refusal }
        let missing = GatewayError(
            .notFound,
            "There is no response with this id, or not any more.",
            param: "response_id"
        )
        guard let book = self.instruments.responses else { throw missing }
        if action == .delete {
            guard try await book.delete(id, of: group) else { throw missing }
            return Answer(json: ["id": .string(id), "object": "response", "deleted": true])
        }
        guard let response = try await book.get(id, of: group) else { throw missing }
        switch action {
        case .get, .delete:
            let query = try QueryText(exchange)
            if query["stream"] == "true" {
                throw GatewayError(.invalidRequest, "An earlier answer is not streamed again.", param: "stream")
            }
            return Answer(body: response.response)
        case .cancel:
            throw GatewayError(.invalidRequest, "Only an answer in the background can be cancelled, and this is none.")
        case .inputItems:
            return Answer(json: try InputItems(response).page(try QueryText(exchange)))
        }
    }
}

/// The parameters behind a path's question mark.
struct QueryText {
    private let values: [(name: String, value: String)]

    init(_ exchange: any ServerExchange) throws(GatewayError) {
        let range = exchange.head.targetRange.range
        let query = exchange.headBytes.withUnsafeReadableBytes { bytes in
            Array(bytes[range].drop { $0 != UInt8(ascii: "?") }.dropFirst())
        }
        self.values = try AdminQuery.split(query)
    }

    subscript(name: String) -> String? { self.values.first { $0.name == name }?.value }
}

/// The items that a response was made from, as OpenAI lists them.
struct InputItems {
    private static let pageMax = 100
    private let items: [JSONValue]

    /// - Throws: `GatewayError` with `INTERNAL` if what is kept cannot be read.
    init(_ response: StoredResponse) throws(GatewayError) {
        do {
            let list = try JSONValue.parse(response.items).arrayValue ?? []
            let mark = response.id.split(separator: "_").last.map(String.init) ?? ""
            self.items = list.enumerated().map { Self.listed($1, at: $0, mark) }
        } catch {
            throw GatewayError(.internalFailure, "What is kept of this response cannot be read.", cause: error)
        }
    }

    /// An item with what the client may have left out: a type, an id, a list of parts.
    private static func listed(_ item: JSONValue, at index: Int, _ mark: String) -> JSONValue {
        guard var members = item.objectValue else { return item }
        let type = item["type"]?.stringValue ?? "message"
        if item["type"] == nil { members.append(("type", "message")) }
        if item["id"]?.stringValue == nil {
            members.removeAll { $0.0 == "id" }
            let prefix =
                switch type {
                case "message": "msg"
                case "function_call": "fc"
                case "function_call_output": "fco"
                case "reasoning": "rs"
                default: "item"
                }
            members.insert(("id", .string("\(prefix)_\(mark)_in\(index)")), at: 0)
        }
        if type == "message" || type.hasPrefix("function_call"), item["status"] == nil {
            members.append(("status", "completed"))
        }
        if type == "message", let text = item["content"]?.stringValue {
            let isAnswer = item["role"]?.stringValue == "assistant"
            let part: JSONValue =
                isAnswer
                ? ["type": "output_text", "text": .string(text), "annotations": []]
                : ["type": "input_text", "text": .string(text)]
            members = members.map { $0.0 == "content" ? ("content", [part]) : $0 }
        }
        return .object(members)
    }

    /// One page: `limit`, 20 unless told otherwise, `order`, the newest first unless it is `asc`, and `after`, an id.
    func page(_ query: QueryText) throws(GatewayError) -> JSONValue {
        var items = self.items
        switch query["order"] {
        case "asc": break
        case nil, "desc": items.reverse()
        default: throw GatewayError(.invalidRequest, "'order' must be asc or desc.", param: "order")
        }
        if let after = query["after"] {
            guard let index = items.firstIndex(where: { $0["id"]?.stringValue == after }) else {
                throw GatewayError(.invalidRequest, "There is no item with this id.", param: "after")
            }
            items.removeFirst(index + 1)
        }
        let limit = query["limit"].map { Int($0) ?? 0 } ?? 20
        guard (1...Self.pageMax).contains(limit) else {
            throw GatewayError(.invalidRequest, "'limit' must be 1 to \(Self.pageMax).", param: "limit")
        }
        let page = Array(items.prefix(limit))
        return [
            "object": "list",
            "data": .array(page),
            "first_id": page.first?["id"] ?? .null,
            "last_id": page.last?["id"] ?? .null,
            "has_more": .bool(items.count > page.count),
        ]
    }
}
