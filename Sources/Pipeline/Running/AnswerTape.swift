internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// An answer while it comes in: what was said so far, event by event, numbered from 0.
///
/// Nothing of a stream is shown before its first content: until then another target may still begin anew. Nothing that
/// tells a client that it has everything is shown before `show()`: whoever has the whole answer and asks again must
/// find it written down.
struct AnswerTape: Sendable {
    /// What a reader finds at its place.
    enum Finding {
        /// Events from there on, and what the answer opens with.
        case events([ServerSentEvent], opening: Opening)
        case whole(WholeReply)
        /// The answer ended well.
        case end(opening: Opening)
        case failed(any Error)
        /// What stood there was let go, because the answer is too large to be kept.
        case gone
        case later
    }

    /// What an answer that comes bit by bit opens with, and what its bits are.
    enum Opening {
        case events(StreamHead)
        /// Each event's data are bytes of the answer.
        case bytes(ByteHead)

        func begin(_ reply: any ReplySink) throws {
            switch self {
            case .events(let head): try reply.begin(head)
            case .bytes(let head): try reply.begin(head)
            }
        }

        func push(_ event: ServerSentEvent, into reply: any ReplySink) throws {
            switch self {
            case .events: try reply.event(event, isContent: true)
            case .bytes: try reply.bytes(event.data)
            }
        }
    }

    private enum End { case well, failed(any Error) }

    /// Events a reader is given at once.
    private static let batch = 64
    /// Bytes that wait for readers once the answer is too large to be kept.
    private static let windowBytes = 64 << 10

    /// The most bytes that are kept.
    let bytesMax: Int
    /// What is held of a stream before its first content.
    let heldBytesMax: Int
    private(set) var isKept = true
    private(set) var isOpen = false
    private(set) var bytes = 0
    /// Bytes that came since it opened, those that were let go too.
    private var appended = 0
    private var opening = Opening.events(StreamHead(fields: ByteBuffer()))
    private var events: [ServerSentEvent] = []
    /// The number of the first event that is still there.
    private var first = 0
    private var whole: WholeReply?
    private var ending: End?
    /// Whether readers may have the end.
    private(set) var isShown = false

    init(bytesMax: Int, heldBytesMax: Int) {
        self.bytesMax = bytesMax
        self.heldBytesMax = heldBytesMax
    }

    /// Whether any part of its content is there.
    var hasContent: Bool { self.isOpen || self.whole != nil }
    /// Whether nothing more comes.
    var isOver: Bool { self.ending != nil }
    /// Whether more may be put on it without waiting for readers.
    var hasRoom: Bool { self.isKept || self.bytes < Self.windowBytes }

    // MARK: - Writing

    /// A stream opens; what an attempt before this one left goes.
    mutating func begin(_ head: StreamHead) { self.begin(.events(head)) }

    /// An answer in bytes opens; they follow by `append`.
    mutating func begin(_ head: ByteHead) { self.begin(.bytes(head)) }

    private mutating func begin(_ opening: Opening) {
        guard !self.isOpen else { return }
        self.opening = opening
        self.events.removeAll()
        self.bytes = 0
        self.appended = 0
    }

    mutating func append(_ event: ServerSentEvent, isContent: Bool) {
        guard !self.isOver else { return }
        self.events.append(event)
        self.appended += event.data.readableBytes
        self.bytes += event.data.readableBytes + (event.type?.readableBytes ?? 0)
        if isContent || self.bytes > self.heldBytesMax { self.isOpen = true }
        if self.bytes > self.bytesMax { self.isKept = false }
    }

    mutating func put(_ whole: WholeReply) {
        guard !self.isOver else { return }
        self.whole = whole
        self.bytes = whole.body.readableBytes
        if self.bytes > self.bytesMax { self.isKept = false }
        self.ending = .well
    }

    mutating func end() {
        guard !self.isOver else { return }
        self.isOpen = true
        self.ending = .well
    }

    mutating func fail(_ error: any Error) {
        guard !self.isOver else { return }
        self.ending = .failed(error)
    }

    /// How it ended is written down: readers may have all of it.
    mutating func show() { self.isShown = true }

    /// The answer is not to be kept.
    mutating func giveUp() { self.isKept = false }

    // MARK: - Reading

    /// What stands at `place`, the number of the next event that a reader wants.
    func read(at place: Int) -> Finding {
        if let whole = self.whole { return self.isShown ? .whole(whole) : .later }
        let shown = self.events.count - (self.hidesLast ? 1 : 0)
        if place < self.first { return .gone }
        if self.isOpen, place < self.first + shown {
            let start = place - self.first
            return .events(Array(self.events[start..<shown].prefix(Self.batch)), opening: self.opening)
        }
        guard self.isShown else { return .later }
        switch self.ending {
        case .well: return .end(opening: self.opening)
        case .failed(let error): return .failed(error)
        case nil: return .later
        }
    }

    /// Whether nothing stands at `place` any more but a good end.
    func endsWell(at place: Int) -> Bool {
        guard self.isShown, case .well? = self.ending else { return false }
        return place >= self.first + self.events.count
    }

    /// Whether nothing is left for a client that had so many events; an error at the end counts as one.
    func hasAll(before place: Int) -> Bool {
        guard self.isShown, self.whole == nil else { return false }
        let end = self.first + self.events.count
        switch self.ending {
        case .well: return place >= end
        case .failed: return place > end
        case nil: return false
        }
    }

    /// Whether the last event is one after which clients hang up, or all bytes that were announced are there.
    private var hidesLast: Bool {
        guard !self.isShown, let last = self.events.last else { return false }
        switch self.opening {
        case .events: return last.endsStream
        case .bytes(let head): return head.length.map { self.appended >= $0 } ?? false
        }
    }

    /// Lets go of what all readers have had, where nothing is kept.
    mutating func forget(before place: Int) {
        guard !self.isKept, self.isOpen, place > self.first else { return }
        let count = min(place - self.first, self.events.count)
        for event in self.events.prefix(count) {
            self.bytes -= event.data.readableBytes + (event.type?.readableBytes ?? 0)
        }
        self.events.removeFirst(count)
        self.first += count
    }

    /// The answer to keep; nil if it is not over or too large.
    var kept: KeptAnswer? {
        guard self.isKept, let ending else { return nil }
        var answer = KeptAnswer(content: .nothing)
        if let whole {
            answer.content = .whole(whole)
        } else if self.isOpen {
            switch self.opening {
            case .events(let head): answer.content = .stream(head, self.events)
            case .bytes(let head): answer.content = .bytes(head, self.events.map(\.data))
            }
        }
        if case .failed(let error) = ending {
            answer.failure = error as? GatewayError ?? GatewayError(.internalFailure, "Something went wrong.")
        }
        return answer
    }
}

extension ServerSentEvent {
    /// The types after which nothing comes, of the dialects that clients speak.
    private static let lastTypes: [StaticString] = [
        "message_stop", "response.completed", "response.incomplete", "response.failed",
    ]

    /// Whether clients hang up after this event, without waiting for the end of the body.
    fileprivate var endsStream: Bool {
        guard let type = self.type, type.readableBytes > 0 else {
            return self.data.readableBytes >= 6 && self.data.hasPrefix("[done]", in: 0..<6)
        }
        return Self.lastTypes.contains { type == ByteBuffer(staticString: $0) }
    }
}
