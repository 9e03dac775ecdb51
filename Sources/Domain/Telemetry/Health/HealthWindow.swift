package import Core
package import NIOCore

/// What an attempt says about its provider.
package enum AttemptVerdict: Sendable, Equatable {
    /// It answered, be it with a complaint about the request or the key.
    case answered
    /// It failed, did not answer in time, or was not there.
    case failed(GatewayError.Code)
    /// It asked to be left alone.
    case limited
}

/// The attempts at one provider of the last five minutes.
///
/// A value; time is passed in. Counts stand in pieces of 20 seconds, so that what is old goes piece by piece.
package struct HealthWindow: Sendable {
    /// How long a piece is.
    package static let pieceLength = TimeAmount.seconds(20)
    /// Pieces that are kept.
    package static let piecesMax = 15

    private struct Piece {
        /// Counts pieces since the clock began; −1 for a piece that was never used.
        var number: Int64 = -1
        var answered: UInt64 = 0
        var failed: UInt64 = 0
        var limited: UInt64 = 0
        var latencies = LatencyCounts()
    }

    private var pieces = ContiguousArray(repeating: Piece(), count: HealthWindow.piecesMax)
    /// The last failure that was the provider's.
    package private(set) var lastFailure: GatewayError.Code?
    /// When that was.
    package private(set) var lastFailureTime: NIODeadline?
    /// When an attempt was last answered.
    package private(set) var lastAnswerTime: NIODeadline?
    /// Attempts counted since the start.
    package private(set) var total: UInt64 = 0

    package init() {}

    /// Adds an attempt.
    ///
    /// - Parameters:
    ///   - latency: To its first content, or to its end where it was no stream; counts where it answered.
    ///   - now: Not before the `now` of the attempt before; else it counts for that time.
    package mutating func add(_ verdict: AttemptVerdict, latency: TimeAmount, now: NIODeadline) {
        let number = Self.number(now)
        let index = Int(number % Int64(Self.piecesMax))
        if self.pieces[index].number < number {
            self.pieces[index] = Piece()
            self.pieces[index].number = number
        }
        self.total &+= 1
        switch verdict {
        case .answered:
            self.pieces[index].answered &+= 1
            self.lastAnswerTime = now
            self.pieces[index].latencies.add(latency)
        case .failed(let code):
            self.pieces[index].failed &+= 1
            self.lastFailure = code
            self.lastFailureTime = now
        case .limited:
            self.pieces[index].limited &+= 1
        }
    }

    /// What the newest pieces say: of the last five minutes, or of the last `pieces` times 20 seconds.
    package func figures(now: NIODeadline, pieces: Int = HealthWindow.piecesMax) -> HealthFigures {
        var figures = HealthFigures()
        let newest = Self.number(now)
        for piece in self.pieces where piece.number > newest - Int64(pieces) && piece.number <= newest {
            figures.answered &+= piece.answered
            figures.failed &+= piece.failed
            figures.limited &+= piece.limited
            figures.latencies.merge(piece.latencies)
        }
        figures.total = self.total
        figures.lastFailure = self.lastFailure
        figures.lastFailureTime = self.lastFailureTime
        figures.lastAnswerTime = self.lastAnswerTime
        return figures
    }

    private static func number(_ time: NIODeadline) -> Int64 {
        Int64(truncatingIfNeeded: time.uptimeNanoseconds / UInt64(Self.pieceLength.nanoseconds))
    }
}

/// What the attempts of some minutes at one provider came to.
package struct HealthFigures: Sendable {
    package internal(set) var answered: UInt64 = 0
    package internal(set) var failed: UInt64 = 0
    package internal(set) var limited: UInt64 = 0
    /// Attempts since the start.
    package internal(set) var total: UInt64 = 0
    package internal(set) var lastFailure: GatewayError.Code?
    package internal(set) var lastFailureTime: NIODeadline?
    package internal(set) var lastAnswerTime: NIODeadline?
    var latencies = LatencyCounts()

    package init() {}

    /// Attempts that say whether the provider is well: those that it limits do not.
    package var judged: UInt64 { self.answered &+ self.failed }

    /// Share of the judged attempts that were answered, 0 to 1; nil where there were none.
    package var successRate: Double? {
        self.judged == 0 ? nil : Double(self.answered) / Double(self.judged)
    }

    /// Whether the last attempt that says anything failed.
    package var endsInFailure: Bool {
        guard let failure = self.lastFailureTime else { return false }
        return self.lastAnswerTime.map { $0 < failure } ?? true
    }

    /// The time that this share of the answers took at most, to about a tenth; nil where there were none.
    package func latency(_ share: Double) -> TimeAmount? { self.latencies.quantile(share) }

    /// Adds what another loop saw of the same provider.
    package mutating func merge(_ other: HealthFigures) {
        self.answered &+= other.answered
        self.failed &+= other.failed
        self.limited &+= other.limited
        self.total &+= other.total
        self.latencies.merge(other.latencies)
        self.lastAnswerTime = [self.lastAnswerTime, other.lastAnswerTime].compactMap(\.self).max()
        if let time = other.lastFailureTime, time > self.lastFailureTime ?? .distantPast {
            self.lastFailureTime = time
            self.lastFailure = other.lastFailure
        }
    }
}

/// Counts of times in classes that are an eighth to a quarter of the time wide, from 0 to over an hour.
struct LatencyCounts: Sendable {
    /// A quarter of a millisecond, the unit that the classes begin with.
    private static let unit: Int64 = 250_000
    /// Enough for 2^22 units, some 17 minutes; longer ones count there.
    private static let classesMax = 84

    /// Empty until the first one, so that what nobody uses takes no room.
    private var counts: ContiguousArray<UInt32> = []

    mutating func add(_ time: TimeAmount) {
        if self.counts.isEmpty { self.counts = ContiguousArray(repeating: 0, count: Self.classesMax) }
        self.counts[Self.index(time)] &+= 1
    }

    mutating func merge(_ other: LatencyCounts) {
        guard !other.counts.isEmpty else { return }
        if self.counts.isEmpty { return self.counts = other.counts }
        for index in self.counts.indices { self.counts[index] &+= other.counts[index] }
    }

    /// The middle of the class that the share falls into.
    func quantile(_ share: Double) -> TimeAmount? {
        let sum = self.counts.reduce(UInt64(0)) { $0 &+ UInt64($1) }
        guard sum > 0 else { return nil }
        let rank = max(1, (min(max(share, 0), 1) * Double(sum)).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in self.counts.enumerated() {
            seen &+= UInt64(count)
            if Double(seen) >= rank { return Self.middle(of: index) }
        }
        return nil
    }

    /// Below four units each has a class of its own; above, each doubling has four.
    private static func index(_ time: TimeAmount) -> Int {
        let units = UInt64(max(0, time.nanoseconds) / Self.unit)
        guard units >= 4 else { return Int(units) }
        let octave = 63 - units.leadingZeroBitCount
        let quarter = Int((units >> UInt64(octave - 2)) & 3)
        return min((octave - 1) * 4 + quarter, Self.classesMax - 1)
    }

    private static func middle(of index: Int) -> TimeAmount {
        guard index >= 4 else { return .nanoseconds(Int64(index) * Self.unit + Self.unit / 2) }
        let octave = index / 4 + 1
        let width = Int64(1) << Int64(octave - 2)
        let lower = (Int64(4) + Int64(index % 4)) * width
        return .nanoseconds(lower * Self.unit + width * Self.unit / 2)
    }
}
