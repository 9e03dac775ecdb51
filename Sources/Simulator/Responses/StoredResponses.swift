import NIOConcurrencyHelpers
import NIOCore

/// The responses that were asked to be kept, each for the key that made it.
final class StoredResponses: Sendable {
    struct Kept: Sendable {
        var response: JSONValue
        /// The items that were said to the model, those of earlier responses included.
        var input: [JSONValue]
        var output: [JSONValue]
        /// Whether it was asked for in the background and nobody has seen its end yet.
        var isBackground: Bool
        /// What it takes in memory, roughly: the bytes of the request.
        var bytes: Int
    }

    enum Cancelled {
        case none, synchronous
        case response(JSONValue)
    }

    private struct Name: Hashable {
        var owner: String
        var id: String
    }

    private struct State {
        var kept: [Name: Kept] = [:]
        var order = CircularBuffer<Name>()
        var bytes = 0
        /// Reasoning and other items that may be named instead of sent.
        var items: [Name: JSONValue] = [:]
    }

    /// More responses than this push out the oldest, and so do more bytes.
    private static let limit = 10_000
    private static let bytesLimit = 16 << 20

    private let state = NIOLockedValueBox(State())

    func keep(_ kept: Kept, id: String, owner: String) {
        self.state.withLockedValue { state in
            let name = Name(owner: owner, id: id)
            state.kept[name] = kept
            state.order.append(name)
            state.bytes += kept.bytes
            for item in kept.output { state.items[Self.name(item, owner)] = item }
            while state.order.count > Self.limit || state.bytes > Self.bytesLimit,
                let oldest = state.order.popFirst()
            {
                Self.remove(oldest, &state)
            }
        }
    }

    /// What is kept under `id`, without a trace.
    func look(_ id: String, owner: String) -> Kept? {
        self.state.withLockedValue { $0.kept[Name(owner: owner, id: id)] }
    }

    /// What is kept under `id`, for someone who waits for its end.
    func fetch(_ id: String, owner: String) -> Kept? {
        self.state.withLockedValue { state in
            let name = Name(owner: owner, id: id)
            let kept = state.kept[name]
            state.kept[name]?.isBackground = false
            return kept
        }
    }

    /// An item of an answer that was kept.
    func item(_ id: String, owner: String) -> JSONValue? {
        self.state.withLockedValue { $0.items[Name(owner: owner, id: id)] }
    }

    /// Forgets a response.
    ///
    /// - Returns: Whether there was one.
    func remove(_ id: String, owner: String) -> Bool {
        self.state.withLockedValue { Self.remove(Name(owner: owner, id: id), &$0) }
    }

    /// Cancels a response that works in the background.
    func cancel(_ id: String, owner: String) -> Cancelled {
        self.state.withLockedValue { state in
            let name = Name(owner: owner, id: id)
            guard let kept = state.kept[name] else { return .none }
            guard kept.isBackground else {
                return kept.response["background"] == .bool(true) ? .response(kept.response) : .synchronous
            }
            var members = kept.response.members ?? []
            for index in members.indices {
                switch members[index].key {
                case "status": members[index].value = .string("cancelled")
                case "output": members[index].value = .array([])
                case "usage", "completed_at": members[index].value = .null
                default: break
                }
            }
            state.kept[name]?.response = .object(members)
            state.kept[name]?.isBackground = false
            return .response(.object(members))
        }
    }

    @discardableResult
    private static func remove(_ name: Name, _ state: inout State) -> Bool {
        guard let kept = state.kept.removeValue(forKey: name) else { return false }
        state.bytes -= kept.bytes
        for item in kept.output { state.items.removeValue(forKey: Self.name(item, name.owner)) }
        return true
    }

    private static func name(_ item: JSONValue, _ owner: String) -> Name {
        Name(owner: owner, id: item["id"]?.string ?? "")
    }
}
