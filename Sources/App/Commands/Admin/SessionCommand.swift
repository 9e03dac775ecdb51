import ArgumentParser
import Core
import Wire

/// `turnpike session`.
struct SessionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session",
        abstract: "Stored conversations: whose they are, what was said, and their end.",
        subcommands: [List.self, Show.self, Rename.self, Fork.self, Delete.self]
    )

    static let columns: [Table.Column] = [
        .init("ID", "id"), .init("GROUP", "groupId"), .init("OWNER", SessionText.owner), .init("TITLE", "title"),
        .init("MESSAGES", "messageCount"), .init("MODEL", SessionText.answerer), .init("CREATED", time: "createdAt"),
        .init("LAST USED", time: "lastUsedAt"),
    ]

    /// One session.
    struct Reference: ParsableArguments {
        @Argument(help: "The session's id; see turnpike session list.")
        var session: String
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List sessions, the newest first: everybody's, as far as the key's role goes."
        )

        @Option(help: "Only of this person's id; mine for those of the gateway key that is used.")
        var user = "*"

        @Option(help: "Only of this gateway key, where it is nobody's.")
        var key: String?

        @Option(help: "Only of this group.")
        var group: String?

        @Option(help: "Only with this agent.")
        var agent: String?

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("sessions")
            // Everybody's are asked for by name; a key's own need no word.
            path.add("user", self.user == "mine" || self.key != nil ? nil : self.user)
            path.add("key", self.key)
            path.add("group", self.group)
            path.add("agent", self.agent)
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, SessionCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a session, and the last that was said in it.")

        @OptionGroup var reference: Reference

        @Option(help: "How many of the last messages, 0 to 200.")
        var last = 20

        @OptionGroup var options: AdminOptions

        func validate() throws {
            guard (0...200).contains(self.last) else { throw ValidationError("--last must be 0 to 200") }
        }

        func run() async throws {
            let (id, last) = (self.reference.session, self.last)
            let answer = try await AdminDoor.with(self.options) { door in
                let session = try await door.call(.get, AdminPath("sessions", id).text)
                var messages: [JSONValue] = []
                var cursor: String?
                while messages.count < last {
                    var path = AdminPath("sessions", id, "messages")
                    path.add("order", "desc")
                    path.add("limit", "\(last - messages.count)")
                    path.add("cursor", cursor)
                    let page = try await door.call(.get, path.text)
                    messages += page["data"]?.arrayValue ?? []
                    cursor = page["nextCursor"]?.stringValue
                    if cursor == nil { break }
                }
                return JSONValue.object([
                    ("data", session["data"] ?? .null), ("messages", .array(messages.reversed())),
                ])
            }
            if self.options.json {
                Terminal.output.line(answer.text)
            } else {
                Terminal.output.write(SessionText.conversation(answer, .output))
            }
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a session another title.")

        @OptionGroup var reference: Reference

        @Argument(help: "The title, at most 200 characters.")
        var title: String

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let (path, body): (String, JSONValue) = (
                AdminPath("sessions", self.reference.session).text, ["title": .string(self.title)]
            )
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.patch, path, body) }
            let title = Table.text(answer["data"]?["title"])
            AdminOutput.done(answer, "Session \(self.reference.session) is now \(title)", asJSON: self.options.json)
        }
    }

    struct Fork: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a session with the messages of another up to one; both go their own way."
        )

        @OptionGroup var reference: Reference

        @Option(help: "The number of the last message to copy; all if not given.")
        var seq: Int?

        @Option(help: "The new session's title; the other's if not given.")
        var title: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var body: [(String, JSONValue)] = []
            if let seq = self.seq { body.append(("seq", .integer(Int64(seq)))) }
            if let title = self.title { body.append(("title", .string(title))) }
            let (path, given) = (AdminPath("sessions", self.reference.session, "fork").text, JSONValue.object(body))
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path, given) }
            let made = answer["data"]
            let sentence = "Session \(Table.text(made?["id"])) has \(Table.text(made?["messageCount"])) messages"
            AdminOutput.done(answer, sentence, asJSON: self.options.json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a session and all that was said in it.")

        @OptionGroup var reference: Reference
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = AdminPath("sessions", self.reference.session).text
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.delete, path) }
            AdminOutput.done(answer, "Session \(self.reference.session) is gone", asJSON: self.options.json)
        }
    }
}

/// Sessions of the API in words, for people.
enum SessionText {
    /// A person's id, or `key` and a key's.
    static func owner(_ session: JSONValue) -> String {
        session["userId"]?.stringValue ?? "key \(Table.text(session["keyId"]))"
    }

    /// Who answers: an agent, else a model.
    static func answerer(_ session: JSONValue) -> String {
        session["agentId"]?.stringValue.map { "agent/\($0)" } ?? Table.text(session["model"])
    }

    /// A session's facts, and below them what was said; nothing in it can move the cursor.
    static func conversation(_ answer: JSONValue, _ terminal: Terminal) -> String {
        let facts = (answer["data"]?.objectValue ?? []).filter { !$0.1.isNull }
        var text = Table.object(.object(facts))
        for message in answer["messages"]?.arrayValue ?? [] {
            let status = message["status"]?.stringValue ?? ""
            var head = "#\(Table.text(message["seq"])) \(Table.text(message["role"]))"
            if let model = message["model"]?.stringValue { head += ", \(model)" }
            if status != "complete" { head += ", \(status)" }
            head += ", \(Table.time(message["createdAt"]))"
            text += "\n" + terminal.styled(Terminal.printable(head).replacing("\n", with: " "), .bold) + "\n"
            if let left = message["leftOut"], !left.isNull { text += "[\(Self.leftOut(left))]\n" }
            text += Terminal.printable(Self.said(message["content"] ?? .null)) + "\n"
            if let reason = message["error"]?["message"]?.stringValue { text += "[\(Terminal.printable(reason))]\n" }
        }
        return text
    }

    private static func leftOut(_ left: JSONValue) -> String {
        let count = left["count"]?.intValue ?? 0
        return "\(count) earlier \(count == 1 ? "message" : "messages"), about "
            + "\(Table.text(left["estimatedTokens"])) tokens, did not go along"
    }

    /// The text of a content; what is no text is named.
    static func said(_ content: JSONValue) -> String {
        if let text = content.stringValue { return text }
        return (content.arrayValue ?? []).map { part in
            let name = Table.text(part["name"])
            switch part["type"]?.stringValue {
            case "text"?: return part["text"]?.stringValue ?? ""
            case "thinking"?: return "[thinking]"
            case "tool_call"?: return "[calls \(name) with \((part["arguments"] ?? .null).text)]"
            case "tool_result"?: return "[\(name) answers: \(Self.result(part["content"] ?? .null))]"
            case let type?: return "[\(type)]"
            case nil: return "[something]"
            }
        }.joined(separator: "\n")
    }

    private static func result(_ content: JSONValue) -> String { content.stringValue ?? content.text }
}
