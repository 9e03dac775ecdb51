import NIOConcurrencyHelpers

/// One entry of a script: which calls it meets and what happens to them.
package struct ScriptEntry: Sendable {
    /// The model: its whole name or the part before `?`.
    ///
    /// A final `*` stands for any ending. Nil matches every call.
    package var model: String?
    /// The path without its query.
    ///
    /// A final `*` stands for any ending. Nil matches every path.
    package var path: String?
    /// The key the client sends.
    ///
    /// Nil matches every client.
    package var key: String?
    /// How many of the matching calls the entry meets before the fault applies; those calls try the next entry.
    package var skip: Int
    /// How many calls the fault applies to.
    ///
    /// Nil means all.
    package var times: Int?
    /// Option names and values, the same as in a model name.
    package var fault: [(key: String, value: String)]

    package init(
        model: String? = nil,
        path: String? = nil,
        key: String? = nil,
        skip: Int = 0,
        times: Int? = nil,
        fault: KeyValuePairs<String, String>
    ) {
        self.model = model
        self.path = path
        self.key = key
        self.skip = skip
        self.times = times
        self.fault = fault.map { (key: $0.key, value: $0.value) }
    }
}

/// Why a script was refused.
package struct ScriptError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, for the person who wrote the script.
    package let description: String
}

/// The scripted faults: entries are tried in order, and the first that matches and is not used up applies.
final class FaultScript: Sendable {
    /// The moment in a call at which the script is asked.
    enum Moment { case accept, head, body }

    private struct Armed {
        let entry: ScriptEntry
        let behaviour: Behaviour
        let moment: Moment
        var met = 0
    }

    private let armed = NIOLockedValueBox<[Armed]>([])

    /// Adds entries behind those that are there.
    ///
    /// - Throws: `ScriptError` if an entry makes no sense; nothing is added then.
    func add(_ entries: [ScriptEntry]) throws(ScriptError) {
        var checked: [Armed] = []
        for entry in entries { checked.append(try Self.arm(entry)) }
        self.armed.withLockedValue { $0.append(contentsOf: checked) }
    }

    func clear() {
        self.armed.withLockedValue { $0.removeAll() }
    }

    /// What the script wants for a call, if anything.
    ///
    /// Counts the call.
    func take(at moment: Moment, model: (full: String, name: String)?, path: String, key: String?) -> Behaviour? {
        self.armed.withLockedValue { armed in
            for index in armed.indices where armed[index].moment == moment {
                let entry = armed[index].entry
                guard Self.matches(entry, model: model, path: path, key: key) else { continue }
                armed[index].met += 1
                let turn = armed[index].met - entry.skip
                guard turn > 0, turn <= entry.times ?? Int.max else { continue }
                return armed[index].behaviour
            }
            return nil
        }
    }

    private static func matches(
        _ entry: ScriptEntry,
        model: (full: String, name: String)?,
        path: String,
        key: String?
    ) -> Bool {
        if let wanted = entry.model {
            guard let model else { return false }
            guard Self.matches(wanted, model.full) || Self.matches(wanted, model.name) else { return false }
        }
        if let wanted = entry.path, !Self.matches(wanted, path) { return false }
        if let wanted = entry.key, wanted != key { return false }
        return true
    }

    private static func matches(_ pattern: String, _ text: String) -> Bool {
        pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
    }

    private static func arm(_ entry: ScriptEntry) throws(ScriptError) -> Armed {
        var behaviour = Behaviour()
        for (key, value) in entry.fault {
            do throws(BehaviourError) {
                try behaviour.set(key, to: value)
            } catch {
                throw ScriptError(description: error.message)
            }
        }
        guard entry.skip >= 0, entry.times ?? 1 >= 1 else {
            throw ScriptError(description: "'skip' must not be negative and 'times' must be at least 1.")
        }
        if behaviour.onAccept != nil {
            guard entry.model == nil, entry.path == nil, entry.key == nil, entry.fault.count == 1 else {
                throw ScriptError(description: "'on_accept' stands alone: nothing is known of the call yet.")
            }
            return Armed(entry: entry, behaviour: behaviour, moment: .accept)
        }
        if behaviour.isEarly {
            guard entry.model == nil else {
                throw ScriptError(description: "'on_head', 'unread_body' and 'slow_read' cannot match a model.")
            }
            return Armed(entry: entry, behaviour: behaviour, moment: .head)
        }
        return Armed(entry: entry, behaviour: behaviour, moment: .body)
    }

    // MARK: - As JSON

    /// Reads `[{"match": {"model":…,"path":…,"key":…}, "skip": n, "times": n, "fault": {…}}]`, or one such object.
    ///
    /// - Throws: `ScriptError` that names the first thing that is wrong.
    static func entries(in json: JSONValue) throws(ScriptError) -> [ScriptEntry] {
        var entries: [ScriptEntry] = []
        for item in json.array ?? [json] {
            guard let members = item.members else { throw ScriptError(description: "A script entry is an object.") }
            var entry = ScriptEntry(fault: [:])
            for member in members {
                switch (member.key, member.value) {
                case ("match", .object(let match)): try Self.read(match, into: &entry)
                case ("skip", .integer(let count)): entry.skip = count
                case ("times", .integer(let count)): entry.times = count
                case ("fault", .object(let fault)): entry.fault = try Self.fault(fault)
                default:
                    throw ScriptError(
                        description: "'\(member.key)' is not a member of a script entry, or its value is wrong."
                    )
                }
            }
            entries.append(entry)
        }
        return entries
    }

    private static func read(_ match: [JSONValue.Member], into entry: inout ScriptEntry) throws(ScriptError) {
        for member in match {
            switch (member.key, member.value) {
            case ("model", .string(let text)): entry.model = text
            case ("path", .string(let text)): entry.path = text
            case ("key", .string(let text)): entry.key = text
            default: throw ScriptError(description: "'match' takes model, path and key, each a string.")
            }
        }
    }

    private static func fault(_ members: [JSONValue.Member]) throws(ScriptError) -> [(key: String, value: String)] {
        var fault: [(key: String, value: String)] = []
        for member in members {
            for value in member.value.array ?? [member.value] {
                switch value {
                case .string(let text): fault.append((member.key, text))
                case .integer(let count): fault.append((member.key, String(count)))
                case .bool(let flag): fault.append((member.key, flag ? "1" : "0"))
                case .number(let number): fault.append((member.key, "\(number)"))
                default: throw ScriptError(description: "'\(member.key)' takes a string, a number or a boolean.")
                }
            }
        }
        return fault
    }
}
