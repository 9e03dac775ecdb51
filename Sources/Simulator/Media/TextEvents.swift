/// Writes a text, or anything else that comes in pieces, as events of one simple form: some before, one for each piece,
/// some behind.
struct TextEvents: EventSource {
    /// An event that is known beforehand.
    struct Fixed {
        /// The event's name, where there is one.
        var name: String?
        var json: JSONValue
        var mark = Mark(events: 1)
    }

    /// An event with a piece in it: JSON up to the inside of a string, and from behind it.
    struct Frame {
        var name: String?
        var open: String
        var close: String
    }

    private let format: EventFormat
    private let frame: Frame
    private let part: Completion.Part
    private let failed: (APIFailure) -> JSONValue
    private let countsPieces: Bool
    private var before: [Fixed]
    private var after: [Fixed]
    private var piece = 0
    private var text = PieceText()
    private var isOpen = false

    /// - Parameters:
    ///   - countsPieces: Whether the pieces are tokens, as those of a text are.
    ///   - failed: The data of the event that says that something went wrong.
    init(
        _ part: Completion.Part,
        frame: Frame,
        behaviour: Behaviour,
        before: [Fixed] = [],
        after: [Fixed] = [],
        countsPieces: Bool = true,
        failed: @escaping (APIFailure) -> JSONValue
    ) {
        self.format = EventFormat(behaviour.sse)
        self.frame = frame
        self.failed = failed
        self.countsPieces = countsPieces
        self.before = before
        self.after = after
        let bytes =
            self.format.open(0, event: frame.name).count + frame.open.utf8.count - 1 + frame.close.utf8.count
            + self.format.close(0).count
        self.part = part.fitted(to: behaviour.eventBytes, frame: bytes)
    }

    mutating func next(_ number: Int) -> StreamEvent? {
        if !self.isOpen {
            self.isOpen = true
            if !self.format.preamble.isEmpty { return StreamEvent(parts: [self.format.preamble], mark: Mark()) }
        }
        if !self.before.isEmpty { return self.event(self.before.removeFirst(), number) }
        if self.piece < self.part.pieces.count {
            self.piece += 1
            return StreamEvent(
                parts: [
                    self.format.open(number, event: self.frame.name), Array(self.frame.open.utf8.dropFirst()),
                    self.text.escaped(self.part.pieces, self.piece - 1), Array(self.frame.close.utf8),
                    self.format.close(number),
                ],
                mark: Mark(events: 1, tokens: self.countsPieces ? self.part.pieces.tokensEach : 0),
                isWord: true
            )
        }
        return self.after.isEmpty ? nil : self.event(self.after.removeFirst(), number)
    }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        self.event(Fixed(name: self.frame.name == nil ? nil : "error", json: self.failed(failure)), number)
    }

    func garbage(_ number: Int) -> [UInt8] {
        self.format.open(number, event: self.frame.name) + Array("\"this is\": not JSON".utf8)
            + self.format.close(number)
    }

    private func event(_ fixed: Fixed, _ number: Int) -> StreamEvent {
        StreamEvent(
            parts: [
                self.format.open(number, event: fixed.name), Array(fixed.json.text.utf8.dropFirst()),
                self.format.close(number),
            ],
            mark: fixed.mark
        )
    }
}

/// Writes bytes of any kind, piece by piece; each counts as an event.
struct ByteEvents: EventSource {
    private var rest: ArraySlice<UInt8>
    private let size: Int
    /// What all of it is worth, which counts when the last of the bytes is out.
    private let tokens: Int
    /// What is said over and over once the bytes are through, and how often.
    private let filler: [UInt8]
    private var fillersLeft: Int

    /// - Parameters:
    ///   - size: The most bytes of a piece.
    ///   - tokens: What the bytes are worth, all together.
    ///   - fillers: How often `filler` follows.
    init(_ bytes: [UInt8], size: Int = 4096, tokens: Int = 0, filler: [UInt8] = [], fillers: Int = 0) {
        self.rest = bytes[...]
        self.size = max(1, size)
        self.tokens = tokens
        self.filler = filler
        self.fillersLeft = fillers
    }

    mutating func next(_ number: Int) -> StreamEvent? {
        guard self.rest.isEmpty else {
            let piece = Array(self.rest.prefix(self.size))
            self.rest = self.rest.dropFirst(self.size)
            let tokens = self.rest.isEmpty ? self.tokens : 0
            return StreamEvent(parts: [piece], mark: Mark(events: 1, tokens: tokens), isWord: true)
        }
        guard self.fillersLeft > 0, !self.filler.isEmpty else { return nil }
        self.fillersLeft -= 1
        return StreamEvent(parts: [self.filler], mark: Mark(events: 1), isWord: true)
    }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        StreamEvent(parts: [Array(failure.message.utf8)], mark: Mark(events: 1))
    }

    func garbage(_ number: Int) -> [UInt8] { Array("this is no sound".utf8) }
}
