internal import Auth
internal import Chat
internal import Conversations
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers
internal import Wire

/// Lets a client of `/v1/responses` go on from an earlier answer, and keeps the new one for it.
///
/// What `previous_response_id` names is put in front of the new input, so that any provider can go on from any other's
/// answer. An id that is not known here goes to the provider as it is, which may know it; then the answer is not kept,
/// because nobody here knows what led to it.
struct KeepResponse: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool { call.operation == .chat && call.format == .openAIResponses }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        let continuation: ResponsesContinuation
        do throws(RequestUnreadable) {
            continuation = try ResponsesContinuation(call.body)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        if continuation.isBackground {
            throw GatewayError(
                .invalidRequest,
                "Responses in the background are not to be had here; ask for a stream instead.",
                param: "background"
            )
        }
        call.carriesThoughts = continuation.carriesThoughts
        guard let book = self.instruments.responses, book.isOn, let group = call.principal?.group else {
            return try await next(call, reply)
        }
        var isKnown = !continuation.hasConversation
        if let previous = continuation.previous {
            isKnown = try await Self.resume(call, previous, continuation, book, group) && isKnown
        }
        guard isKnown, continuation.isStored, !Self.isNotToBeKept(call) else { return try await next(call, reply) }
        let items = call.resumedItems ?? continuation.items(of: call.body)
        call.resumedItems = nil
        let tap = ResponseTap(reply, items: items, group: group, book: book, time: call.time, previous: call.resumed)
        try await next(call, tap)
    }

    /// Whether the client wants nothing of it stored: `x-turnpike-cache: no-store`.
    private static func isNotToBeKept(_ call: Call) -> Bool {
        guard let field = call.head.first(.turnpikeCache) else { return false }
        return call.headBytes.hasWord("no-store", in: field.value)
    }

    /// Puts what went before in front of the request's input.
    ///
    /// - Returns: Whether the earlier response is known here.
    private static func resume(
        _ call: Call,
        _ previous: JSONString,
        _ continuation: ResponsesContinuation,
        _ book: ResponseBook,
        _ group: GroupID
    ) async throws -> Bool {
        guard let id = previous.text, let earlier = try await book.get(id, of: group) else { return false }
        let body = continuation.resumed(call.body, after: earlier.items, earlier.response)
        do {
            call.index = try RequestIndex(body)
            let whole = try ResponsesContinuation(body)
            call.resumedItems = whole.items(of: body)
            call.carriesThoughts = whole.carriesThoughts
        } catch let error as RequestIndexError {
            throw GatewayError(error)
        } catch {
            throw GatewayError(.internalFailure, "An earlier response cannot be read.", cause: error)
        }
        call.body = body
        call.resumed = previous
        return true
    }
}

/// Reads along an answer of `/v1/responses`, and keeps it.
///
/// Confined to the loop of its call.
private final class ResponseTap: SinkBetween {
    let reply: (any ReplySink)?
    private let items: ByteBuffer
    private let group: GroupID
    private let book: ResponseBook
    private let time: UnixTime
    /// What the client went on from, where the gateway put it in front.
    private let previous: JSONString?

    init(
        _ reply: any ReplySink,
        items: ByteBuffer,
        group: GroupID,
        book: ResponseBook,
        time: UnixTime,
        previous: JSONString?
    ) {
        self.reply = reply
        self.items = items
        self.group = group
        self.book = book
        self.time = time
        self.previous = previous
    }

    func whole(_ answer: WholeReply) throws {
        // Before the client has it, since it may ask for it at once.
        var answer = answer
        if (200..<300).contains(answer.status) {
            if let previous { answer.body = ResponsesPrevious.put(previous, into: answer.body) }
            self.keep(answer.body)
        }
        try self.reply?.whole(answer)
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        var event = event
        if let previous { event.data = ResponsesPrevious.put(previous, into: event.data) }
        if let response = ResponsesWhole.response(endingIn: event.data, type: event.type) { self.keep(response) }
        try self.reply?.event(event, isContent: isContent)
    }

    /// - Parameter response: Copied, since what it stands in is used again.
    private func keep(_ response: ByteBuffer) {
        guard let id = ResponsesWhole.id(of: response) else { return }
        self.book.keep(
            StoredResponse(
                id: id,
                group: self.group,
                createdAt: self.time,
                items: self.items,
                response: ByteBuffer(bytes: response.readableBytesView)
            )
        )
    }
}

@available(*, unavailable, message: "confined to its loop")
extension ResponseTap: Sendable {}
