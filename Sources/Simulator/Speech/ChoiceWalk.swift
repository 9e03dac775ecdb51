/// Goes through one choice of an answer as a stream tells it: part by part, and each part piece by piece.
struct ChoiceWalk {
    enum Stop: Equatable {
        /// A part begins.
        case open(part: Int)
        /// The next piece of a part.
        case piece(part: Int, index: Int)
        /// A part is over.
        case close(part: Int)
    }

    private enum Place {
        case before(Int)
        case inside(Int, piece: Int)
    }

    let parts: [Completion.Part]
    private var place = Place.before(0)

    init(_ parts: [Completion.Part]) {
        self.parts = parts
    }

    /// The next thing to tell, or nil when all is told.
    mutating func next() -> Stop? {
        switch self.place {
        case .before(let part):
            guard part < self.parts.count else { return nil }
            self.place = .inside(part, piece: 0)
            return .open(part: part)
        case .inside(let part, let piece) where piece < self.parts[part].pieces.count:
            self.place = .inside(part, piece: piece + 1)
            return .piece(part: part, index: piece)
        case .inside(let part, _):
            self.place = .before(part + 1)
            return .close(part: part)
        }
    }
}

/// Puts pieces into JSON strings; filler, which is always the same, only once.
struct PieceText {
    private var filler: [UInt8] = []

    /// The inside of a JSON string with the piece's text.
    mutating func escaped(_ pieces: Pieces, _ index: Int) -> [UInt8] {
        switch pieces {
        case .list(let list):
            var bytes: [UInt8] = []
            JSONText.appendEscaped(list[index].utf8, to: &bytes)
            return bytes
        case .filler(let size, _, _):
            if self.filler.count != size { self.filler = Array(Pieces.fillerText(size).utf8) }
            return self.filler
        }
    }
}

extension Completion.Part {
    /// The part with its filler, if it has any, cut so that an event with a piece is `size` bytes long.
    ///
    /// `frame` is the size of an event with no text in it.
    func fitted(to size: Int?, frame: Int) -> Completion.Part {
        guard let size, case .filler(_, let count, let each) = self.pieces else { return self }
        var copy = self
        copy.pieces = .filler(bytes: max(1, size - frame), count: count, tokensEach: each)
        return copy
    }
}
