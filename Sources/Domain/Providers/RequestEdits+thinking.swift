internal import Chat
internal import Core
internal import NIOCore

extension RequestEdits {
    /// The least that Claude can be told to think, and less than `max_tokens` it must be
    /// (platform.claude.com/docs/en/build-with-claude/extended-thinking).
    static let thinkingMin = 1_024

    /// Lowers how much the model may think, where it could think more than it may now write in all: Anthropic refuses
    /// such a request, and the client, whose own two numbers fit each other, could not tell why.
    ///
    /// Half of what can be paid for is left for the answer, as far as the least allows. Where not even that fits,
    /// nothing is changed and `leavesNoRoomToThink` is set.
    mutating func limitThinking(_ limit: Int, body: ByteBuffer) {
        guard let given = Self.thinkingBudget(body) else { return }
        let reader = body.withUnsafeReadableBytes { JSONScanner($0).int(given) }
        // What is no number is the provider's to refuse; one beyond all numbers is too large as well.
        if let budget = reader, budget < limit { return }
        guard limit > Self.thinkingMin else { return self.leavesNoRoomToThink = true }
        let lowered = max(Self.thinkingMin, limit / 2)
        self.edits.append(Edit(range: given.range, text: ByteBuffer(string: "\(lowered)")))
        self.dropped.append("thinking.budget_tokens")
    }

    /// `thinking.budget_tokens`, where it is a number.
    private static func thinkingBudget(_ body: ByteBuffer) -> JSONSlice? {
        body.withUnsafeReadableBytes { bytes in
            let reader = JSONScanner(bytes)
            var found: JSONSlice?
            var members = JSONScanner(bytes)
            // The index was made of these bytes, so they are known to be an object.
            try? members.members(of: JSONNames("thinking")) { (_, member) throws(JSONError) in
                guard reader.kind(member.value) == .object else { return }
                var inner = JSONScanner(bytes, at: member.value)
                try inner.members(of: JSONNames("budget_tokens")) { (_, budget) throws(JSONError) in
                    if reader.kind(budget.value) == .number { found = budget.value }
                }
            }
            return found
        }
    }
}
