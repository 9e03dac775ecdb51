internal import Chat
internal import Core
internal import NIOCore

/// How a model is held to the form that the answer must have.
struct AnthropicOutputForm {
    /// The tool whose arguments are the answer, for models that know no form of answers.
    ///
    /// Reserved: readers of answers turn calls of it into text.
    static let toolName: StaticString = "turnpike_answer"

    private enum Means {
        case none
        /// `output_config.format`.
        case native(JSONFragment)
        /// A tool with these arguments that has to be called.
        case tool(JSONFragment)
        /// A sentence in the instructions.
        case words
    }

    private let means: Means

    /// The schema for `output_config.format`.
    var nativeSchema: JSONFragment? { if case .native(let schema) = self.means { schema } else { nil } }
    /// The arguments of the tool that stands for the answer.
    var toolSchema: JSONFragment? { if case .tool(let schema) = self.means { schema } else { nil } }
    /// What is added to the instructions.
    var words: StaticString? {
        if case .words = self.means { "Answer with one JSON object and nothing else." } else { nil }
    }

    /// As a client of this dialect said it.
    init(own request: ChatRequest) {
        if case .jsonSchema(let format)? = request.responseFormat?.value, let schema = format.schema {
            self.means = .native(schema)
        } else {
            self.means = .none
        }
    }

    /// As a client of another dialect means it.
    init(
        _ request: ChatRequest,
        _ model: AnthropicModel,
        _ plan: inout AnthropicThinkingPlan,
        _ losses: inout Losses
    ) {
        guard let given = request.responseFormat, given.value != .text else {
            self.means = .none
            return
        }
        var schema = JSONFragment(literal: "{\"type\":\"object\"}")
        if case .jsonSchema(let format) = given.value, let wanted = format.schema {
            if model.takesOutputFormat {
                var isLossless = true
                self.means = .native(AnthropicSchema.restricted(wanted, &isLossless))
                if !isLossless { losses.drop(given) }
                return
            }
            schema = AnthropicSchema.objectSchema(wanted)
        }
        // A tool that the client forces is its answer already; and thinking and force exclude each other.
        if case .named? = request.toolChoice?.value {
            self.means = .none
            losses.drop(given)
        } else if plan.isThinking || !plan.makeRoomForForcedTool(request.reasoning, model, &losses) {
            self.means = .words
            losses.drop(given)
        } else {
            self.means = .tool(schema)
            losses.emulate(at: given.place)
        }
    }
}
