import NIOCore

/// One thing to do on the connection.
enum Step {
    case write(ByteBuffer, Mark)
    /// The same byte many times, made only as the connection takes it.
    case fill(UInt8, count: Int)
    case forever(ByteBuffer)
    case pause(milliseconds: Int)
    /// Nothing more, until the client leaves.
    case stall
    case end(Ending)
}

/// What a piece of an answer is worth, for the record.
struct Mark {
    var isHead = false
    /// The status of the answer, if this is its head.
    var status = 0
    var events = 0
    var tokens = 0
    var hasUsage = false
}

/// What becomes of the connection after an answer.
enum Ending {
    case keepAlive
    /// The answer is complete, the connection closes, after so many milliseconds.
    case close(afterMilliseconds: Int)
    /// The answer is not complete.
    case cut(Behaviour.Cut)
}

/// The steps of one answer.
///
/// Those of a stream are made one at a time, so that a long one costs no memory.
struct AnswerSteps {
    private var before: CircularBuffer<Step>
    private var stream: AnswerStream?
    private var after: CircularBuffer<Step>

    init(_ before: [Step], stream: AnswerStream? = nil, after: [Step] = []) {
        self.before = CircularBuffer(before)
        self.stream = stream
        self.after = CircularBuffer(after)
    }

    /// The next step.
    ///
    /// Past the end: the end of the connection.
    mutating func next() -> Step {
        if let step = self.before.popFirst() { return step }
        if let step = self.stream?.next() { return step }
        self.stream = nil
        return self.after.popFirst() ?? .end(.close(afterMilliseconds: 0))
    }
}
