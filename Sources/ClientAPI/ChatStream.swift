internal import NIOConcurrencyHelpers

/// What a model says, as it says it.
///
/// Can be read once. The call begins with the first event that is asked for and ends with the last; whoever leaves
/// before ends it.
public struct ChatStream: AsyncSequence, Sendable {
    /// What happens while a model answers.
    public typealias Element = ChatEvent

    private let start: Start

    /// - Parameter begin: Begins the call, without waiting, and pushes into the channel.
    package init(_ begin: @escaping @Sendable (EventChannel) -> Void) { self.start = Start(begin) }

    /// Begins to read.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: Reader(self.start)) }

    /// Reads the events of an answer.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: Reader

        /// The next event, waited for; nil after the last.
        ///
        /// - Throws: `AINotConfiguredError`, `AIError`, `CancellationError`.
        public mutating func next() async throws -> ChatEvent? { try await self.reader.next() }
    }

    /// The one beginning of a stream.
    fileprivate final class Start: Sendable {
        private let begin: NIOLockedValueBox<(@Sendable (EventChannel) -> Void)?>

        init(_ begin: @escaping @Sendable (EventChannel) -> Void) { self.begin = NIOLockedValueBox(begin) }

        func take() -> (@Sendable (EventChannel) -> Void)? {
            self.begin.withLockedValue { begin in
                defer { begin = nil }
                return begin
            }
        }
    }

    /// Whoever reads; gone with the loop that it was made for.
    fileprivate final class Reader: Sendable {
        private let start: Start
        private let channel = EventChannel()

        init(_ start: Start) { self.start = start }

        deinit { self.channel.abandon() }

        func next() async throws -> ChatEvent? {
            self.start.take()?(self.channel)
            return try await self.channel.next()
        }
    }
}

extension ChatStream {
    /// Reads to the end.
    ///
    /// - Throws: `AINotConfiguredError`, `AIError`, `CancellationError`.
    public func collect() async throws -> ChatReply {
        var reply = ChatReply()
        for try await event in self {
            switch event {
            case .content(let text): reply.content += text
            case .toolCall(let call): reply.toolCalls.append(call)
            case .done(let end): reply.end = end
            }
        }
        return reply
    }
}
