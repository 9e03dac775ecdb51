/// The most that a call can use of what is no token, and whether it may have tokens that cost more than most.
package struct UnitBound: Sendable, Equatable {
    /// Characters to be spoken.
    package var characters: Int
    /// Milliseconds of sound to be written down.
    package var soundMilliseconds: Int
    /// Searches, as rerankers count them.
    package var searches: Int
    /// Whether the request may ask to cache something for an hour (`ttl: "1h"`), which costs more than all other input.
    package var mayWriteLong: Bool

    package init(characters: Int = 0, soundMilliseconds: Int = 0, searches: Int = 0, mayWriteLong: Bool = false) {
        self.characters = characters
        self.soundMilliseconds = soundMilliseconds
        self.searches = searches
        self.mayWriteLong = mayWriteLong
    }
}
