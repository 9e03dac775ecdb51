import NIOHTTP1

/// Whose manners an answer has.
enum Flavour: Sendable {
    case openAI, openRouter, azure
}

/// What a path asks for.
enum Route: Sendable, Equatable {
    case chat(Flavour, deployment: String?)
    case embeddings(Flavour, deployment: String?)
    case models(Flavour)
    case model(Flavour, id: String)
    case control(Control)
    case unknown(Flavour)

    enum Control: Sendable { case script, record, totals, health }

    /// Finds the route of a request target.
    ///
    /// The query counts only for Azure, which must name its version there.
    static func find(_ target: String) -> Route {
        let path = Self.path(of: target)
        if path.hasPrefix("/sim/") {
            switch path {
            case "/sim/script": return .control(.script)
            case "/sim/record": return .control(.record)
            case "/sim/totals": return .control(.totals)
            case "/sim/health": return .control(.health)
            default: return .unknown(.openAI)
            }
        }
        if path.hasPrefix("/openai/deployments/") { return Self.azure(path, query: target.dropFirst(path.count)) }
        if path.hasPrefix("/api/v1/") { return Self.standard(path.dropFirst("/api/v1/".count), .openRouter) }
        if path.hasPrefix("/openai/v1/") { return Self.standard(path.dropFirst("/openai/v1/".count), .azure) }
        if path.hasPrefix("/v1/") { return Self.standard(path.dropFirst("/v1/".count), .openAI) }
        return .unknown(.openAI)
    }

    /// The path of a request target.
    static func path(of target: String) -> String {
        guard let mark = target.firstIndex(of: "?") else { return target }
        return String(target[..<mark])
    }

    private static func standard(_ rest: Substring, _ flavour: Flavour) -> Route {
        switch rest {
        case "chat/completions": return .chat(flavour, deployment: nil)
        case "embeddings": return .embeddings(flavour, deployment: nil)
        case "models": return .models(flavour)
        default:
            guard rest.hasPrefix("models/") else { return .unknown(flavour) }
            return .model(flavour, id: URLText.decoded(rest.dropFirst("models/".count)))
        }
    }

    private static func azure(_ path: String, query: Substring) -> Route {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3)
        let hasVersion = query.dropFirst().split(separator: "&").contains {
            $0.hasPrefix("api-version=") && $0.count > "api-version=".count
        }
        guard hasVersion, let deployment = parts.first.map({ URLText.decoded($0) }) else { return .unknown(.azure) }
        switch parts.dropFirst().joined(separator: "/") {
        case "chat/completions": return .chat(.azure, deployment: deployment)
        case "embeddings": return .embeddings(.azure, deployment: deployment)
        default: return .unknown(.azure)
        }
    }

    /// The methods the route takes.
    var methods: [HTTPMethod] {
        switch self {
        case .chat, .embeddings: return [.POST]
        case .models, .model: return [.GET]
        case .control(.script): return [.GET, .POST, .DELETE]
        case .control(.record): return [.GET, .DELETE]
        case .control(.totals), .control(.health): return [.GET]
        case .unknown: return []
        }
    }

    var flavour: Flavour {
        switch self {
        case .chat(let flavour, _), .embeddings(let flavour, _), .models(let flavour), .model(let flavour, _),
            .unknown(let flavour):
            return flavour
        case .control: return .openAI
        }
    }
}
