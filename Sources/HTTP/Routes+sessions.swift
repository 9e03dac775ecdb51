internal import Auth
internal import Wire

extension Routes {
    /// Conversations.
    ///
    /// For everybody with a key: which sessions there are for whom is decided where they are looked up. Served on both
    /// listeners.
    static let sessions: [RouteRow] = [
        row(.get, "/api/v1/sessions", .listSessions, "Sessions, the newest first; one's own unless asked."),
        row(.post, "/api/v1/sessions", .createSession, "Begin a session."),
        row(.get, "/api/v1/sessions/{session}", .getSession, "One session."),
        row(.patch, "/api/v1/sessions/{session}", .updateSession, "Change what a session says of itself."),
        row(.delete, "/api/v1/sessions/{session}", .deleteSession, "Delete a session and all its messages."),
        row(.get, "/api/v1/sessions/{session}/messages", .listMessages, "What was said, by number."),
        row(.post, "/api/v1/sessions/{session}/fork", .forkSession, "A new session with the messages up to one."),
    ]

    private static func row(
        _ method: HTTPMethod,
        _ path: StaticString,
        _ action: AdminAction,
        _ summary: String
    ) -> RouteRow {
        RouteRow(method, path, .admin(.member), .admin(action), summary)
    }
}
