extension Rates {
    /// The rates in one line for the ledger: `in=150000 cached=75000 out=600000 @built-in 2026-11-20`.
    ///
    /// Whole numbers as the properties are, without those that are nil or change nothing; long requests as
    /// `long=<above>/<input percent>/<output percent>`. Read back by `init(text:)` as the same rates.
    package var text: String {
        var text = "in=\(self.input) out=\(self.output)"
        func add(_ name: String, _ value: Int64?) {
            if let value { text += " \(name)=\(value)" }
        }
        add("cached", self.cachedInput)
        add("write", self.cacheWrite)
        add("write_1h", self.cacheWriteLong)
        add("reasoning", self.reasoning)
        add("audio_in", self.audioInput)
        add("audio_out", self.audioOutput)
        add("image", self.image == 0 ? nil : self.image)
        add("request", self.request == 0 ? nil : self.request)
        add("characters", self.characters == 0 ? nil : self.characters)
        add("minute", self.minute == 0 ? nil : self.minute)
        add("searches", self.searches == 0 ? nil : self.searches)
        if let long = self.long { text += " long=\(long.above)/\(long.inputPercent)/\(long.outputPercent)" }
        if self.takesReportedCost { text += " reported=1" }
        return text + " @" + self.source
    }

    /// Reads what `text` wrote.
    ///
    /// Nil for anything else, such as an unknown word or one that comes twice.
    package init?(text: String) {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        var fields: [Substring: Substring] = [:]
        for word in halves[0].split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, fields.updateValue(parts[1], forKey: parts[0]) == nil else { return nil }
        }
        var isSound = true
        func take(_ name: Substring) -> Int64? {
            guard let text = fields.removeValue(forKey: name) else { return nil }
            let number = Int64(text)
            if number == nil { isSound = false }
            return number
        }
        guard let input = take("in"), let output = take("out") else { return nil }
        self.init(input: input, output: output, source: String(halves[1]))
        self.cachedInput = take("cached")
        self.cacheWrite = take("write")
        self.cacheWriteLong = take("write_1h")
        self.reasoning = take("reasoning")
        self.audioInput = take("audio_in")
        self.audioOutput = take("audio_out")
        self.image = take("image") ?? 0
        self.request = take("request") ?? 0
        self.characters = take("characters") ?? 0
        self.minute = take("minute") ?? 0
        self.searches = take("searches") ?? 0
        if let long = fields.removeValue(forKey: "long") {
            guard let long = LongRequests(text: long) else { return nil }
            self.long = long
        }
        if let reported = take("reported") {
            guard reported == 1 else { return nil }
            self.takesReportedCost = true
        }
        guard isSound, fields.isEmpty else { return nil }
    }
}

extension Rates.LongRequests {
    init?(text: Substring) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let above = Int32(parts[0]), let input = Int16(parts[1]), let output = Int16(parts[2])
        else { return nil }
        self.init(above: above, inputPercent: input, outputPercent: output)
    }
}
