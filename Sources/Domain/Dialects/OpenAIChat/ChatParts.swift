internal import Chat
internal import Core
internal import NIOCore

/// Makes parts that follow each other out of deltas that may not.
///
/// Pieces of several tool calls may come mixed. The call that is open stays open until its arguments are whole, and
/// what comes for later ones waits; it is told at the end at the latest.
struct ChatParts {
    /// The most bytes that wait.
    static let waitingBytesMax = 8 << 20
    /// The most tool calls of one answer; each is looked for among all of them.
    static let callsMax = 512
    /// What a part that waits takes beside its texts.
    private static let waitingOverhead = 128

    /// What a part is.
    private enum Kind: Equatable {
        case text
        /// Thoughts of one entry of `reasoning_details`; nil for those that have none.
        case thinking(Int?)
        case redacted
        case refusal
        /// A tool call, by its position in `calls`.
        case call(Int)
    }

    /// A part that cannot be opened yet.
    private struct Waiting {
        var kind: Kind
        var pieces: [JSONString] = []
        var signature: JSONString?

        /// What it is counted for while it waits.
        var bytes: Int {
            self.pieces.reduce(ChatParts.waitingOverhead + (self.signature?.bytes.readableBytes ?? 0)) {
                $0 + $1.bytes.readableBytes
            }
        }
    }

    private struct Call {
        /// The provider's number of it.
        var index: Int?
        var id: JSONString?
        var name: JSONString?
        var signature: JSONString?
        var tracker = ArgumentsTracker()
        var isClosed = false
        /// Whether its arguments are free text, of which nobody can say whether it is whole before the end.
        var isCustom = false
    }

    private var count = 0
    private var open: Kind?
    private var calls: [Call] = []
    private var waiting: [Waiting] = []
    private var waitingBytes = 0

    /// Whether a tool was called.
    var hasCalls: Bool { !self.calls.isEmpty }

    private typealias Emit = (AnswerEvent) throws -> Void

    /// Takes what is new in a chunk.
    mutating func take(_ delta: Chunk.Delta, _ reader: BodyReader, _ emit: (AnswerEvent) throws -> Void) throws {
        if let details = delta.details {
            try self.takeDetails(details, reader, text: delta.reasoning, emit)
        } else if let reasoning = delta.reasoning, let text = reader.string(reasoning) {
            try self.add(text, to: .thinking(nil), emit)
        }
        if let logprobs = delta.logprobs { try self.takeLogprobs(logprobs, reader, emit) }
        if let content = delta.content { try self.takeContent(content, reader, emit) }
        if let refusal = delta.refusal, let text = reader.string(refusal) { try self.add(text, to: .refusal, emit) }
        if let audio = delta.audio { try self.takeAudio(audio, reader, emit) }
        if let images = delta.images { try self.takeImages(images, reader, emit) }
        if let annotations = delta.annotations { try self.takeAnnotations(annotations, reader, emit) }
        if let list = delta.toolCalls, reader.kind(list) == .array {
            var pieces: [ToolCallPiece] = []
            try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
                pieces.append(try ToolCallPiece(element, reader))
            }
            for piece in pieces { try self.take(piece, emit) }
        }
        if let function = delta.functionCall { try self.take(ToolCallPiece(function: function, reader), emit) }
    }

    /// Opens and closes all that waits, and closes what is open.
    mutating func closeAll(_ emit: (AnswerEvent) throws -> Void) throws {
        try self.advance(isLast: true, emit)
        try self.close(emit)
    }

    // MARK: - Texts and thoughts

    private mutating func takeContent(_ content: JSONSlice, _ reader: BodyReader, _ emit: Emit) throws {
        if let text = reader.string(content) { return try self.add(text, to: .text, emit) }
        guard reader.kind(content) == .array else { return }
        var pieces: [ContentPiece] = []
        try reader.elements(of: content) { (element) throws(AnswerUnreadable) in
            pieces.append(try ContentPiece(element, reader))
        }
        for piece in pieces {
            switch piece {
            case .text(let text): try self.add(text, to: .text, emit)
            case .thinking(let text): try self.add(text, to: .thinking(nil), emit)
            case .refusal(let text): try self.add(text, to: .refusal, emit)
            case .other: try emit(.unsaid(.content))
            }
        }
    }

    private mutating func takeDetails(
        _ list: JSONSlice,
        _ reader: BodyReader,
        text reasoning: JSONSlice?,
        _ emit: Emit
    ) throws {
        var entries: [ReasoningDetails.Entry] = []
        if reader.kind(list) == .array {
            try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
                entries.append(ReasoningDetails.Entry(element, reader))
            }
        }
        // The text stands beside the list too, unless the list has none.
        if !entries.contains(where: { $0.words?.isEmpty == false }), let text = reasoning.flatMap({ reader.string($0) })
        {
            try self.add(text, to: .thinking(nil), emit)
        }
        for entry in entries {
            if let words = entry.words { try self.add(words, to: .thinking(entry.index), emit) }
            if let signature = entry.signature { try self.add(signature: signature, entry.index, emit) }
            if let data = entry.data {
                try self.wait(Waiting(kind: .redacted, pieces: [data.copied]))
                try self.advance(isLast: false, emit)
            }
        }
    }

    /// The words of speech; the sound has no place in a stream of other dialects.
    private mutating func takeAudio(_ audio: JSONSlice, _ reader: BodyReader, _ emit: Emit) throws {
        guard reader.kind(audio) == .object else { return }
        var words: JSONString?
        var hasSound = false
        try reader.members(of: audio) { (key, value) throws(AnswerUnreadable) in
            if key.equals("transcript") { words = reader.string(value) }
            if key.equals("data") { hasSound = value.count > 2 }
        }
        if let words { try self.add(words, to: .text, emit) }
        if hasSound { try emit(.unsaid(.audio)) }
    }

    /// The elements of `content`, for the text that comes with them.
    private func takeLogprobs(_ logprobs: JSONSlice, _ reader: BodyReader, _ emit: Emit) throws {
        var list: JSONFragment?
        try reader.members(of: logprobs) { (key, value) throws(AnswerUnreadable) in
            if key.equals("content"), reader.kind(value) == .array { list = reader.fragment(value) }
        }
        if let list, !list.saysNothing { try emit(.logprobs(list)) }
    }

    /// OpenRouter's `images`: `[{"type":"image_url","image_url":{"url":"data:…"}}]`.
    private mutating func takeImages(_ list: JSONSlice, _ reader: BodyReader, _ emit: Emit) throws {
        for image in try ChatImages.read(list, reader) {
            // What comes mixed with the pieces of a call cannot stand between parts.
            try self.makeRoom(emit)
            try emit(self.open == nil ? .image(image) : .unsaid(.images))
        }
    }

    private mutating func takeAnnotations(_ list: JSONSlice, _ reader: BodyReader, _ emit: Emit) throws {
        guard reader.kind(list) == .array else { return }
        var citations: [JSONFragment] = []
        try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
            citations.append(reader.fragment(element))
        }
        guard self.open == .text else {
            if !citations.isEmpty { try emit(.unsaid(.citations)) }
            return
        }
        for citation in citations { try emit(.citation(part: self.count - 1, citation)) }
    }

    private mutating func add(_ text: JSONString, to kind: Kind, _ emit: Emit) throws {
        guard !text.isEmpty else { return }
        if self.open != kind {
            try self.makeRoom(emit)
            guard self.open == nil, self.waiting.isEmpty else {
                if self.waiting.last?.kind != kind { try self.wait(Waiting(kind: kind)) }
                self.waiting[self.waiting.count - 1].pieces.append(text.copied)
                return try self.hold(text.bytes.readableBytes)
            }
            try self.begin(kind, emit)
        }
        try self.emit(text, of: kind, emit)
    }

    private mutating func add(signature: JSONString, _ index: Int?, _ emit: Emit) throws {
        if case .thinking = self.open { return try emit(.signature(part: self.count - 1, signature)) }
        if let last = self.waiting.indices.last, case .thinking = self.waiting[last].kind {
            if self.waiting[last].signature == nil { try self.hold(signature.bytes.readableBytes) }
            self.waiting[last].signature = self.waiting[last].signature ?? signature.copied
            return
        }
        try self.wait(Waiting(kind: .thinking(index), signature: signature.copied))
        try self.advance(isLast: false, emit)
    }

    // MARK: - Tool calls

    private mutating func take(_ piece: ToolCallPiece, _ emit: Emit) throws {
        let position = try self.position(of: piece)
        if self.calls[position].id == nil { self.calls[position].id = piece.id?.copied }
        if self.calls[position].name == nil { self.calls[position].name = piece.name?.copied }
        if self.calls[position].signature == nil { self.calls[position].signature = piece.signature?.copied }
        if piece.isCustom { self.calls[position].isCustom = true }
        if let arguments = piece.arguments, !arguments.isEmpty {
            if !self.calls[position].isCustom { self.calls[position].tracker.take(arguments) }
            if self.open == .call(position) {
                try emit(.arguments(part: self.count - 1, arguments))
            } else if let index = self.waiting.firstIndex(where: { $0.kind == .call(position) }) {
                self.waiting[index].pieces.append(arguments.copied)
                try self.hold(arguments.bytes.readableBytes)
            } else if !arguments.isBlank {
                // It was whole, and its part is closed.
                throw AnswerUnreadable.garbled
            }
        }
        try self.advance(isLast: false, emit)
    }

    /// The call that a piece belongs to, a new one where it begins one.
    private mutating func position(of piece: ToolCallPiece) throws -> Int {
        let known: Int?
        if let index = piece.index {
            // One number for several calls is against the rules, and sent by some all the same.
            known = self.calls.lastIndex { $0.index == index }.flatMap { position in
                guard let id = piece.id, piece.name != nil, let own = self.calls[position].id else { return position }
                return id == own ? position : nil
            }
        } else if let id = piece.id {
            known = self.calls.lastIndex { $0.id == id }
        } else {
            known = piece.name == nil ? self.calls.indices.last : nil
        }
        if let known { return known }
        guard self.calls.count < Self.callsMax else { throw AnswerUnreadable.garbled }
        self.calls.append(Call(index: piece.index))
        try self.wait(Waiting(kind: .call(self.calls.count - 1)))
        return self.calls.count - 1
    }

    // MARK: - Opening and closing

    private mutating func wait(_ part: Waiting) throws {
        self.waiting.append(part)
        try self.hold(part.bytes)
    }

    private mutating func hold(_ bytes: Int) throws {
        self.waitingBytes += bytes
        guard self.waitingBytes <= Self.waitingBytesMax else { throw AnswerUnreadable.garbled }
    }

    /// Closes what is open, unless it is a call that is not whole.
    private mutating func makeRoom(_ emit: Emit) throws {
        if case .call(let position) = self.open, !self.calls[position].tracker.isWhole { return }
        try self.close(emit)
    }

    private mutating func close(_ emit: Emit) throws {
        guard let kind = self.open else { return }
        if case .call(let position) = kind { self.calls[position].isClosed = true }
        self.open = nil
        try emit(.close(part: self.count - 1))
    }

    /// Opens what waits, as far as the order allows.
    ///
    /// - Parameter isLast: Whether nothing more comes, so that nothing is worth waiting for.
    private mutating func advance(isLast: Bool, _ emit: Emit) throws {
        while let next = self.waiting.first {
            if case .call(let position) = next.kind, self.calls[position].name == nil {
                guard isLast else { return }
                throw AnswerUnreadable.garbled
            }
            if isLast { try self.close(emit) } else { try self.makeRoom(emit) }
            guard self.open == nil else { return }
            self.waiting.removeFirst()
            self.waitingBytes -= next.bytes
            if next.kind == .redacted {
                for data in next.pieces {
                    try emit(.open(part: self.count, .redactedThinking(data)))
                    try emit(.close(part: self.count))
                    self.count += 1
                }
                continue
            }
            try self.begin(next.kind, emit)
            for piece in next.pieces { try self.emit(piece, of: next.kind, emit) }
            if let signature = next.signature { try emit(.signature(part: self.count - 1, signature)) }
        }
    }

    private mutating func begin(_ kind: Kind, _ emit: Emit) throws {
        let opening: AnswerEvent.Opening
        switch kind {
        case .text: opening = .text
        case .thinking, .redacted: opening = .thinking
        case .refusal: opening = .refusal
        case .call(let position):
            let call = self.calls[position]
            opening = .toolCall(
                id: call.id ?? LegacyCallID.make(position),
                name: call.name ?? .empty,
                signature: call.signature,
                isCustom: call.isCustom
            )
        }
        self.open = kind
        self.count += 1
        try emit(.open(part: self.count - 1, opening))
    }

    private func emit(_ text: JSONString, of kind: Kind, _ emit: Emit) throws {
        let part = self.count - 1
        switch kind {
        case .text: try emit(.text(part: part, text))
        case .thinking, .redacted: try emit(.thinking(part: part, text))
        case .refusal: try emit(.refusal(part: part, text))
        case .call: try emit(.arguments(part: part, text))
        }
    }
}
