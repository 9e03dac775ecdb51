import ArgumentParser
import Core
import Wire

/// `turnpike explain`.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Why a request went as it did: targets, attempts, waits, clocks, what was changed.",
        discussion: """
            turnpike explain req_0123456789abcdef0123456789abcdef

            The id is in every answer's x-request-id, in the log and in turnpike tail --json. The running gateway \
            remembers the last calls in full (explain.keep); of older ones the ledger has the attempts.
            """
    )

    @Argument(help: "The request's id.")
    var id: String

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let answer = try await AdminDoor.with(self.options) { door in
            try await door.call(.get, Self.path(of: self.id))
        }
        if self.options.json {
            Terminal.output.line(answer.text)
        } else {
            Terminal.output.write(Explanation(answer["data"] ?? .null).text(.output))
        }
    }

    /// The path below `/api/v1`: clients' ids may have slashes.
    static func path(of id: String) -> String {
        "/requests/"
            + id.split(separator: "/", omittingEmptySubsequences: false)
            .map { String(AdminPath(String($0)).text.dropFirst()) }.joined(separator: "/")
    }
}

/// The story of a call as a person reads it.
struct Explanation {
    private let story: JSONValue

    /// What clients wrote may not move the cursor or make lines of its own.
    init(_ story: JSONValue) { self.story = Self.safe(story) }

    /// Everything there is to say, line by line.
    func text(_ terminal: Terminal) -> String {
        let hasFailed = self.story["code"]?.stringValue != nil
        let summary = self.word("summary") ?? "There is nothing to say of this call."
        var lines = [terminal.styled(summary, hasFailed ? .red : .green)]
        if let count = self.story["count"]?.intValue, count > 1 {
            lines.append("\(count) calls have this id; this is the newest.")
        }
        lines.append("")
        lines += self.facts.map { name, text in Self.row(name, text, terminal) }
        let targets = self.targets
        if !targets.isEmpty {
            lines += ["", terminal.styled("Targets", .bold)] + targets
        }
        let course = self.course
        if !course.isEmpty {
            lines += ["", terminal.styled("What happened", .bold)] + course
        }
        let sent = self.sent
        if !sent.isEmpty {
            lines += ["", terminal.styled("Sent to the provider", .bold)] + sent
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Parts

    private var facts: [(String, String)] {
        var facts: [(String, String)] = [("request", "\(self.word("id") ?? "-")  \(Table.time(self.story["time"]))")]
        let who = [("group", "groupId"), ("user", "userId"), ("key", "keyId")].compactMap { name, key in
            self.word(key).map { "\(name) \($0)" }
        }
        facts.append(("caller", who.isEmpty ? "nobody that is known" : who.joined(separator: ", ")))
        if let status = self.story["status"]?.intValue {
            let code = self.word("code").map { " \($0)" } ?? ""
            facts.append(("answer", "status \(status)\(code)\(self.word("message").map { ": \($0)" } ?? "")"))
        }
        if let timings = self.timings { facts.append(("time", timings)) }
        if let clocks = self.clocks { facts.append(("clocks", clocks)) }
        let usage = self.story["usage"]
        let tokens = [("in", "inputTokens"), ("out", "outputTokens"), ("cached", "cachedInputTokens")].compactMap {
            name,
            key in usage?[key]?.intValue.map { "\($0) \(name)" }
        }
        if !tokens.isEmpty { facts.append(("tokens", tokens.joined(separator: ", "))) }
        if let cost = self.story["costUsd"], !cost.isNull { facts.append(("cost", "$\(cost.text)")) }
        return facts
    }

    private var timings: String? {
        let timings = self.story["timings"]
        let parts = [
            ("all", "totalMs"), ("to the first content", "firstContentMs"),
            ("before the first attempt", "beforeFirstAttemptMs"), ("at providers", "atProvidersMs"),
        ].compactMap { name, key in timings?[key].flatMap { $0.isNull ? nil : "\(name) \($0.text) ms" } }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private var clocks: String? {
        guard let clocks = self.story["clocks"], !clocks.isNull else { return nil }
        let parts = [
            ("connect", "connectMs"), ("first byte", "firstByteMs"), ("idle", "idleMs"), ("total", "totalMs"),
            ("stream", "streamMaxMs"),
        ].compactMap { name, key in clocks[key]?.intValue.map { "\(name) \($0)" } }
        let asked = clocks["askedMs"]?.intValue.map { "; the client asked for \($0)" } ?? ""
        return parts.joined(separator: ", ") + " ms" + asked
    }

    private var targets: [String] {
        guard let route = self.story["route"], !route.isNull else { return [] }
        var lines: [String] = []
        if let alias = route["alias"]?.stringValue {
            lines.append("  the alias '\(alias)' chooses by \(route["strategy"]?.stringValue ?? "-")")
        }
        for target in route["targets"]?.arrayValue ?? [] {
            let name = "\(Table.text(target["provider"]))/\(Table.text(target["model"]))"
            let fate = (target["fate"]?.stringValue ?? "-").replacing("_", with: " ")
            let why = target["reasonText"]?.stringValue.map { ": \($0)" } ?? ""
            let tries = target["attempts"]?.intValue ?? 0
            lines.append("  \(name)  \(fate)\(why)\(tries > 1 ? " (\(tries) attempts)" : "")")
        }
        return lines
    }

    /// Steps in the order they were noted, with the attempts that nobody had to note.
    private var course: [String] {
        var lines: [String] = []
        var noted: Set<Int> = []
        for step in self.story["steps"]?.arrayValue ?? [] {
            if step["what"] == "attempt", let number = step["number"]?.intValue { noted.insert(number) }
            lines.append(Self.moment(step["endMs"] ?? step["atMs"], step["text"]?.stringValue ?? "-"))
        }
        for attempt in self.story["attempts"]?.arrayValue ?? [] {
            if let number = attempt["number"]?.intValue, noted.contains(number) { continue }
            lines.append(Self.moment(attempt["endMs"], attempt["text"]?.stringValue ?? Self.sentence(attempt)))
        }
        if let dropped = self.story["stepsDropped"]?.intValue, dropped > 0 {
            lines.append("            … and \(dropped) more steps that were not kept")
        }
        return lines
    }

    /// An attempt of the ledger, which has no text.
    private static func sentence(_ attempt: JSONValue) -> String {
        let target = "\(Table.text(attempt["provider"]))/\(Table.text(attempt["model"]))"
        let status = attempt["upstreamStatus"]?.intValue.map { ", status \($0)" } ?? ""
        let code = attempt["code"]?.stringValue.map { "failed: \($0)" } ?? "answered"
        return "attempt \(Table.text(attempt["number"])) at \(target) \(code)\(status)"
    }

    private var sent: [String] {
        guard let request = self.story["request"], !request.isNull else { return [] }
        let body = request["body"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let headers = request["headers"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let dropped = request["dropped"]?.arrayValue?.compactMap(\.stringValue) ?? []
        return headers.map { "  header  \($0)" } + body.map { "  body    \($0)" }
            + dropped.map(Self.loss)
    }

    /// What was lost on the way to the target, or on the way back.
    private static func loss(_ path: String) -> String {
        let parts = path.split(separator: ".", maxSplits: 1)
        guard parts.first == "answer", parts.count == 2 else {
            return "  body    \(path): left out, the target has no such field"
        }
        return "  answer  \(parts[1]): left out, the client's dialect has no place for it"
    }

    // MARK: -

    private func word(_ key: String) -> String? { self.story[key]?.stringValue }

    private static func row(_ name: String, _ text: String, _ terminal: Terminal) -> String {
        let padding = String(repeating: " ", count: max(1, 9 - name.count))
        return terminal.styled(name, .dim) + padding + text
    }

    /// A line of the course of a call: when, then what.
    private static func moment(_ time: JSONValue?, _ text: String) -> String {
        let moment = time?.doubleValue.map { "\(Int($0.rounded())) ms" } ?? ""
        return String(repeating: " ", count: max(0, 10 - moment.count)) + moment + "  " + text
    }

    private static func safe(_ json: JSONValue) -> JSONValue {
        switch json {
        case .string(let text): .string(Terminal.printable(text).replacing("\n", with: " "))
        case .array(let elements): .array(elements.map { Self.safe($0) })
        case .object(let members): .object(members.map { ($0.0, Self.safe($0.1)) })
        case .null, .bool, .integer, .number: json
        }
    }
}
