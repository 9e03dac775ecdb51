/// How much of a conversation goes along with each new message.
///
/// Said by a session, else by its agent; else the last 20 messages go along. Whatever it says, a user's message and
/// the answer to it go together, system prompts do not count, and the new message always goes.
package enum HistoryWish: Sendable, Hashable {
    /// The last so many messages; none if 0.
    case lastMessages(Int)
    /// As many of the last messages as fit in so many tokens; nil: in the model's context.
    case tokens(Int?)
    /// At least the last `keep` messages, and before them a summary of all others, made by `model`.
    ///
    /// Nil for `model`: by the conversation's own.
    case summary(keep: Int, model: String?)

    /// What counts where nobody says anything.
    package static let standard = HistoryWish.lastMessages(20)

    /// How many messages `lastMessages` may name.
    package static let messageLimits = 0...1_000
    /// How many messages `summary` may keep.
    package static let keptLimits = 2...200
    /// How many are kept by `summary` where it is not said.
    package static let standardKept = 10
    /// How many tokens `tokens` may name.
    package static let tokenLimits = 64...10_000_000
    /// The longest name of a model, in UTF-8 bytes.
    package static let modelLengthMax = 256

    /// What `init(json:)` takes, in words to be put behind "must be".
    package static let expectation = """
        an object: {"policy":"messages","count":20}, {"policy":"tokens","max":8000} or \
        {"policy":"summary","keep":10,"model":"…"}, max and model being optional
        """

    /// Reads the form that the API, settings and the store have.
    ///
    /// - Returns: Nil for anything else than `json` writes, also if a number is out of its limits or a name unknown.
    package init?(json: JSONValue) {
        guard let members = json.objectValue, let policy = json["policy"]?.stringValue else { return nil }
        let names: [String]
        switch policy {
        case "messages":
            names = ["count"]
            guard let count = Self.whole(json["count"], or: 20), Self.messageLimits.contains(count) else { return nil }
            self = .lastMessages(count)
        case "tokens":
            names = ["max"]
            guard let most = Self.whole(json["max"], or: -1) else { return nil }
            guard most == -1 && (json["max"]?.isNull ?? true) || Self.tokenLimits.contains(most) else { return nil }
            self = .tokens(most == -1 ? nil : most)
        case "summary":
            names = ["keep", "model"]
            let (kept, model) = (Self.whole(json["keep"], or: Self.standardKept), json["model"] ?? .null)
            guard let kept, Self.keptLimits.contains(kept) else { return nil }
            if let name = model.stringValue {
                guard (1...Self.modelLengthMax).contains(name.utf8.count), !name.utf8.contains(0) else { return nil }
            } else {
                guard model.isNull else { return nil }
            }
            self = .summary(keep: kept, model: model.stringValue)
        default:
            return nil
        }
        guard members.allSatisfy({ $0.0 == "policy" || names.contains($0.0) }) else { return nil }
    }

    /// The form that `init(json:)` reads.
    package var json: JSONValue {
        switch self {
        case .lastMessages(let count):
            ["policy": "messages", "count": .integer(Int64(count))]
        case .tokens(let most):
            ["policy": "tokens", "max": most.map { .integer(Int64($0)) } ?? .null]
        case .summary(let kept, let model):
            ["policy": "summary", "keep": .integer(Int64(kept)), "model": model.map { .string($0) } ?? .null]
        }
    }

    /// A whole number; the standard one if there is none, nil if it is something else.
    private static func whole(_ value: JSONValue?, or standard: Int) -> Int? {
        guard let value, !value.isNull else { return standard }
        return value.intValue
    }
}
