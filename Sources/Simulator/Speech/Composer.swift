/// Makes up the answer to a prompt, in whatever dialect it came: the same prompt always gets the same words.
struct Composer {
    private let prompt: Prompt
    private let behaviour: Behaviour
    private let sequence: Int

    /// The answer to `prompt`, under `behaviour`.
    ///
    /// `sequence` goes into the ids, `created` is in seconds since 1970.
    static func completion(
        for prompt: Prompt,
        behaviour: Behaviour,
        sequence: Int,
        created: Int
    ) -> Completion {
        let composer = Composer(prompt: prompt, behaviour: behaviour, sequence: sequence)
        let choices = (0..<prompt.choices).map { composer.choice($0) }
        let reasoning = composer.reasoningTokens * prompt.choices
        let tokens = prompt.tokens
        let written = choices.reduce(0) { sum, choice in
            // Reasoning parts are the visible form of the reasoning tokens, not more of them.
            sum + choice.parts.filter { $0.kind != .reasoning }.reduce(0) { $0 + $1.tokens }
        }
        return Completion(
            sequence: sequence,
            created: created,
            model: prompt.model,
            choices: choices,
            usage: Usage(
                prompt: tokens,
                completion: written + reasoning,
                cached: min(behaviour.cachedTokens ?? prompt.cacheReadTokens, tokens),
                cacheWritten: behaviour.cachedTokens == nil ? min(prompt.cacheWriteTokens, tokens) : 0,
                reasoning: reasoning
            )
        )
    }

    /// Hidden thinking before each choice.
    ///
    /// The model `sim-reasoner` thinks a little even when not told to.
    private var reasoningTokens: Int {
        if let count = self.behaviour.reasoningTokens { return count }
        switch self.prompt.thinking {
        case .on: return 24
        case .off: return 0
        case .asTheModelDoes: return self.prompt.model == "sim-reasoner" ? 24 : 0
        }
    }

    private func choice(_ index: Int) -> Completion.Choice {
        var choice = self.spokenChoice(index)
        if let limit = self.prompt.tokenLimit { Self.cut(&choice, to: limit - self.reasoningTokens) }
        if let finish = self.behaviour.finishReason { choice.finish = finish }
        if self.reasoningTokens > 0 {
            let thought = "I am a simulator and need not think, but this is how it looks when a model does."
            choice.parts.insert(.init(kind: .reasoning, pieces: .list(Tokenizer.tokens(of: thought))), at: 0)
        }
        return choice
    }

    private func spokenChoice(_ index: Int) -> Completion.Choice {
        if self.behaviour.isEmpty { return self.text("") }
        if self.behaviour.isRefusal {
            let words = "I'm sorry, but the simulator was told to refuse this."
            return .init(parts: [.init(kind: .refusal, pieces: .list(Tokenizer.tokens(of: words)))], finish: "stop")
        }
        if let text = self.behaviour.text { return self.text(text) }
        if self.behaviour.speaksUnicode { return self.text(Wording.unicode) }
        if let filler = self.filler {
            return .init(parts: [.init(kind: .text, pieces: filler)], finish: "stop")
        }
        if let answer = self.prompt.answer { return self.text(answer) }
        if self.callsTools { return self.toolCalls(index) }
        switch self.prompt.format {
        case .text:
            return self.text(Wording.answer(to: self.prompt, choice: index))
        case .jsonObject:
            let question = String(self.prompt.lastText(.user).prefix(200))
            return self.text(
                JSONValue.object([
                    .init("answer", .string("This is the simulator's JSON object.")),
                    .init("question", .string(question)),
                ]).text
            )
        case .schema(let schema):
            return self.text(SchemaFiller.instance(of: schema).text)
        }
    }

    private func text(_ text: String) -> Completion.Choice {
        let (said, stop) = self.stopped(text)
        let parts = [Completion.Part(kind: .text, pieces: .list(Tokenizer.tokens(of: said)))]
        return .init(parts: parts, finish: "stop", stopSequence: stop)
    }

    /// Cuts before the first stop sequence, and says which it was.
    private func stopped(_ text: String) -> (said: String, stop: String?) {
        let ends = self.prompt.stops.compactMap { stop in
            text.firstRange(of: stop).map { (at: $0.lowerBound, stop: stop) }
        }
        guard let end = ends.min(by: { $0.at < $1.at }) else { return (text, nil) }
        return (String(text[..<end.at]), end.stop)
    }

    private var filler: Pieces? {
        let isAskedFor =
            self.behaviour.chunks != nil || self.behaviour.eventBytes != nil
            || self.behaviour.textBytes != nil || self.behaviour.isEndless
        guard isAskedFor else { return nil }
        return .filler(
            bytes: self.behaviour.textBytes ?? self.behaviour.eventBytes ?? 16,
            count: self.behaviour.isEndless ? 1 << 40 : self.behaviour.chunks ?? 32,
            tokensEach: self.behaviour.tokensPerChunk ?? 1
        )
    }

    // MARK: - Tools

    private var callsTools: Bool {
        guard !self.prompt.tools.isEmpty, self.prompt.toolChoice != .none, self.behaviour.toolCalls != 0 else {
            return false
        }
        return self.prompt.lastRole == .user || self.prompt.toolChoice != .auto
    }

    private func toolCalls(_ choice: Int) -> Completion.Choice {
        let tools = self.calledTools
        let parts = tools.enumerated().map { index, tool in
            Completion.Part(
                kind: .tool(
                    index: index,
                    id: "call_sim\(self.sequence)x\(choice)x\(index)",
                    name: tool.name,
                    isCustom: tool.parameters == nil
                ),
                pieces: .list(Tokenizer.tokens(of: self.arguments(of: tool)))
            )
        }
        return .init(parts: parts, finish: "tool_calls")
    }

    /// One tool, or several if the client asks for parallel calls in so many words.
    private var calledTools: [Prompt.Tool] {
        let tools = self.prompt.tools
        if case .named(let name) = self.prompt.toolChoice {
            let forced = tools.filter { $0.name == name }.prefix(1)
            return Array(repeatElement(forced, count: max(1, self.behaviour.toolCalls ?? 1)).joined())
        }
        let isParallel = self.prompt.wantsParallelTools == true
        let count = self.behaviour.toolCalls ?? (isParallel ? max(2, min(tools.count, 4)) : 1)
        return (0..<count).map { tools[$0 % tools.count] }
    }

    private func arguments(of tool: Prompt.Tool) -> String {
        guard let schema = tool.parameters else { return "What was asked: \(self.prompt.lastText(.user))" }
        let text = SchemaFiller.instance(of: schema).text
        return self.behaviour.breaksToolArguments ? String(text.dropLast()) : text
    }

    // MARK: - Limits

    /// Shortens a choice to `limit` tokens and says so.
    private static func cut(_ choice: inout Completion.Choice, to limit: Int) {
        var left = max(0, limit)
        var kept: [Completion.Part] = []
        for part in choice.parts {
            guard part.tokens > left else {
                left -= part.tokens
                kept.append(part)
                continue
            }
            choice.finish = "length"
            choice.stopSequence = nil
            // A call that is cut inside its name would name another tool: leave it out.
            if left > part.openingTokens || part.openingTokens == 0 {
                kept.append(.init(kind: part.kind, pieces: part.pieces.prefix(tokens: left - part.openingTokens)))
            }
            break
        }
        choice.parts = kept
    }
}
