internal import Auth
internal import Chat
package import Core
internal import Database
package import NIOCore
package import Operations
package import Wire

/// A request to the administrative API, however it came.
package struct AdminRequest: Sendable {
    package var method: HTTPMethod
    /// The path with its query, as in a request's first line.
    package var target: String
    /// The JSON body; nil for none.
    package var body: JSONValue?

    package init(_ method: HTTPMethod, _ target: String, body: JSONValue? = nil) {
        self.method = method
        self.target = target
        self.body = body
    }
}

/// An answer of the administrative API.
package struct AdminAnswer: Sendable {
    package var status: Int
    /// The new object's path; nil if none was made.
    package var location: String?
    /// The body; nil for none.
    ///
    /// A failure's has the native shape of errors.
    package var json: JSONValue?
    /// The body as it is to be sent, in place of `json`, where what was stored must come back byte for byte.
    package var bytes: ByteBuffer?
    /// What went wrong, with its cause for the log; nil if nothing did.
    package var failure: GatewayError?
}

/// The administrative API without a transport: the gateway feeds it what comes over HTTP, and commands call it in the
/// process where no gateway runs.
package struct AdminAPI: Sendable {
    /// The most that a body may have, in bytes.
    package static let bodyBytesMax = 1_000_000

    package let administration: Administration

    package init(_ administration: Administration) { self.administration = administration }

    /// What an action works with.
    struct Context: Sendable {
        let actor: Actor
        let path: [String: String]
        let query: Body
        let body: Body
        let now: UnixTime

        var group: GroupID { GroupID(self.path["group"] ?? "") }
        var user: UserID { UserID(self.path["user"] ?? "") }
        var key: GatewayKeyID { GatewayKeyID(self.path["key"] ?? "") }
        var credential: String { self.path["credential"] ?? "" }
        var budget: String { self.path["budget"] ?? "" }
        var session: String { self.path["session"] ?? "" }
        var agent: String { self.path["agent"] ?? "" }

        func page() throws(GatewayError) -> PageRequest {
            do throws(PageError) {
                return try PageRequest(limit: self.query.whole("limit"), cursor: self.query.text("cursor"))
            } catch {
                throw GatewayError(administration: error, isChange: false)
            }
        }

        var limit: Int { self.query.whole("limit") ?? PageRequest.standardLimit }
    }

    /// Answers a request, by the same table of routes that HTTP has.
    ///
    /// Waits for the store. Never fails: what goes wrong is in the answer.
    package func answer(_ request: AdminRequest, by actor: Actor, requestID: RequestID) async -> AdminAnswer {
        do {
            let found = try ByteBuffer(string: request.target).withBytes { bytes throws(GatewayError) in
                try Self.find(request.method, bytes)
            }
            var answer = try await self.answer(found, body: request.body, by: actor)
            if let bytes = answer.bytes { answer.json = try? JSONValue.parse(bytes) }
            return answer
        } catch {
            return Self.answer(error, requestID)
        }
    }

    /// A request that was found in the table.
    struct Found: Sendable {
        let action: AdminAction
        let minimum: Role
        let path: [String: String]
        let query: [(name: String, value: String)]
    }

    /// Finds the row and takes the target apart.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`, `METHOD_NOT_ALLOWED` or `INVALID_REQUEST`.
    static func find(_ method: HTTPMethod, _ target: UnsafeRawBufferPointer) throws(GatewayError) -> Found {
        switch Routes.find(method, target: target) {
        case .row(let row, let parameters):
            guard case .admin(let minimum) = row.policy, case .admin(let action) = row.action else {
                throw GatewayError(.notFound, "There is nothing at this path.")
            }
            return try Self.found(row, action, minimum, parameters, target)
        case .methodNotAllowed(let allowed):
            let names = allowed.map { "\($0.text)" }.joined(separator: ", ")
            throw GatewayError(.methodNotAllowed, "This path takes \(names).")
        case .notFound:
            throw GatewayError(.notFound, "There is nothing at this path.")
        case .badTarget:
            throw GatewayError(.invalidRequest, "The request's target is not a valid path.")
        }
    }

    static func found(
        _ row: RouteRow,
        _ action: AdminAction,
        _ minimum: Role,
        _ parameters: PathParameters,
        _ target: UnsafeRawBufferPointer
    ) throws(GatewayError) -> Found {
        var path: [String: String] = [:]
        for (name, range) in zip(Routes.parameterNames(of: row.path), parameters.ranges) {
            guard let text = HTTPTarget.decoded(target[range]) else {
                throw GatewayError(.invalidRequest, "The path is not valid text.")
            }
            path[name] = text
        }
        let query = target.firstIndex(of: UInt8(ascii: "?")).map { target[(target.index(after: $0))...] }
        return Found(
            action: action,
            minimum: minimum,
            path: path,
            query: try query.map { bytes throws(GatewayError) in try AdminQuery.split(bytes) } ?? []
        )
    }

    /// Checks the row's policy, then what was sent, then does it.
    func answer(_ found: Found, body: JSONValue?, by actor: Actor) async throws(GatewayError) -> AdminAnswer {
        let action = found.action
        let group = found.path["group"].map { GroupID($0) }
        let permission = Permission(found.minimum, in: group)
        if let deed = action.deed {
            let kinds = ["agent", "budget", "credential", "key", "user", "server", "group"]
            let object = kinds.lazy.compactMap { found.path[$0] }.first ?? ""
            try await self.administration.admit(actor, permission, Administration.Deed(deed, object, in: group))
        } else {
            try permission.check(actor)
        }
        if action.body == nil, let body, body.objectValue?.isEmpty != true {
            throw .invalid("body", expected: "empty")
        }
        let context = Context(
            actor: actor,
            path: found.path,
            query: try AdminQuery.read(found.query, action.query),
            body: try (action.body ?? .empty).read(action.body == nil ? nil : body),
            now: self.administration.surroundings.now()
        )
        var answer = try await self.perform(action, context)
        answer.status = action.status
        return answer
    }

    private func perform(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        switch action {
        case .whoami:
            let who = try await self.administration.whoami(context.actor)
            return .object(AdminJSON.whoami(who))
        case .listGroups, .createGroup, .getGroup, .renameGroup, .deleteGroup:
            return try await self.groups(action, context)
        case .listUsers, .createUser, .getUser, .updateUser, .deleteUser:
            return try await self.users(action, context)
        case .listKeys, .createKey, .getKey, .updateKey, .revokeKey, .rotateKey:
            return try await self.keys(action, context)
        case .listCredentials, .createCredential, .getCredential, .deleteCredential, .deactivateCredential,
            .activateCredential, .replaceCredential, .testCredential:
            return try await self.credentials(action, context)
        case .listBudgets, .createBudget, .getBudget, .updateBudget, .deleteBudget:
            return try await self.budgets(action, context)
        case .listAgents, .createAgent, .getAgent, .updateAgent, .deleteAgent:
            return try await self.agents(action, context)
        case .listAudit, .verifyAudit:
            return try await self.audit(action, context)
        case .usage:
            return try await self.usage(context)
        case .explainRequest:
            return try await self.explain(context)
        case .listBreakers, .openBreakers, .closeBreakers:
            return try await self.breakers(action, context)
        case .listTools, .getTools, .approveTools, .callTool:
            return try await self.tools(action, context)
        case .listShadows, .getShadow, .summarizeShadows:
            return try await self.shadows(action, context)
        case .listExperiments:
            return try await self.experiments(context)
        case .listSessions, .createSession, .getSession, .updateSession, .deleteSession, .listMessages, .forkSession:
            return try await self.sessions(action, context)
        }
    }

    /// A failure in the contract's native shape.
    static func answer(_ error: GatewayError, _ requestID: RequestID) -> AdminAnswer {
        let body = ErrorBodies.body(of: error, dialect: .native, requestID: requestID)
        return AdminAnswer(
            status: ErrorBodies.status(of: error),
            json: try? JSONValue.parse(body),
            failure: error
        )
    }
}

extension AdminAnswer {
    /// One object: `{"data":{…}}`.
    static func object(_ json: JSONValue, at location: String? = nil) -> AdminAnswer {
        AdminAnswer(status: 200, location: location, json: ["data": json])
    }

    static func list(_ json: JSONValue) -> AdminAnswer { AdminAnswer(status: 200, json: json) }

    static let nothing = AdminAnswer(status: 204)
}
