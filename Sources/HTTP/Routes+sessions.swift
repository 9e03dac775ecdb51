internal import Auth
internal import Wire

extension Routes {
    /// Conversations, and what is said in them.
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
        RouteRow(
            .post,
            "/api/v1/sessions/{session}/messages",
            .key(.inference),
            .session(.post),
            "Say something in a session, and be answered, in events or whole."
        ),
        RouteRow(
            .get,
            "/api/v1/sessions/{session}/stream",
            .key(.inference),
            .session(.stream),
            "Follow the answer that is under way, from the event after `Last-Event-ID` on."
        ),
        RouteRow(
            .post,
            "/api/v1/sessions/{session}/cancel",
            .key(.inference),
            .session(.cancel),
            "End the answer that is under way; what it said so far stays."
        ),
        RouteRow(
            .post,
            "/api/v1/requests/cancel",
            .key(.inference),
            .cancelKeyed,
            "End the answer under way whose request had this `Idempotency-Key`."
        ),
        RouteRow(
            .post,
            "/api/chat",
            .key(.inference),
            .chat,
            "A message in, a reply out, in one conversation; a fixed text where no provider answers."
        ),
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
