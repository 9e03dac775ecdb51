/// Writes usage as the chat API tells it.
enum ChatUsage {
    /// The `usage` object.
    ///
    /// Nil where a fault leaves it out.
    static func json(_ usage: Usage, _ flavour: Flavour, _ behaviour: Behaviour) -> String? {
        let told: ToldUsage.Numbers
        switch usage.told(behaviour) {
        case .nothing: return nil
        case .null: return "null"
        case .numbers(let numbers): told = numbers
        }
        var text = #"{"prompt_tokens":\#(told.text(told.prompt)),"completion_tokens":\#(told.text(told.completion))"#
        text += #","total_tokens":\#(told.text(told.total))"#
        switch flavour {
        case .openAI, .azure:
            text += #","prompt_tokens_details":{"cached_tokens":\#(told.cached),"audio_tokens":0}"#
            text += #","completion_tokens_details":{"reasoning_tokens":\#(told.reasoning),"audio_tokens":0"#
            text += #","accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
        case .openRouter:
            text += #","cost":\#(behaviour.cost ?? usage.cost),"is_byok":false"#
            text += #","prompt_tokens_details":{"cached_tokens":\#(told.cached)}"#
            text += #","cost_details":{"upstream_inference_cost":null}"#
            text += #","completion_tokens_details":{"reasoning_tokens":\#(told.reasoning)}}"#
        }
        return text
    }
}
