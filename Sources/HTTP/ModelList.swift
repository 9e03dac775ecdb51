internal import Agents
internal import Auth
internal import Chat
internal import Core
internal import NIOCore
internal import Pipeline
internal import Providers
internal import Transport
internal import Wire

/// `GET /v1/models`: what the caller may ask for by name.
///
/// Aliases and what they lead to come first, then what providers themselves say they have for the group's keys: under
/// the provider's name, and those of the default provider by their own.
struct ModelList {
    private struct Model {
        var name: String
        var owner: String
    }

    private let models: [Model]
    private let snapshot: Snapshot
    /// Whether the caller speaks Anthropic's dialect.
    private let isAnthropic: Bool

    /// - Parameter reported: What providers say they have, by their names.
    init(
        _ snapshot: Snapshot,
        _ principal: Principal?,
        reported: [String: [String]],
        for exchange: any ServerExchange
    ) {
        self.snapshot = snapshot
        self.isAnthropic = exchange.head.contains(.anthropicVersion)
        self.models = principal.map { Self.visible(snapshot, $0, reported) } ?? []
    }

    /// The providers that the caller can use, with the credentials to ask them with.
    static func askable(_ snapshot: Snapshot, _ principal: Principal) -> [AskableProvider] {
        let row = snapshot.credentials.row(of: principal.group)
        return snapshot.catalog.providers.filter { row.canUse($0) }.map { ($0, row.credential(for: $0)) }
    }

    /// All of them.
    var answer: Answer {
        let list = self.models.map(self.json)
        guard self.isAnthropic else { return Answer(json: ["object": "list", "data": .array(list)]) }
        return Answer(json: [
            "data": .array(list), "has_more": false,
            "first_id": self.models.first.map { .string($0.name) } ?? .null,
            "last_id": self.models.last.map { .string($0.name) } ?? .null,
        ])
    }

    /// One of them.
    ///
    /// - Throws: `GatewayError` with `MODEL_NOT_FOUND` and the nearest known name.
    func answer(for name: String) throws(GatewayError) -> Answer {
        guard let model = self.models.first(where: { $0.name == name }) else {
            let hint = NearestName.find(name, in: self.models.map(\.name)).map { " Did you mean '\($0)'?" } ?? ""
            throw GatewayError(.modelNotFound, "There is no such model here.\(hint)", param: "model")
        }
        return Answer(json: self.json(model))
    }

    private static func visible(
        _ snapshot: Snapshot,
        _ principal: Principal,
        _ reported: [String: [String]]
    ) -> [Model] {
        let catalog = snapshot.catalog
        let row = snapshot.credentials.row(of: principal.group)
        var seen: Set<String> = []
        var models: [Model] = []
        func add(_ name: String, at owner: Provider? = nil) {
            guard principal.mayUse(model: name), !seen.contains(name) else { return }
            switch try? catalog.resolve(name, credentials: row) {
            case .route(let route) where owner == nil:
                guard route.targets.contains(where: { row.canUse($0.provider) }) else { return }
                models.append(Model(name: name, owner: "turnpike"))
            case .direct(let provider, _, _):
                // A name that leads to another provider is not this one's to offer.
                guard row.canUse(provider), owner == nil || owner === provider else { return }
                models.append(Model(name: name, owner: provider.name))
            default: return
            }
            seen.insert(name)
        }
        for name in catalog.knownModels { add(name) }
        for agent in snapshot.agents.profiles(for: principal.group) where principal.mayUse(model: agent.modelName) {
            guard seen.insert(agent.modelName).inserted else { continue }
            models.append(Model(name: agent.modelName, owner: "turnpike"))
        }
        for provider in catalog.providers {
            for model in reported[provider.name] ?? [] {
                if provider === catalog.defaultProvider { add(model, at: provider) }
                add("\(provider.name)/\(model)", at: provider)
            }
        }
        return models
    }

    private func json(_ model: Model) -> JSONValue {
        let created = self.snapshot.loaded
        guard !self.isAnthropic else {
            return [
                "type": "model", "id": .string(model.name), "display_name": .string(model.name),
                "created_at": .string(created.rfc3339),
            ]
        }
        return [
            "id": .string(model.name),
            "object": "model",
            "created": .integer(created.seconds),
            "owned_by": .string(model.owner),
        ]
    }
}
