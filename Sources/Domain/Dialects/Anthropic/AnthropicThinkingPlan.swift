internal import Chat
internal import Core

/// How a request from another dialect is told to think, and how much it may say.
///
/// Anthropic's rules: a budget of 1,024 tokens at least and less than `max_tokens`; no tool may be forced; at a turn
/// that goes on after results of tools the turn before must begin with its signed thoughts, unless the model decides by
/// itself how long to think.
struct AnthropicThinkingPlan {
    enum Mode: Equatable {
        /// Nothing is said.
        case unsaid
        case disabled
        case enabled(budget: Int)
        case adaptive
    }

    static let budgetMin = 1_024
    /// What is left for the answer where the client set no limit, and nobody knows the model's.
    static let answerTokens = 4_096

    private(set) var mode = Mode.unsaid
    private(set) var effort: ReasoningWish.Effort?
    private(set) var maxTokens: Int

    /// Whether thoughts come before the answer, so that sampling and choices of tools are bound.
    var isThinking: Bool {
        switch self.mode {
        case .unsaid, .disabled: false
        case .enabled, .adaptive: true
        }
    }

    /// What a client of this dialect said, as it said it, as far as it can be paid for.
    init(_ request: ChatRequest, _ target: TargetTraits, losses: inout Losses) {
        let wish = request.reasoning
        self.maxTokens = request.maxOutputTokens?.value ?? target.outputTokensMax ?? Self.answerTokens
        self.effort = wish.effort?.value
        if wish.isAdaptive?.value == true {
            self.mode = .adaptive
        } else if let isOn = wish.isOn?.value {
            self.mode = isOn ? .enabled(budget: wish.budget?.value ?? Self.budgetMin) : .disabled
        }
        if let limit = target.outputLimit { self.limit(to: limit, wish, &losses) }
    }

    /// What a client of another dialect wants, in Anthropic's words.
    init(_ request: ChatRequest, _ target: TargetTraits, _ model: AnthropicModel, losses: inout Losses) {
        let wish = request.reasoning
        self.maxTokens = request.maxOutputTokens?.value ?? target.outputTokensMax ?? Self.answerTokens
        if wish.isEmpty {
            // The model's own way.
        } else if !wish.isWanted {
            self.stop(wish, model, losses: &losses)
        } else if !model.canThink || Self.lacksSignedThoughts(request, model) {
            Self.drop(wish, &losses)
            if model.thinksByDefault, model.canStopThinking { self.mode = .disabled }
        } else if model.takesBudget, wish.budget != nil || !model.takesAdaptive {
            self.enable(wish, request, target, &losses)
        } else {
            self.mode = .adaptive
            self.setEffort(wish.effort?.value ?? wish.budget.map { ReasoningWish.Effort(budget: $0.value) }, model)
            // How much it is to think becomes a word; the number is lost.
            losses.drop(wish.budget)
        }
        if let limit = target.outputLimit { self.limit(to: limit, wish, &losses) }
    }

    /// Turns thinking off for a tool that must be called.
    ///
    /// - Returns: Whether the tool may be forced.
    mutating func makeRoomForForcedTool(
        _ wish: ReasoningWish,
        _ model: AnthropicModel,
        _ losses: inout Losses
    ) -> Bool {
        guard self.isThinking || (model.thinksByDefault && self.mode != .disabled) else { return true }
        guard model.canStopThinking else { return false }
        if self.isThinking { Self.drop(wish, &losses) }
        self.mode = model.thinksByDefault ? .disabled : .unsaid
        if let effort, effort > .high { self.effort = .high }
        return true
    }

    private mutating func stop(_ wish: ReasoningWish, _ model: AnthropicModel, losses: inout Losses) {
        if model.thinksByDefault {
            if model.canStopThinking {
                self.mode = .disabled
            } else {
                self.effort = .low
                Self.drop(wish, &losses)
            }
        }
        if let effort = wish.effort?.value, effort != .none { self.setEffort(min(effort, .high), model) }
    }

    private mutating func enable(
        _ wish: ReasoningWish,
        _ request: ChatRequest,
        _ target: TargetTraits,
        _ losses: inout Losses
    ) {
        let wanted = max(Self.budgetMin, wish.budget?.value ?? wish.effort?.value.budget ?? 8_192)
        var budget = wanted
        if request.maxOutputTokens != nil || target.outputTokensMax != nil {
            // Something must be left to say the answer with.
            let room = request.maxOutputTokens != nil && wish.budget != nil ? self.maxTokens - 1 : self.maxTokens / 2
            budget = min(wanted, max(Self.budgetMin, room))
        } else {
            self.maxTokens = wanted.saturatingAdd(Self.answerTokens)
        }
        guard budget < self.maxTokens else { return Self.drop(wish, &losses) }
        if let given = wish.budget, given.value != budget { losses.drop(given) }
        self.mode = .enabled(budget: budget)
    }

    /// Keeps both numbers under what can be paid for.
    private mutating func limit(to limit: Int, _ wish: ReasoningWish, _ losses: inout Losses) {
        guard limit < self.maxTokens else { return }
        self.maxTokens = max(1, limit)
        guard case .enabled(let budget) = self.mode, budget >= self.maxTokens else { return }
        losses.drop(wish.budget)
        if self.maxTokens > Self.budgetMin {
            self.mode = .enabled(budget: max(Self.budgetMin, self.maxTokens / 2))
        } else {
            Self.drop(wish, &losses)
            self.mode = .unsaid
        }
    }

    private mutating func setEffort(_ effort: ReasoningWish.Effort?, _ model: AnthropicModel) {
        guard let effort, model.takesEffort else { return }
        switch effort {
        case .none, .minimal: self.effort = .low
        case .xhigh where !model.takesExtraHighEffort: self.effort = model.effortMax
        default: self.effort = min(effort, model.effortMax)
        }
    }

    /// Whether the last turn called tools without signed thoughts before it, which no client of another dialect can
    /// give back unless its dialect has a place for them.
    private static func lacksSignedThoughts(_ request: ChatRequest, _ model: AnthropicModel) -> Bool {
        guard !model.takesAdaptive else { return false }
        guard let last = request.messages.lastIndex(where: { $0.role == .assistant }) else { return false }
        let isAnswered = request.messages[(last + 1)...].contains { $0.role == .user && $0.answersTools }
        let isLast = !request.messages[(last + 1)...].contains { $0.role == .user }
        guard isAnswered || isLast else { return false }
        guard case .thinking(let thinking)? = request.messages[last].parts.first?.content else { return true }
        return !thinking.isSigned
    }

    static func drop(_ wish: ReasoningWish, _ losses: inout Losses) {
        losses.drop(wish.effort)
        losses.drop(wish.budget)
        losses.drop(wish.isOn)
        losses.drop(wish.isAdaptive)
    }
}

extension ChatMessage {
    /// Whether results of tools are among its parts.
    var answersTools: Bool {
        self.parts.contains { if case .toolResult = $0.content { true } else { false } }
    }
}

extension Thinking {
    /// Whether they are Claude's own thoughts, which it takes back: a signature is good at all its hosts.
    var isSigned: Bool {
        (self.format == .anthropic || self.format == .bedrock) && (self.signature != nil || self.redacted != nil)
    }
}

extension Int {
    fileprivate func saturatingAdd(_ other: Int) -> Int {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
