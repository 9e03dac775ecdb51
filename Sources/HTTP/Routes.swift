package import Auth
package import Chat
package import Providers
package import Wire

/// Who may call a route.
///
/// A row of the table cannot be written without one.
package enum RoutePolicy: Sendable, Equatable {
    /// Everybody.
    case open
    /// Holders of a key, which the road's `Authenticate` checks before the body is read.
    case road
    /// Holders of a key with these scopes.
    case key(KeyScopes)
    /// The machine itself, or holders of any key.
    case keyOrLoopback
    /// People with at least this role; where the path names a group, in that group, which for all others is as if it
    /// did not exist.
    case admin(Role)
}

/// What a route does.
package enum RouteAction: Sendable, Equatable {
    case page, health, readiness, metrics, openAPI, status, liveCalls
    case models, model
    case call(Operation, as: WireFormat = .openAIChat)
    case storedResponse(StoredResponseAction)
    case toolServer
    case session(SessionAction)
    case cancelKeyed
    case chat
    case admin(AdminAction)
}

/// One row of the API.
package struct RouteRow: Sendable {
    package let method: HTTPMethod
    /// The path; `{id}` at the end stands for all the rest, slashes included, any other name in braces for one segment.
    package let path: StaticString
    /// How the path is compared.
    let pattern: PathPattern
    package let policy: RoutePolicy
    package let action: RouteAction
    /// One sentence for the API's description.
    package let summary: String

    init(_ method: HTTPMethod, _ path: StaticString, _ policy: RoutePolicy, _ action: RouteAction, _ summary: String) {
        self.method = method
        self.path = path
        self.pattern = PathPattern(path)
        self.policy = policy
        self.action = action
        self.summary = summary
    }

    /// Whether it is served on the listener for administration alone, where there is one: everything under `/api/v1`
    /// but sessions, the figures, and the dashboard.
    var isAdministrative: Bool {
        let path = "\(self.path)"
        if path.hasPrefix("/api/v1/") { return !path.hasPrefix("/api/v1/sessions") }
        return path == "/metrics" || path.hasPrefix("/dashboard")
    }

    /// Whether nobody needs a key for it on the listener for administration.
    var isOpenToAdministrators: Bool { self.action == .metrics || self.action == .status }
}

/// The whole API in one table.
///
/// What is not here does not exist.
package enum Routes {
    package static let table: [RouteRow] =
        [
            RouteRow(.post, "/v1/chat/completions", .road, .call(.chat), "Chat with a model, streamed or whole."),
            RouteRow(
                .post,
                "/v1/responses",
                .road,
                .call(.chat, as: .openAIResponses),
                "Chat with a model, in items, streamed or whole."
            ),
            RouteRow(
                .get,
                "/v1/responses/{response}",
                .key(.inference),
                .storedResponse(.get),
                "An earlier answer of `/v1/responses`."
            ),
            RouteRow(
                .delete,
                "/v1/responses/{response}",
                .key(.inference),
                .storedResponse(.delete),
                "Forget an earlier answer."
            ),
            RouteRow(
                .post,
                "/v1/responses/{response}/cancel",
                .key(.inference),
                .storedResponse(.cancel),
                "End an answer in the background; there are none."
            ),
            RouteRow(
                .get,
                "/v1/responses/{response}/input_items",
                .key(.inference),
                .storedResponse(.inputItems),
                "What an earlier answer was made from, page by page."
            ),
            RouteRow(
                .post,
                "/v1/messages",
                .road,
                .call(.chat, as: .anthropic),
                "Chat with a model in Anthropic's dialect, streamed or whole."
            ),
            RouteRow(
                .post,
                "/v1/messages/count_tokens",
                .road,
                .call(.countTokens, as: .anthropic),
                "How many tokens such a request has."
            ),
            RouteRow(.post, "/v1/embeddings", .road, .call(.embeddings), "Turn texts into vectors."),
            RouteRow(.post, "/v1/moderations", .road, .call(.moderations), "Whether texts or images are harmful."),
            RouteRow(.post, "/v1/rerank", .road, .call(.rerank), "Order documents by how well they fit a query."),
            RouteRow(.post, "/v1/images/generations", .road, .call(.images), "Make images, streamed or whole."),
            RouteRow(.post, "/v1/images/edits", .road, .call(.imageEdits), "Change images, sent as a form."),
            RouteRow(.post, "/v1/images/variations", .road, .call(.imageVariations), "Vary an image, sent as a form."),
            RouteRow(.post, "/v1/audio/speech", .road, .call(.speech), "Speak a text; the sound comes as it is made."),
            RouteRow(
                .post,
                "/v1/audio/transcriptions",
                .road,
                .call(.transcriptions),
                "Write down speech, sent as a form with its model first."
            ),
            RouteRow(
                .post,
                "/v1/audio/translations",
                .road,
                .call(.translations),
                "Write down speech in English, sent as a form with its model first."
            ),
            RouteRow(.get, "/v1/models", .key(.inference), .models, "The models that this key may ask for."),
            RouteRow(.get, "/v1/models/{id}", .key(.inference), .model, "One model."),
            RouteRow(.get, "/", .open, .page, "A small page that says how to call."),
            RouteRow(.get, "/healthz", .open, .health, "Whether the process lives."),
            RouteRow(.get, "/readyz", .open, .readiness, "Whether calls can be served."),
            RouteRow(.get, "/openapi.json", .open, .openAPI, "This description."),
            RouteRow(.get, "/metrics", .keyOrLoopback, .metrics, "Figures for Prometheus."),
            RouteRow(.get, "/api/ai/status", .keyOrLoopback, .status, "How the providers are doing."),
            RouteRow(
                .get,
                "/api/v1/calls/live",
                .keyOrLoopback,
                .liveCalls,
                "Finished calls as they happen, as events."
            ),
        ] + toolServers + passThrough + administration + sessions

    /// Tool servers that are a part of the gateway, for clients of MCP.
    private static let toolServers: [RouteRow] = [
        RouteRow(.post, "/mcp/{server}", .key(.inference), .toolServer, "A message to a tool server, by MCP."),
        RouteRow(.get, "/mcp/{server}", .key(.inference), .toolServer, "A stream of a tool server; there is none."),
        RouteRow(.delete, "/mcp/{server}", .key(.inference), .toolServer, "End a session with a tool server."),
    ]

    /// A provider's own API, called with a gateway key.
    private static let passThrough = [HTTPMethod.get, .post, .put, .patch, .delete].map { method in
        RouteRow(
            method,
            "/p/{provider}/{rest}",
            .road,
            .call(.passThrough),
            "Whatever the provider has at this path, with the group's own credential and nothing changed."
        )
    }

    /// Where a model's name stands in a path.
    ///
    /// Names have slashes, and clients that build paths from parts escape them there (`a%2Fb`).
    private static let modelPrefix: StaticString = "/v1/models/"

    /// What a request leads to.
    package enum Match {
        /// `parameters` is what stands for the names in braces.
        case row(RouteRow, PathParameters)
        case methodNotAllowed(allowed: [HTTPMethod])
        case notFound
        case badTarget
    }

    /// Finds the row for a request.
    ///
    /// The path is compared as it was checked, byte by byte, so that nothing else can read it as another path (row 11).
    /// Only in a model's name does `%2F` stand for `/`, and there no part of it chooses the row.
    package static func find(_ method: HTTPMethod, target: UnsafeRawBufferPointer) -> Match {
        let path: UnsafeRawBufferPointer
        let start: Int
        do throws(HTTPParseError) {
            let parsed = try HTTPTarget.parse(target, method: method, slashEscapesBehind: Self.modelPrefix)
            path = UnsafeRawBufferPointer(rebasing: target[parsed.path])
            start = parsed.path.lowerBound
        } catch {
            return .badTarget
        }
        var allowed: [HTTPMethod] = []
        for row in Self.table {
            guard let parameters = row.pattern.match(path, at: start) else { continue }
            if row.method == method || (method == .head && row.method == .get) { return .row(row, parameters) }
            allowed.append(row.method)
        }
        if allowed.isEmpty { return method == .options && path.elementsEqual("*".utf8) ? Self.anyOptions : .notFound }
        return .methodNotAllowed(allowed: allowed)
    }

    private static let anyOptions = Match.methodNotAllowed(allowed: [.get, .post])

    /// The names in braces, in their order.
    package static func parameterNames(of path: StaticString) -> [String] {
        "\(path)".split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The dialect in which a path's errors are told.
    package static func dialect(ofPath path: some Sequence<UInt8>) -> Dialect {
        let start = Array(path.prefix(12))
        if start.elementsEqual("/v1/messages".utf8) { return .anthropic }
        return start.starts(with: "/v1/".utf8) || start.starts(with: "/p/".utf8) ? .openAI : .native
    }
}
