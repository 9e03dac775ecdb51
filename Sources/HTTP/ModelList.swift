internal import Auth
internal import Core
internal import Pipeline
internal import Providers

/// `GET /v1/models`, in OpenAI's form: what the caller may ask for by name.
enum ModelList {
    static func all(_ snapshot: Snapshot, _ principal: Principal?) -> Answer {
        let models = Self.visible(snapshot, principal).map { Self.json($0.name, owner: $0.owner, snapshot) }
        return Answer(json: ["object": "list", "data": .array(models)])
    }

    /// - Throws: `GatewayError` with `MODEL_NOT_FOUND` and the nearest known name.
    static func one(_ name: String, _ snapshot: Snapshot, _ principal: Principal?) throws(GatewayError) -> Answer {
        let models = Self.visible(snapshot, principal)
        guard let model = models.first(where: { $0.name == name }) else {
            let hint = NearestName.find(name, in: models.map(\.name)).map { " Did you mean '\($0)'?" } ?? ""
            throw GatewayError(.modelNotFound, "There is no such model here.\(hint)", param: "model")
        }
        return Answer(json: Self.json(model.name, owner: model.owner, snapshot))
    }

    /// The names that lead somewhere for this caller: aliases, their targets by provider, and the default model.
    private static func visible(_ snapshot: Snapshot, _ principal: Principal?) -> [(name: String, owner: String)] {
        guard let principal else { return [] }
        let catalog = snapshot.catalog
        let row = snapshot.credentials.row(of: principal.group)
        return catalog.knownModels.compactMap { name in
            guard principal.mayUse(model: name) else { return nil }
            switch try? catalog.resolve(name, credentials: row) {
            case .route(let route):
                return route.targets.contains { row.canUse($0.provider) } ? (name, "turnpike") : nil
            case .direct(let provider, _, _):
                return row.canUse(provider) ? (name, provider.name) : nil
            case nil:
                return nil
            }
        }
    }

    private static func json(_ name: String, owner: String, _ snapshot: Snapshot) -> JSONValue {
        [
            "id": .string(name),
            "object": "model",
            "created": .integer(snapshot.loaded.seconds),
            "owned_by": .string(owner),
        ]
    }
}
