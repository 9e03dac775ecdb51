internal import Core
internal import NIOCore
internal import Transport

extension Call {
    /// The same call for an attempt beside the others, with a state of its own.
    ///
    /// It asks the same of the same target, in the name of the same caller, and writes the same story. It holds none of
    /// the call's limits, so that they are given back once.
    ///
    /// - Parameter arrival: From when its clocks count; nil: as the call's.
    func copy(arrival: NIODeadline? = nil) -> Call {
        let copy = Call(
            id: self.id,
            chance: self.chance,
            operation: self.operation,
            format: self.format,
            exchange: DetachedExchange(of: self, arrival: arrival ?? self.exchange.arrival),
            head: self.head,
            headBytes: self.headBytes,
            transport: self.transport,
            loop: self.loop,
            snapshot: self.snapshot,
            time: self.time
        )
        copy.principal = self.principal
        copy.credentials = self.credentials
        copy.body = self.body
        copy.index = self.index
        copy.model = self.model
        copy.agent = self.agent
        copy.timeout = self.timeout
        copy.resolution = self.resolution
        copy.target = self.target
        copy.alternatives = self.alternatives
        copy.retriesMax = self.retriesMax
        copy.variant = self.variant
        copy.attempts = self.attempts
        copy.idempotencyClaim = self.idempotencyClaim
        copy.resumed = self.resumed
        copy.carriesThoughts = self.carriesThoughts
        copy.limits.guess = self.limits.guess
        copy.firstAttempt = self.firstAttempt
        copy.metadata = self.metadata
        copy.prompt = self.prompt
        copy.units = self.units
        copy.chargedBefore = self.chargedBefore
        copy.droppedBefore = self.droppedBefore
        copy.story = self.storyPad
        return copy
    }

    /// Takes over what the head of an answer says of the copy that has it.
    func adoptServer(_ copy: Call) {
        self.target = copy.target
        self.credentialID = copy.credentialID
        self.edits = copy.edits
        self.translation = copy.translation
        self.attempts = max(self.attempts, copy.attempts)
        self.firstAttempt = self.firstAttempt ?? copy.firstAttempt
    }

    /// Takes over what became of a copy, so that this call is what its client was answered.
    func adopt(_ copy: Call) {
        self.adoptServer(copy)
        self.attemptBegan = copy.attemptBegan
        self.upstreamStatus = copy.upstreamStatus
        self.usage = copy.usage
        self.output = copy.output
        self.firstContent = copy.firstContent
        self.prompt = self.prompt ?? copy.prompt
        self.limits.guess = self.limits.guess ?? copy.limits.guess
    }

    /// Counts in what holds for every copy, whether its client was answered by it or not.
    func count(_ copy: Call) {
        self.attempts = max(self.attempts, copy.attempts)
        self.charged += copy.charged
        self.spent += copy.spent
        self.mayHaveWorked = self.mayHaveWorked || copy.mayHaveWorked
        self.firstAttempt = self.firstAttempt ?? copy.firstAttempt
    }

    /// Takes the header lines that a copy has for its answer.
    func moveFields(from copy: Call) {
        self.extraFields.writeImmutableBuffer(copy.extraFields)
        copy.extraFields.clear()
    }
}
