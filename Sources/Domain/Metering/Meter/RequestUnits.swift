package import Chat

/// What a request shows of what is paid for by other units than tokens, before anything of an answer is there.
package struct RequestUnits: Sendable, Equatable {
    /// Characters to be spoken.
    ///
    /// Counted, not guessed: no answer says how many there were.
    package var characters: Int?
    /// How long the sound is, by the length of its file; nil where there is none.
    package var soundGuess: Int?
    /// Searches, by the number of documents; nil where there are none.
    package var searchesGuess: Int?

    package init(characters: Int? = nil, soundGuess: Int? = nil, searchesGuess: Int? = nil) {
        self.characters = characters
        self.soundGuess = soundGuess
        self.searchesGuess = searchesGuess
    }

    /// Fills in what a provider did not say and takes money for.
    ///
    /// - Returns: Whether anything of it is a guess.
    @discardableResult
    package func complete(_ usage: inout TokenUsage, _ rates: Rates) -> Bool {
        var isGuess = false
        if usage.characters == nil { usage.characters = self.characters }
        if rates.minute > 0, usage.soundMilliseconds == nil, let guess = self.soundGuess {
            usage.soundMilliseconds = guess
            isGuess = true
        }
        if rates.searches > 0, usage.searches == nil, let guess = self.searchesGuess {
            usage.searches = guess
            isGuess = true
        }
        return isGuess
    }

    /// Bytes of sound in a second, where nobody says how long it is: 128 kbit/s, as most MP3 and AAC files have.
    ///
    /// Sound without compression has more and is then billed as longer than it is; that errs to the safe side of a
    /// budget.
    private static let soundBytesPerSecond = 16_000

    /// How long sound of so many bytes is thought to be, in milliseconds.
    package static func soundGuess(bytes: Int) -> Int {
        let (milliseconds, isOver) = max(0, bytes).multipliedReportingOverflow(by: 1_000)
        return isOver ? .max : milliseconds / Self.soundBytesPerSecond
    }

    /// Documents that are one search together (docs.cohere.com/docs/how-does-cohere-pricing-work).
    private static let documentsPerSearch = 100

    /// Searches that so many documents make, none of which is so long that it counts as several.
    package static func searchesGuess(documents: Int) -> Int {
        max(1, (max(0, documents) - 1) / Self.documentsPerSearch + 1)
    }
}
