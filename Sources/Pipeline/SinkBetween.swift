internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// A sink between a stage and the client that passes on what it does not see to itself.
///
/// A type says where things go, in `reply`, and only what it does in another way; the rest is here. It costs what it
/// would cost written out: within the module, these are made anew for each type that takes them.
///
///     final class ResponseTap: SinkBetween {
///         let reply: (any ReplySink)?
///         func whole(_ answer: WholeReply) throws { … }
///     }
///
/// What watches an answer in events only must still let one in bytes pass; what needs to hold all of an answer says for
/// itself what becomes of bytes.
protocol SinkBetween: ReplySink {
    /// Where everything goes; nil as long as nobody is to have it: then it is dropped, and there is room for more.
    var reply: (any ReplySink)? { get }
}

extension SinkBetween {
    var hasContent: Bool { self.reply?.hasContent ?? false }
    func expectStream() { self.reply?.expectStream() }
    func whole(_ answer: WholeReply) throws { try self.reply?.whole(answer) }
    func begin(_ head: StreamHead) throws { try self.reply?.begin(head) }
    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        try self.reply?.event(event, isContent: isContent)
    }
    func begin(_ head: ByteHead) throws { try self.reply?.begin(head) }
    func bytes(_ bytes: ByteBuffer) throws { try self.reply?.bytes(bytes) }
    func flush() throws { try self.reply?.flush() }
    func end() throws { try self.reply?.end() }
    func tool(_ step: ToolStep) throws { try self.reply?.tool(step) }
    func fail(_ error: GatewayError) throws { try self.reply?.fail(error) }
    var hasCredit: Bool { self.reply?.hasCredit ?? true }
    func awaitCredit() async throws { try await self.reply?.awaitCredit() }
}
