import NIOCore

/// Writes a completion as a stream of events, one at a time, with the faults that happen between and inside events.
struct ChatStream {
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
        case close
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
    private let behaviour: Behaviour
    private let interval: Int
    private let tellsUsage: Bool
    private let format: EventFormat
    private let templates: [ChunkTemplate]
    /// For each choice the parts that this flavour shows.
    private let parts: [[Completion.Part]]
    private var framing: BodyFraming

    private var phase = Phase.prelude
    private var cursors: [Cursor]
    private var turn = 0
    private var events = 0
    private var tokensTold = 0
    private var waiting = CircularBuffer<Step>()
    private var hasStalled = false
    private var hasGarbled = false
    private var isPaceDue = false
    private var scratch: [UInt8] = []

    init(
        _ completion: Completion,
        behaviour: Behaviour,
        includesUsage: Bool,
        interval: Int,
        framing: BodyFraming
    ) {
        self.completion = completion
        self.behaviour = behaviour
        self.interval = interval
        self.framing = framing
        self.format = EventFormat(behaviour.sse)
        let isForced = [.always, .late, .double, .every].contains(behaviour.usage)
        self.tellsUsage =
            (includesUsage || completion.flavour == .openRouter || isForced) && behaviour.usage != .inChoice
        let isShort = behaviour.eventBytes != nil
        let nothing = includesUsage && completion.flavour != .openRouter && !isShort ? ",\"usage\":null" : ""
        let templates = completion.choices.indices.map {
            ChunkTemplate(completion, choice: $0, isShort: isShort, usageText: nothing)
        }
        self.templates = templates
        var parts = completion.choices.map { choice in
            choice.parts.filter { $0.kind != .reasoning || completion.flavour == .openRouter }
        }
        if let size = behaviour.eventBytes {
            Self.fit(&parts, size: size, templates: templates, format: self.format, flavour: completion.flavour)
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

    // MARK: - Steps

    /// The next step, or nil when the stream is over.
    mutating func next() -> Step? {
        if let step = self.waiting.popFirst() { return step }
        if case .end = self.phase { return nil }
        if let step = self.faultStep() { return step }
        if self.isPaceDue {
            self.isPaceDue = false
            if self.interval > 0 { return .pause(milliseconds: self.interval) }
        }
        let isCut = self.behaviour.cutInsideEvent == self.events
        guard var step = self.eventStep() else { return nil }
        if isCut, case .write(let buffer, let mark) = step, mark.events > 0 {
            step = .write(buffer.getSlice(at: buffer.readerIndex, length: buffer.readableBytes / 2) ?? buffer, Mark())
            self.waiting.append(.end(.cut(self.behaviour.cut ?? .close)))
        }
        return step
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
            return .write(self.framing.piece(self.format.plain("{\"this is\": not JSON")), Mark())
        }
        let errorAt = self.behaviour.errorAfterEvents ?? (self.behaviour.failsAfterLifecycle ? 1 : nil)
        if errorAt == self.events { return self.errorStep() }
        return nil
    }

    private mutating func errorStep() -> Step {
        let failure = FailureBodies.failure(502, behaviour: self.behaviour, instead: "The provider failed mid-stream.")
        let object = failure.object(self.completion.flavour).text
        var json = Array("\"error\":\(object)}".utf8)
        if self.completion.flavour == .openRouter {
            let common = ChunkTemplate.common(self.completion, isShort: false)
            let choices = "[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]"
            json = Array("\(common),\"error\":\(object),\"choices\":\(choices)}".utf8)
        }
        self.phase = .close
        self.events += 1
        return .write(self.framing.piece(self.format.open(0), json, self.format.close(0)), Mark(events: 1))
    }

    private mutating func eventStep() -> Step? {
        while true {
            switch self.phase {
            case .prelude:
                self.phase = .roles(next: 0)
                if let step = self.prelude() { return step }
            case .roles(let index):
                guard index < self.parts.count else {
                    self.phase = .tokens
                    if self.behaviour.lineBytes != nil { return self.longLine() }
                    continue
                }
                self.phase = .roles(next: index + 1)
                return self.role(index)
            case .tokens:
                if let step = self.token() { return step }
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
                if left > 0, let step = self.usage() { return step }
            case .done:
                self.phase = .lateUsage
                if !self.behaviour.omitsDone {
                    let isLast = self.behaviour.usage != .late
                    return self.event([self.format.plain("[DONE]", isLast: isLast)], Mark(events: 1))
                }
            case .lateUsage:
                self.phase = .close
                if self.tellsUsage, self.behaviour.usage == .late, let step = self.usage() { return step }
            case .close:
                self.phase = .end
                return .write(self.framing.end(), Mark())
            case .end:
                return nil
            }
        }
    }

    private mutating func event(_ bytes: [[UInt8]], _ mark: Mark) -> Step {
        self.events += mark.events
        self.tokensTold += mark.tokens
        return .write(self.framing.piece(Array(bytes.joined())), mark)
    }

    // MARK: - Events

    private mutating func prelude() -> Step? {
        var bytes = self.format.preamble
        if self.completion.flavour == .azure {
            bytes += self.format.open(0) + ChunkTemplate.azurePrelude + self.format.close(0)
            return self.event([bytes], Mark(events: 1))
        }
        guard !bytes.isEmpty else { return nil }
        return .write(self.framing.piece(bytes), Mark())
    }

    private mutating func role(_ index: Int) -> Step {
        let first = self.parts[index].first
        let delta = Array(DeltaTemplate.role(first, self.completion.flavour).utf8)
        // Hidden reasoning happened before anything is said, so the first event carries its tokens.
        var tokens = self.completion.usage.reasoning / self.parts.count
        if case .tool? = first?.kind { tokens += first?.openingTokens ?? 0 }
        return self.chunk(index, delta, self.templates[index].tail, Mark(events: 1, tokens: tokens))
    }

    private mutating func finish(_ index: Int) -> Step {
        let choice = self.completion.choices[index]
        var usageText: String?
        var mark = Mark(events: 1)
        if index == self.parts.count - 1, self.behaviour.usage == .inChoice,
            let usage = self.completion.usage.json(self.completion.flavour, behaviour: self.behaviour)
        {
            usageText = ",\"usage\":\(usage)"
            mark.hasUsage = true
        }
        let tail = self.templates[index].tail(finish: choice.finish, usageText: usageText)
        let delta = self.completion.flavour == .openRouter ? "{\"role\":\"assistant\",\"content\":\"\"}" : "{}"
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

    private mutating func usage() -> Step? {
        guard let usage = self.completion.usage.json(self.completion.flavour, behaviour: self.behaviour) else {
            return nil
        }
        let json = ChunkTemplate.withoutChoices(self.completion, usage: usage)
        let bytes = [self.format.open(self.events), json, self.format.close(self.events)]
        return self.event(bytes, Mark(events: 1, hasUsage: true))
    }

    private mutating func chunk(_ index: Int, _ delta: [UInt8], _ tail: [UInt8], _ mark: Mark) -> Step {
        let template = self.templates[index]
        var close = self.format.close(self.events)
        if self.behaviour.omitsDone, self.behaviour.sse.contains(.nofinal), case .finishes(let next) = self.phase,
            next == self.parts.count, self.usageEvents == 0
        {
            close = []
        }
        return self.event([self.format.open(self.events), template.head, delta, tail, close], mark)
    }

    // MARK: - Tokens

    /// The next token of the choice whose turn it is, or nil when every choice has said everything.
    private mutating func token() -> Step? {
        for _ in self.cursors.indices {
            let index = self.turn
            self.turn = (self.turn + 1) % self.cursors.count
            if let step = self.token(of: index) {
                self.isPaceDue = true
                return step
            }
        }
        return nil
    }

    private mutating func token(of index: Int) -> Step? {
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
    private mutating func textEvent(_ index: Int, _ part: Completion.Part, _ piece: Int) -> Step {
        let delta: DeltaTemplate
        if let known = self.cursors[index].delta {
            delta = known
        } else {
            delta = DeltaTemplate(part.kind, self.completion.flavour)
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
            let text = usage.json(self.completion.flavour, behaviour: self.behaviour) ?? "null"
            tail = template.tail(usageText: ",\"usage\":\(text)")
        }
        var text = self.scratch
        if let between = delta.between { text = self.scratch + between + self.scratch }
        let buffer = self.framing.piece(
            self.format.open(self.events),
            template.head,
            delta.open,
            text,
            delta.close,
            tail,
            self.format.close(self.events)
        )
        self.events += 1
        return .write(buffer, Mark(events: 1, tokens: tokens))
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
    private mutating func longLine() -> Step {
        let count = self.behaviour.lineBytes ?? 0
        let delta = DeltaTemplate(.text, self.completion.flavour)
        let before = self.format.open(self.events) + self.templates[0].head + delta.open
        let after = delta.close + self.templates[0].tail + self.format.close(self.events)
        var opening = self.framing.open(size: before.count + count + after.count)
        opening.writeBytes(before)
        var closing = ByteBuffer(bytes: after)
        closing.writeImmutableBuffer(self.framing.close())
        self.waiting.append(.fill(UInt8(ascii: "L"), count: count))
        self.waiting.append(.write(closing, Mark(events: 1)))
        self.events += 1
        return .write(opening, Mark())
    }
}
