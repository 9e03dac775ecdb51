/// The wire dialects that clients speak to Turnpike; it decides the shape of errors, heartbeats and stream ends.
package enum Dialect: UInt8, Sendable, CaseIterable {
    /// Turnpike's own `/api/v1`, camelCase.
    case native
    /// OpenAI's API and everything compatible with it.
    case openAI
    /// Anthropic's Messages API.
    case anthropic
}
