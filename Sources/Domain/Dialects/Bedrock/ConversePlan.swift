internal import Chat
internal import Core
internal import NIOCore

/// What of a request's wishes a model on Bedrock is told, and how: thinking, sampling, tools and the answer's form bind
/// each other, so they are decided together before anything is written.
struct ConversePlan {
    /// Which tools the model is shown.
    enum Tools: Equatable {
        case none
        /// The client's own.
        case given
        /// Those that the conversation has calls of: without definitions it is refused.
        case ofHistory
    }

    /// How the model learns which form its answer must have.
    enum Form: Equatable {
        case free
        /// By a field of its own.
        case schema(JSONSchemaFormat)
        /// As the arguments of a tool that is to be called; the readers of answers know it by its name.
        case tool(JSONSchemaFormat)
    }

    /// What `toolChoice` says.
    enum Choice: Equatable {
        case unsaid
        case any
        case named(JSONString)
        /// The answer's own tool.
        case answer
    }

    private(set) var maxTokens: Int?
    private(set) var temperature: JSONFragment?
    private(set) var topP: JSONFragment?
    private(set) var topK: JSONFragment?
    private(set) var tools = Tools.none
    private(set) var choice = Choice.unsaid
    private(set) var form = Form.free
    /// A sentence for the end of the instructions.
    private(set) var instruction: JSONString?
    /// Claude's thinking; nil for other models.
    private(set) var thinking: AnthropicThinkingPlan?
    /// How much another model is to think, for those that can be told.
    private(set) var effort: StaticString?
    private(set) var losses = Losses()

    private let model: ConverseModel

    init(_ request: ChatRequest, _ target: TargetTraits, _ model: ConverseModel) {
        self.model = model
        if model.isClaude {
            self.thinking = AnthropicThinkingPlan(request, target, model.claude, losses: &self.losses)
        } else {
            self.planEffort(request)
        }
        self.planTools(request)
        self.planForm(request)
        self.planLimit(request, target)
        self.planSampling(request)
        if self.thinking?.isThinking != true, self.effort == nil { self.losses.drop(request.reasoning.summary) }
    }

    private var isThinking: Bool { self.thinking?.isThinking == true }

    // MARK: - Limits and sampling

    private mutating func planLimit(_ request: ChatRequest, _ target: TargetTraits) {
        let given = request.maxOutputTokens
        if let thinking = self.thinking {
            var mustSay = given != nil || target.outputLimit != nil
            if case .enabled = thinking.mode { mustSay = true }
            self.maxTokens = mustSay ? thinking.maxTokens : nil
        } else if let limit = target.outputLimit {
            self.maxTokens = min(limit, given?.value ?? limit)
        } else {
            self.maxTokens = given?.value
        }
        // Bedrock's least; an answer of no tokens at all cannot be asked for.
        if let limit = self.maxTokens, limit < 1 {
            self.maxTokens = 1
            self.losses.drop(given)
        }
        // Nova thinks hard only where nobody limits it.
        if self.model.maker == .nova2, self.maxTokens != nil, self.effort?.isHigh == true { self.effort = "medium" }
    }

    private mutating func planSampling(_ request: ChatRequest) {
        let takesAny = !self.model.isClaude || self.model.claude.takesSampling
        if let given = request.temperature {
            let value = given.value.double ?? 1
            if !takesAny || (self.isThinking && value != 1) {
                self.losses.drop(given)
            } else if !self.isThinking {
                // OpenAI's range goes up to 2, Bedrock's up to 1.
                self.temperature = value > 1 ? JSONFragment(literal: "1") : given.value
                if value > 1 { self.losses.drop(given) }
            }
        }
        if let given = request.topP {
            let isBound = self.isThinking && (given.value.double ?? 1) < 0.95
            let isSecond = self.model.isClaude && self.temperature != nil && !self.model.claude.takesBothSamplings
            if !takesAny || isBound || isSecond { self.losses.drop(given) } else { self.topP = given.value }
        }
        if let given = request.topK {
            switch self.model.maker {
            case .anthropic where takesAny && !self.isThinking: self.topK = given.value
            case .nova, .nova2, .mistral, .cohere: self.topK = given.value
            default: self.losses.drop(given)
            }
        }
    }

    // MARK: - Thinking of other models than Claude

    private mutating func planEffort(_ request: ChatRequest) {
        let wish = request.reasoning
        guard !wish.isEmpty else { return }
        guard self.model.maker == .openAI || self.model.maker == .nova2 else {
            if wish.isWanted { AnthropicThinkingPlan.drop(wish, &self.losses) }
            return
        }
        guard wish.isWanted else { return }
        let effort = wish.effort?.value ?? wish.budget.map { ReasoningWish.Effort(budget: $0.value) } ?? .medium
        self.effort =
            switch effort {
            case .none, .minimal, .low: "low"
            case .medium: "medium"
            case .high, .xhigh, .max: "high"
            }
        // How much it is to think becomes a word; the number is lost.
        self.losses.drop(wish.budget)
    }

    // MARK: - Tools

    private mutating func planTools(_ request: ChatRequest) {
        let functions = request.tools.filter { $0.kind == .function }
        for tool in request.tools where tool.kind != .function { self.losses.drop(at: tool.place) }
        let hasHistory = request.messages.contains { $0.parts.contains(where: \.isToolBlock) }
        let isForbidden = request.toolChoice?.value == ToolChoice.none
        if functions.isEmpty {
            self.tools = hasHistory ? .ofHistory : .none
        } else {
            // Without a word for none, the tools are not shown at all.
            self.tools = isForbidden && !hasHistory ? .none : .given
        }
        switch request.toolChoice?.value {
        case .auto, nil: break
        case ToolChoice.none?:
            if self.tools == .given { self.losses.drop(request.toolChoice) }
        case .required: self.demand(.any, request, functions)
        case .named(let name): self.demand(.named(name), request, functions)
        case .other: self.losses.drop(request.toolChoice)
        }
    }

    private mutating func demand(_ choice: Choice, _ request: ChatRequest, _ functions: [ToolDefinition]) {
        guard !functions.isEmpty, self.model.takesForcedTool, self.makeRoom(request) else {
            return self.losses.drop(request.toolChoice)
        }
        self.choice = choice
    }

    /// Turns thinking off where it stands against a tool that must be called.
    private mutating func makeRoom(_ request: ChatRequest) -> Bool {
        guard var thinking = self.thinking else { return true }
        let hasRoom = thinking.makeRoomForForcedTool(request.reasoning, self.model.claude, &self.losses)
        self.thinking = thinking
        return hasRoom
    }

    // MARK: - The answer's form

    private mutating func planForm(_ request: ChatRequest) {
        guard let wanted = request.responseFormat else { return }
        let format: JSONSchemaFormat
        switch wanted.value {
        case .text: return
        case .jsonObject: format = JSONSchemaFormat(schema: nil)
        case .jsonSchema(let schema): format = schema
        }
        // A tool must be called: there will be no text.
        guard self.choice == .unsaid else { return self.losses.drop(wanted) }
        guard let schema = format.schema else {
            self.instruction = wanted.value.instruction
            return self.losses.emulate(at: wanted.place)
        }
        if self.model.takesOutputFormat {
            // The rules for schemas are those of Anthropic's own API.
            var restricted = format
            var isLossless = true
            restricted.schema = AnthropicSchema.restricted(schema, &isLossless)
            if !isLossless { self.losses.drop(wanted) }
            self.form = .schema(restricted)
            return
        }
        self.losses.emulate(at: wanted.place)
        if self.model.takesForcedTool, !self.isThinking, self.makeRoom(request) {
            self.form = .tool(format)
            self.choice = self.tools == .none ? .answer : .any
        } else {
            self.instruction = wanted.value.instruction
        }
    }
}

extension ContentPart {
    /// Whether it is a call of a tool or what came of one.
    fileprivate var isToolBlock: Bool {
        switch self.content {
        case .toolCall, .toolResult: true
        default: false
        }
    }
}

extension StaticString {
    fileprivate var isHigh: Bool { self.utf8CodeUnitCount == 4 }
}

extension Losses {
    /// Notes what others lost too.
    mutating func take(_ others: Losses) {
        for place in others.places { self.drop(at: place) }
        for place in others.emulated { self.emulate(at: place) }
    }
}
