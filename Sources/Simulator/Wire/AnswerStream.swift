import NIOCore

/// One event of a stream as its dialect writes it, framing of events included, framing of HTTP not.
struct StreamEvent {
    /// The bytes, in pieces that follow each other.
    var parts: [[UInt8]]
    /// What the event is worth.
    ///
    /// One that is no event for the client, such as a comment, has `events: 0`.
    var mark: Mark
    /// Whether it carries a word of the answer, so that the pace of the stream is kept behind it.
    var isWord = false
    /// A stretch of one byte behind `parts`, never held in memory, and the bytes behind it.
    var stretch: (byte: UInt8, count: Int, after: [UInt8])?
}

/// Writes an answer as events, one at a time.
///
/// Knows nothing of pace and faults, which `AnswerStream` puts between and inside the events.
protocol EventSource {
    /// The next event, or nil when everything is said.
    ///
    /// `number` counts the events before it.
    mutating func next(_ number: Int) -> StreamEvent?

    /// An error in the middle of the stream, after which nothing comes.
    mutating func failure(_ failure: APIFailure, number: Int) -> StreamEvent

    /// An event whose content is not what it should be, after which the stream goes on.
    func garbage(_ number: Int) -> [UInt8]
}

/// The steps of an answer that goes out as a stream: its events, its pace, and the faults among them.
struct AnswerStream {
    private var source: any EventSource
    private let dialect: any Dialect
    private let behaviour: Behaviour
    private let interval: Int
    private var framing: BodyFraming

    private var events = 0
    private var waiting = CircularBuffer<Step>()
    private var hasStalled = false
    private var hasGarbled = false
    private var isPaceDue = false
    /// Whether only the end of the body is left.
    private var isOver = false
    private var hasEnded = false

    /// - Parameter interval: Milliseconds between words.
    init(
        _ source: any EventSource,
        dialect: any Dialect,
        behaviour: Behaviour,
        interval: Int,
        framing: BodyFraming
    ) {
        self.source = source
        self.dialect = dialect
        self.behaviour = behaviour
        self.interval = interval
        self.framing = framing
    }

    /// The next step, or nil when the stream is over.
    mutating func next() -> Step? {
        if let step = self.waiting.popFirst() { return step }
        if self.hasEnded { return nil }
        if let step = self.faultStep() { return step }
        if self.isPaceDue {
            self.isPaceDue = false
            if self.interval > 0 { return .pause(milliseconds: self.interval) }
        }
        let isCut = self.behaviour.cutInsideEvent == self.events
        guard !self.isOver, let event = self.source.next(self.events) else {
            self.hasEnded = true
            return .write(self.framing.end(), Mark())
        }
        let step = self.step(event)
        guard isCut, case .write(let buffer, let mark) = step, mark.events > 0 else { return step }
        self.waiting.append(.end(.cut(self.behaviour.cut ?? .close)))
        let half = buffer.getSlice(at: buffer.readerIndex, length: buffer.readableBytes / 2)
        return .write(half ?? buffer, Mark())
    }

    /// A fault that is due before the next event.
    private mutating func faultStep() -> Step? {
        if self.behaviour.stallAfterEvents == self.events, !self.hasStalled {
            self.hasStalled = true
            return self.behaviour.stallMilliseconds.map { .pause(milliseconds: $0) } ?? .stall
        }
        if self.behaviour.cutAfterEvents == self.events { return .end(.cut(self.behaviour.cut ?? .close)) }
        if self.behaviour.garbageAfterEvents == self.events, !self.hasGarbled {
            self.hasGarbled = true
            return .write(self.framing.piece([self.source.garbage(self.events)]), Mark())
        }
        let errorAt = self.behaviour.errorAfterEvents ?? (self.behaviour.failsAfterLifecycle ? 1 : nil)
        guard errorAt == self.events, !self.isOver else { return nil }
        self.isOver = true
        let failure = FailureBodies.failure(
            502,
            behaviour: self.behaviour,
            dialect: self.dialect,
            instead: "The provider failed mid-stream."
        )
        return self.step(self.source.failure(failure, number: self.events))
    }

    private mutating func step(_ event: StreamEvent) -> Step {
        self.events += event.mark.events
        if event.isWord { self.isPaceDue = true }
        guard let stretch = event.stretch else { return .write(self.framing.piece(event.parts), event.mark) }
        let before = event.parts.reduce(0) { $0 + $1.count }
        var opening = self.framing.open(size: before + stretch.count + stretch.after.count)
        for part in event.parts { opening.writeBytes(part) }
        var closing = ByteBuffer(bytes: stretch.after)
        closing.writeImmutableBuffer(self.framing.close())
        self.waiting.append(.fill(stretch.byte, count: stretch.count))
        self.waiting.append(.write(closing, event.mark))
        return .write(opening, Mark())
    }
}
