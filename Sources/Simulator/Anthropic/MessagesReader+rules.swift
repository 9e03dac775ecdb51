/// Rules that hold between blocks: tools and their results, thoughts and their signatures, marks for the cache.
extension MessagesReader {
    // MARK: - Tools

    /// Every tool that was called must have its result in the very next message, and every result its call in the
    /// message before.
    func checkToolPairs(_ messages: [JSONValue]) throws(APIFailure) {
        var open: [String] = []
        var hasToolBlocks = false
        for (index, message) in messages.enumerated() {
            let blocks = message["content"]?.array ?? []
            let results = blocks.enumerated().filter { $0.element["type"]?.string == "tool_result" }
            for (place, result) in results {
                let id = result["tool_use_id"]?.string ?? ""
                guard open.contains(id) else {
                    throw .anthropic(
                        "messages.\(index).content.\(place): unexpected `tool_use_id` found in `tool_result` blocks:"
                            + " \(id). Each `tool_result` block must have a corresponding `tool_use` block in the"
                            + " previous message."
                    )
                }
                hasToolBlocks = true
            }
            try Self.checkAnswered(open, by: results.map(\.element), at: index - 1)
            // Whatever else the message says comes behind the results.
            if let last = results.last, last.offset != results.count - 1 {
                throw .anthropic(
                    "messages.\(index - 1): `tool_use` ids were found without `tool_result` blocks immediately after:"
                        + " \(last.element["tool_use_id"]?.string ?? "")."
                )
            }
            open = blocks.filter { $0["type"]?.string == "tool_use" }.compactMap { $0["id"]?.string }
            guard Set(open).count == open.count else {
                throw .anthropic("messages.\(index): `tool_use` ids must be unique")
            }
            if !open.isEmpty { hasToolBlocks = true }
        }
        try Self.checkAnswered(open, by: [], at: messages.count - 1)
        if hasToolBlocks, self.body.present("tools")?.array?.isEmpty != false {
            throw .anthropic("Requests which include `tool_use` or `tool_result` blocks must define tools")
        }
    }

    private static func checkAnswered(
        _ open: [String],
        by results: [JSONValue],
        at index: Int
    ) throws(APIFailure) {
        let answered = results.compactMap { $0["tool_use_id"]?.string }
        let missing = open.filter { !answered.contains($0) }
        guard missing.isEmpty else {
            throw .anthropic(
                "messages.\(index): `tool_use` ids were found without `tool_result` blocks immediately after:"
                    + " \(missing.joined(separator: ", ")). Each `tool_use` block must have a corresponding"
                    + " `tool_result` block in the next message."
            )
        }
        guard Set(answered).count == answered.count else {
            throw .anthropic("messages.\(index + 1): each tool_use must have a single result.")
        }
    }

    // MARK: - Thoughts

    func checkThought(_ block: JSONValue, at path: JSONPath) throws(APIFailure) {
        try block.refuseOthers(than: ["type", "thinking", "signature"], at: path["thinking"])
        let thought = try block.requiredText("thinking", at: path["thinking"])
        let signature = try block.requiredText("signature", at: path["thinking"])
        guard signature == ThinkingSignature.of(thought) else {
            throw path.wrong("Invalid `signature` in `thinking` block")
        }
    }

    /// With thinking on, the turn that the last tool results belong to must begin with its thought.
    func checkThoughtBeforeTools() throws(APIFailure) {
        let messages = self.body["messages"]?.array ?? []
        guard let last = messages.lastIndex(where: { $0["role"]?.string == "assistant" }),
            let blocks = messages[last]["content"]?.array,
            blocks.contains(where: { $0["type"]?.string == "tool_use" }),
            let first = blocks.first?["type"]?.string, first != "thinking", first != "redacted_thinking"
        else { return }
        throw .anthropic(
            "messages.\(last).content.0.type: Expected `thinking` or `redacted_thinking`, but found `\(first)`. When"
                + " `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the"
                + " lastmost set of `tool_use` and `tool_result` blocks)."
        )
    }

    // MARK: - The cache

    /// Passes a block on the way through the prompt, so that the cache can tell what stands before each mark.
    mutating func pass(_ block: JSONValue, role: String = "", tokens: Int) {
        var members = block.members ?? [.init("type", .string("text")), .init("text", block)]
        members.removeAll { $0.key == "cache_control" }
        let text = "\(role)\u{0}\(JSONValue.object(members).text)\u{0}"
        for byte in text.utf8 {
            self.prefix.fingerprint = (self.prefix.fingerprint ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        self.prefix.tokens += tokens
        let mark = block.present("cache_control")
        self.request.breakpoints.append(
            .init(
                fingerprint: self.prefix.fingerprint,
                tokens: self.prefix.tokens,
                isMarked: mark != nil,
                isLong: mark?["ttl"]?.string == "1h"
            )
        )
    }

    /// Checks the cache mark of something that may have one.
    mutating func checkMark(_ owner: JSONValue, at path: JSONPath?) throws(APIFailure) {
        guard let mark = owner.present("cache_control") else { return }
        let place = path.map { $0["cache_control"] } ?? JSONPath("cache_control")
        guard mark["type"]?.string == "ephemeral" else { throw place["type"].wrong("Input should be 'ephemeral'") }
        try mark.refuseOthers(than: ["type", "ttl"], at: place["ephemeral"])
        if let time = mark.present("ttl"), time.string != "5m", time.string != "1h" {
            throw place["ephemeral"]["ttl"].wrong("Input should be '5m' or '1h'")
        }
        self.marks += 1
        guard self.marks <= 4 else {
            throw .anthropic("A maximum of 4 blocks with cache_control may be provided. Found \(self.marks).")
        }
    }
}
