internal import Chat
package import Core
package import NIOCore

/// What a request of `/v1/responses` says about going on from an earlier answer, and being kept for later ones.
package struct ResponsesContinuation: Sendable {
    /// The response to go on from; nil: the request begins anew.
    package private(set) var previous: JSONString?
    /// Whether the response is to be kept; it is unless the client says no.
    package private(set) var isStored = true
    /// Whether the client wants to leave and ask for the answer later.
    package private(set) var isBackground = false
    /// Whether the conversation is one that OpenAI keeps.
    package private(set) var hasConversation = false
    /// Whether thoughts of another provider than OpenAI stand in it, which OpenAI would refuse.
    package let carriesThoughts: Bool
    private var input: JSONSlice?

    private static let names = JSONNames("previous_response_id", "input", "store", "background", "conversation")

    /// Looks through a request.
    ///
    /// - Throws: With the place of a value that cannot be what the dialect has there.
    package init(_ body: ByteBuffer) throws(RequestUnreadable) {
        self.carriesThoughts = ResponsesCarrier.mayStand(in: body)
        var found = Self()
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) in
            try reader.fields(of: reader.root, "an object") { (key, value) throws(RequestUnreadable) in
                switch Self.names.position(of: key) {
                case 0: found.previous = try reader.text(value).value
                case 1: found.input = value
                case 2: found.isStored = try reader.bool(value).value
                case 3: found.isBackground = try reader.bool(value).value
                case 4: found.hasConversation = true
                default: break
                }
            }
        }
        self.previous = found.previous
        self.isStored = found.isStored
        self.isBackground = found.isBackground
        self.hasConversation = found.hasConversation
        self.input = found.input
    }

    private init() { self.carriesThoughts = false }

    /// The items of a request's input as a JSON list, whatever form it has; a list shares the request's bytes.
    ///
    /// - Parameter body: The request that this was made of.
    package func items(of body: ByteBuffer) -> ByteBuffer {
        if let input = self.input {
            let list = JSONFragment(input, of: body)
            if list.kind == .array { return list.bytes }
        }
        var items = ByteBuffer()
        items.beginArray()
        self.writeItems(of: body, into: &items)
        items.endArray()
        return items
    }

    /// The request as it would be if the client had sent all that went before, and no `previous_response_id`.
    ///
    /// - Parameters:
    ///   - body: The request that this was made of.
    ///   - items: All that the model was told for the earlier response: a list of items.
    ///   - response: That response.
    package func resumed(_ body: ByteBuffer, after items: ByteBuffer, _ response: ByteBuffer) -> ByteBuffer {
        var result = ByteBuffer()
        result.reserveCapacity(body.readableBytes + items.readableBytes + response.readableBytes)
        result.beginObject()
        BodyReader.read(body) { reader in
            try? reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                let isOurs = key.equals("input") || key.equals("previous_response_id")
                if !isOurs { result.write([reader.rest(key, value)]) }
            }
        }
        result.writeKey("input")
        result.beginArray()
        JSONFragment(checked: items).visitElements { item in
            result.separate()
            item.write(into: &result)
        }
        response.visitMember("output") { output in
            output.visitElements { item in
                result.separate()
                item.write(into: &result)
            }
        }
        self.writeItems(of: body, into: &result)
        result.endArray()
        result.endObject()
        return result
    }

    private func writeItems(of body: ByteBuffer, into list: inout ByteBuffer) {
        guard let input = self.input else { return }
        let value = JSONFragment(input, of: body)
        if let text = value.string {
            list.separate()
            list.beginObject()
            list.writeMember("role", word: "user")
            list.writeMember("content", text)
            list.endObject()
            return
        }
        value.visitElements { item in
            list.separate()
            item.write(into: &list)
        }
    }
}

/// A response as it goes to its client.
package enum ResponsesWhole {
    /// The id of a response object; nil if it has none or is broken.
    package static func id(of response: ByteBuffer) -> String? {
        var id: String?
        response.visitMember("id") { id = $0.string?.text }
        return id
    }

    /// The response that an event of a stream holds, if it is the last one of an answer that is done.
    ///
    /// - Returns: A slice of the event's data.
    package static func response(endingIn data: ByteBuffer, type: ByteBuffer?) -> ByteBuffer? {
        // Nearly all events are others; their type says so.
        if let type, !Self.isEnd(type) { return nil }
        var isEnd = false
        var response: ByteBuffer?
        JSONFragment(checked: data).visitMembers { key, value in
            if key.equals("type"), let name = value.string?.content { isEnd = Self.isEnd(name) }
            if key.equals("response") { response = value.bytes }
        }
        return isEnd ? response : nil
    }

    private static func isEnd(_ type: ByteBuffer) -> Bool {
        type == ResponsesEvent.completed.name || type == ResponsesEvent.incomplete.name
    }
}

extension ByteBuffer {
    /// Calls `visit` with one member of an object; not if there is none.
    fileprivate func visitMember(_ name: StaticString, _ visit: (JSONFragment) -> Void) {
        JSONFragment(checked: self).visitMembers { key, value in
            if key.equals(name) { visit(value) }
        }
    }
}
