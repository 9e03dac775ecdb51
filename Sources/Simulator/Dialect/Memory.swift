/// What the simulator remembers from call to call, as providers do: shared by all connections, gone with the process.
final class Memory: Sendable {
    /// Beginnings of prompts that clients have asked to be kept.
    let prompts = PromptCache()
    /// Answers that clients may come back to.
    let responses = StoredResponses()

    init() {}
}
