/// Writes a completion as chunks of the chat API, one at a time.
struct ChatEvents: EventSource {
    /// Where the stream is.
    ///
    /// Each state is followed by the next one; those that do not apply make no event.
    private enum Phase {
        case prelude
        case roles(next: Int)
        case tokens
        case finishes(next: Int)
        case usage(left: Int)
        case done
        case lateUsage
        case end
    }

    /// How far a choice has been told.
    private struct Cursor {
        var part: Int
        var piece = 0
        /// Whether the part's opening event is still to come.
        var isOpening: Bool
        var delta: DeltaTemplate?
    }

    private let completion: Completion
    private let flavour: Flavour
    private let behaviour: Behaviour
    private let tellsUsage: Bool
    private let format: EventFormat
    private let templates: [ChunkTemplate]
    /// For each choice the parts that this flavour shows.
    private let parts: [[Completion.Part]]

    private var phase = Phase.prelude
    private var cursors: [Cursor]
    private var turn = 0
    /// How many events came before the one that is being made.
    private var number = 0
    private var tokensTold = 0
    private var scratch: [UInt8] = []

    init(
        _ completion: Completion,
        flavour: Flavour,
        behaviour: Behaviour,
        includesUsage: Bool
    ) {
        self.completion = completion
        self.flavour = flavour
        self.behaviour = behaviour
        self.format = EventFormat(behaviour.sse)
        let isForced = [.always, .late, .double, .every].contains(behaviour.usage)
        self.tellsUsage =
            (includesUsage || flavour == .openRouter || isForced) && behaviour.usage != .inChoice
        let isShort = behaviour.eventBytes != nil
        let nothing = includesUsage && flavour != .openRouter && !isShort ? ",\"usage\":null" : ""
        let templates = completion.choices.indices.map {
            ChunkTemplate(completion, flavour, choice: $0, isShort: isShort, usageText: nothing)
        }
        self.templates = templates
        var parts = completion.choices.map { choice in
            choice.parts.filter { $0.kind != .reasoning || flavour == .openRouter }
        }
        if let size = behaviour.eventBytes {
            Self.fit(&parts, size: size, templates: templates, format: self.format, flavour: flavour)
        }
        self.parts = parts
        self.cursors = parts.map { parts in
            // The first tool call is opened by the role event.
            if case .tool? = parts.first?.kind { return Cursor(part: 0, isOpening: false) }
            return Cursor(part: 0, isOpening: true)
        }
    }

    /// Makes filler text as long as an event of `size` bytes needs it.
    private static func fit(
        _ parts: inout [[Completion.Part]],
        size: Int,
        templates: [ChunkTemplate],
        format: EventFormat,
        flavour: Flavour
    ) {
        for choice in parts.indices {
            for index in parts[choice].indices {
                guard case .filler(_, let count, let each) = parts[choice][index].pieces else { continue }
                let delta = DeltaTemplate(parts[choice][index].kind, flavour)
                let frame =
                    format.open(0).count + templates[choice].head.count + delta.open.count
                    + delta.close.count + templates[choice].tail.count + format.close(0).count
                parts[choice][index].pieces = .filler(bytes: max(1, size - frame), count: count, tokensEach: each)
            }
        }
    }

    // MARK: - The order of events

    mutating func next(_ number: Int) -> StreamEvent? {
        self.number = number
        return self.nextEvent()
    }

    func garbage(_ number: Int) -> [UInt8] { self.format.plain("{\"this is\": not JSON") }

    func failure(_ failure: APIFailure, number: Int) -> StreamEvent {
        let object = OpenAIDialect(self.flavour).errorObject(failure).text
        var json = Array("\"error\":\(object)}".utf8)
        if self.flavour == .openRouter {
            let common = ChunkTemplate.common(self.completion, self.flavour, isShort: false)
            let choices = "[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]"
            json = Array("\(common),\"error\":\(object),\"choices\":\(choices)}".utf8)
        }
        return StreamEvent(parts: [self.format.open(0), json, self.format.close(0)], mark: Mark(events: 1))
    }

    private mutating func nextEvent() -> StreamEvent? {
        while true {
            switch self.phase {
            case .prelude:
                self.phase = .roles(next: 0)
                if let next = self.prelude() { return next }
            case .roles(let index):
                guard index < self.parts.count else {
                    self.phase = .tokens
                    if self.behaviour.lineBytes != nil { return self.longLine() }
                    continue
                }
                self.phase = .roles(next: index + 1)
                return self.role(index)
            case .tokens:
                if let next = self.token() { return next }
                self.phase = .finishes(next: 0)
            case .finishes(let index):
                guard index < self.parts.count else {
                    self.phase = .usage(left: self.usageEvents)
                    continue
                }
                self.phase = .finishes(next: index + 1)
                return self.finish(index)
            case .usage(let left):
                self.phase = left > 1 ? .usage(left: left - 1) : .done
                if left > 0, let next = self.usage() { return next }
            case .done:
                self.phase = .lateUsage
                if !self.behaviour.omitsDone {
                    let isLast = self.behaviour.usage != .late
                    return self.event([self.format.plain("[DONE]", isLast: isLast)], Mark(events: 1))
                }
            case .lateUsage:
                self.phase = .end
                if self.tellsUsage, self.behaviour.usage == .late, let next = self.usage() { return next }
            case .end:
                return nil
            }
        }
    }

    private mutating func event(_ parts: [[UInt8]], _ mark: Mark) -> StreamEvent {
        self.tokensTold += mark.tokens
        return StreamEvent(parts: parts, mark: mark)
    }

    // MARK: - Events

    private mutating func prelude() -> StreamEvent? {
        var bytes = self.format.preamble
        if self.flavour == .azure {
            bytes += self.format.open(0) + ChunkTemplate.azurePrelude + self.format.close(0)
            return self.event([bytes], Mark(events: 1))
        }
        guard !bytes.isEmpty else { return nil }
        return StreamEvent(parts: [bytes], mark: Mark())
    }

    private mutating func role(_ index: Int) -> StreamEvent {
        let first = self.parts[index].first
        let delta = Array(DeltaTemplate.role(first, self.flavour).utf8)
        // Hidden reasoning happened before anything is said, so the first event carries its tokens.
        var tokens = self.completion.usage.reasoning / self.parts.count
        if case .tool? = first?.kind { tokens += first?.openingTokens ?? 0 }
        return self.chunk(index, delta, self.templates[index].tail, Mark(events: 1, tokens: tokens))
    }

    private mutating func finish(_ index: Int) -> StreamEvent {
        let choice = self.completion.choices[index]
        var usageText: String?
        var mark = Mark(events: 1)
        if index == self.parts.count - 1, self.behaviour.usage == .inChoice,
            let usage = ChatUsage.json(self.completion.usage, self.flavour, self.behaviour)
        {
            usageText = ",\"usage\":\(usage)"
            mark.hasUsage = true
        }
        let tail = self.templates[index].tail(finish: choice.finish, usageText: usageText)
        let delta = self.flavour == .openRouter ? "{\"role\":\"assistant\",\"content\":\"\"}" : "{}"
        return self.chunk(index, Array(delta.utf8), tail, mark)
    }

    private var usageEvents: Int {
        guard self.tellsUsage else { return 0 }
        switch self.behaviour.usage {
        case .late: return 0
        case .double: return 2
        default: return 1
        }
    }

    private mutating func usage() -> StreamEvent? {
        guard let usage = ChatUsage.json(self.completion.usage, self.flavour, self.behaviour) else {
            return nil
        }
        let json = ChunkTemplate.withoutChoices(self.completion, self.flavour, usage: usage)
        let bytes = [self.format.open(self.number), json, self.format.close(self.number)]
        return self.event(bytes, Mark(events: 1, hasUsage: true))
    }

    private mutating func chunk(_ index: Int, _ delta: [UInt8], _ tail: [UInt8], _ mark: Mark) -> StreamEvent {
        let template = self.templates[index]
        var close = self.format.close(self.number)
        if self.behaviour.omitsDone, self.behaviour.sse.contains(.nofinal), case .finishes(let next) = self.phase,
            next == self.parts.count, self.usageEvents == 0
        {
            close = []
        }
        return self.event([self.format.open(self.number), template.head, delta, tail, close], mark)
    }

    // MARK: - Tokens

    /// The next token of the choice whose turn it is, or nil when every choice has said everything.
    private mutating func token() -> StreamEvent? {
        for _ in self.cursors.indices {
            let index = self.turn
            self.turn = (self.turn + 1) % self.cursors.count
            if var next = self.token(of: index) {
                next.isWord = true
                return next
            }
        }
        return nil
    }

    private mutating func token(of index: Int) -> StreamEvent? {
        while self.cursors[index].part < self.parts[index].count {
            let part = self.parts[index][self.cursors[index].part]
            if self.cursors[index].isOpening {
                self.cursors[index].isOpening = false
                if case .tool = part.kind {
                    let delta = Array(DeltaTemplate.tool(part).utf8)
                    let mark = Mark(events: 1, tokens: part.openingTokens)
                    return self.chunk(index, delta, self.templates[index].tail, mark)
                }
            }
            let piece = self.cursors[index].piece
            guard piece < part.pieces.count else {
                self.cursors[index] = Cursor(part: self.cursors[index].part + 1, isOpening: true)
                continue
            }
            self.cursors[index].piece += 1
            return self.textEvent(index, part, piece)
        }
        return nil
    }

    /// The commonest event by far: template, token, template.
    private mutating func textEvent(_ index: Int, _ part: Completion.Part, _ piece: Int) -> StreamEvent {
        let delta: DeltaTemplate
        if let known = self.cursors[index].delta {
            delta = known
        } else {
            delta = DeltaTemplate(part.kind, self.flavour)
            self.cursors[index].delta = delta
            self.scratch.removeAll(keepingCapacity: true)
        }
        self.escape(part.pieces, piece, isFirst: piece == 0)
        let tokens = part.kind == .reasoning ? 0 : part.pieces.tokensEach
        let template = self.templates[index]
        self.tokensTold += tokens
        var tail = template.tail
        if self.behaviour.usage == .every {
            var usage = self.completion.usage
            usage.completion = self.tokensTold
            let text = ChatUsage.json(usage, self.flavour, self.behaviour) ?? "null"
            tail = template.tail(usageText: ",\"usage\":\(text)")
        }
        var text = self.scratch
        if let between = delta.between { text = self.scratch + between + self.scratch }
        let parts = [
            self.format.open(self.number), template.head, delta.open, text, delta.close, tail,
            self.format.close(self.number),
        ]
        return StreamEvent(parts: parts, mark: Mark(events: 1, tokens: tokens))
    }

    /// Puts a piece into `scratch`.
    ///
    /// Filler is always the same, so it is made once.
    private mutating func escape(_ pieces: Pieces, _ piece: Int, isFirst: Bool) {
        switch pieces {
        case .list(let list):
            self.scratch.removeAll(keepingCapacity: true)
            JSONText.appendEscaped(list[piece].utf8, to: &self.scratch)
        case .filler(let bytes, _, _):
            guard self.scratch.count != bytes else { return }
            self.scratch = Array(Pieces.fillerText(bytes).utf8)
        }
    }

    /// One event whose line is as long as the fault says; its content is one letter over and over.
    private mutating func longLine() -> StreamEvent {
        let count = self.behaviour.lineBytes ?? 0
        let delta = DeltaTemplate(.text, self.flavour)
        let before = self.format.open(self.number) + self.templates[0].head + delta.open
        let after = delta.close + self.templates[0].tail + self.format.close(self.number)
        return StreamEvent(
            parts: [before],
            mark: Mark(events: 1),
            stretch: (UInt8(ascii: "L"), count, after)
        )
    }
}
