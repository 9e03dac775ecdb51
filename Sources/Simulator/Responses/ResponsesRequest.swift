/// A request to the Responses API that passed validation.
struct ResponsesRequest {
    /// The request itself, of which the answer repeats much.
    var body: JSONValue
    var prompt: Prompt
    var isStream = false
    var isStored = true
    var isBackground = false
    /// Whether the answer tells in a few words what was thought.
    var showsSummary = false
    /// Whether the answer carries its thoughts sealed.
    var sealsReasoning = false
    /// The items that were said to the model, those of earlier responses included.
    var items: [JSONValue] = []
}
