internal import Core
package import NIOCore

/// What a client said and a target cannot be told, or only in a changed way.
///
/// Told to the client in `x-turnpike-dropped`, or the reason to refuse the request where the group wants it `strict`.
package struct Losses: Sendable, Equatable {
    /// How many are kept; of more only the number is known.
    package static let placesMax = 64

    /// Where in the client's body the lost values stand, in the order they were met, each once.
    package private(set) var places: [Int] = []
    /// All of them, also those beyond `placesMax`.
    package private(set) var count = 0
    /// Where the values stand that the target is told by other means than a field of its own.
    ///
    /// Such as a schema for the answer that becomes a tool to call: not lost, but to be marked. Each once, `placesMax`
    /// at most.
    package private(set) var emulated: [Int] = []

    package init() {}

    package var isEmpty: Bool { self.count == 0 }

    /// Notes a value that the target is not told, or not as it was meant.
    ///
    /// - Parameter place: Where it stands in the client's body; nil or negative for what the client did not write,
    ///   which cannot be lost.
    package mutating func drop(at place: Int?) {
        guard let place, place >= 0, !self.places.contains(place) else { return }
        self.count += 1
        if self.places.count < Self.placesMax { self.places.append(place) }
    }

    /// Notes a value that the target is told by other means than a field of its own.
    ///
    /// Passes over nil and negative places.
    package mutating func emulate(at place: Int?) {
        guard let place, place >= 0, !self.emulated.contains(place) else { return }
        if self.emulated.count < Self.placesMax { self.emulated.append(place) }
    }

    /// Notes all members of a remainder.
    package mutating func drop(_ rest: [RestMember]) {
        for member in rest { self.drop(at: member.place) }
    }

    /// The lost values as JSON paths in the client's body, such as `messages[0].content[1].cache_control`.
    ///
    /// Slow: for the calls in which something is lost.
    ///
    /// - Parameter body: The client's body, which the places were taken from.
    package func paths(in body: ByteBuffer) -> [String] { Self.paths(of: self.places, in: body) }

    /// The values told by other means, as JSON paths in the client's body.
    package func emulatedPaths(in body: ByteBuffer) -> [String] { Self.paths(of: self.emulated, in: body) }

    private static func paths(of places: [Int], in body: ByteBuffer) -> [String] {
        let paths = body.withUnsafeReadableBytes { JSONPath.find(places, in: $0) }
        return paths.filter { !$0.isEmpty }
    }
}
