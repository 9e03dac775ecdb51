import ArgumentParser
import Core
import Engine
import NIOCore
import Wire

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Gateway keys: what applications send to Turnpike.",
        subcommands: [Create.self, List.self, Show.self, Revoke.self, Rotate.self]
    )

    private static let columns: [Table.Column] = [
        .init("ID", "id"), .init("NAME", "name"), .init("USER") { Table.text($0["userId"] ?? $0["agentId"]) },
        .init("SCOPES", "scopes"), .init("ACTIVE", "active"), .init("EXPIRES", time: "expiresAt"),
        .init("LAST USED", time: "lastUsedAt"),
    ]

    /// One key of one group.
    struct Key: ParsableArguments {
        @Argument(help: "The key's id, its part between the underscores.")
        var id: String

        @OptionGroup var owner: GroupOption

        func path(_ more: String? = nil) -> String {
            AdminPath("groups", self.owner.group, "keys", self.id).text + (more.map { "/\($0)" } ?? "")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a gateway key; it is shown once, alone on standard output."
        )

        @OptionGroup var owner: GroupOption

        @Option(help: "Its name for people.")
        var name: String

        @Option(help: "The id of the person it belongs to.")
        var user: String?

        @Option(help: "The id of the agent it belongs to.")
        var agent: String?

        @Option(help: "inference, admin, or both with a comma; admin needs --user.")
        var scopes = "inference"

        @Option(name: .customLong("model"), help: "A model it may ask for, or a beginning and *; may be repeated.")
        var models: [String] = []

        @Option(name: .customLong("route"), help: "A path it may call, or a beginning and *; may be repeated.")
        var routes: [String] = []

        @Option(help: "When it ends: 30d, 12h, or 2027-01-31T00:00:00Z; never if not given.")
        var expires: String?

        @OptionGroup var options: AdminOptions

        func run() async throws {
            var body: [(String, JSONValue)] = [
                ("name", .string(self.name)),
                ("scopes", .array(self.scopes.split(separator: ",").map { .string(CommandTime.trimmed($0)) })),
            ]
            if let user = self.user { body.append(("userId", .string(user))) }
            if let agent = self.agent { body.append(("agentId", .string(agent))) }
            if !self.models.isEmpty { body.append(("allowedModels", .array(self.models.map { .string($0) }))) }
            if !self.routes.isEmpty { body.append(("allowedRoutes", .array(self.routes.map { .string($0) }))) }
            if let expires = self.expires { body.append(("expiresAt", .string(try CommandTime.moment(expires)))) }
            let (path, given) = (AdminPath("groups", self.owner.group, "keys").text, JSONValue.object(body))
            let answer = try await AdminDoor.with(self.options, creates: true) { try await $0.call(.post, path, given) }
            AdminOutput.issued(answer, asJSON: self.options.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List gateway keys, the oldest first.")

        @OptionGroup var owner: GroupOption

        @Option(help: "Only keys of this person.")
        var user: String?

        @Flag(help: "Only keys that work.")
        var active = false

        @OptionGroup var page: PageOptions
        @OptionGroup var options: AdminOptions

        func run() async throws {
            var path = AdminPath("groups", self.owner.group, "keys")
            path.add("userId", self.user)
            if self.active { path.add("active", "true") }
            let (wanted, page) = (path, self.page)
            let answer = try await AdminDoor.with(self.options) { try await $0.list(wanted, page) }
            AdminOutput.list(answer, KeyCommand.columns, asJSON: self.options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a gateway key, without its secret.")

        @OptionGroup var key: Key
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.key.path()
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.get, path) }
            AdminOutput.object(answer, asJSON: self.options.json)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a gateway key: at once here, within a second at other gateways on the store."
        )

        @OptionGroup var key: Key
        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.key.path("revoke")
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path) }
            AdminOutput.done(answer, "Key \(self.key.id) is revoked", asJSON: self.options.json)
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new key in the place of one, which goes on working for a while."
        )

        @OptionGroup var key: Key

        @Option(help: "How long the old key works on: 0s to 30d.")
        var overlap = "1d"

        @OptionGroup var options: AdminOptions

        func run() async throws {
            let path = self.key.path("rotate")
            let seconds = try CommandTime.seconds(self.overlap)
            let body: JSONValue = ["overlapSeconds": .integer(seconds)]
            let answer = try await AdminDoor.with(self.options) { try await $0.call(.post, path, body) }
            AdminOutput.issued(answer, asJSON: self.options.json)
        }
    }
}

/// Times as people write them.
enum CommandTime {
    private static let duration = SettingKind.duration(.zero...(.hours(24 * 3650)))

    /// A moment: a duration from now on, or a time that is passed on as it is.
    static func moment(_ text: String, now: UnixTime = SystemClock.now) throws -> String {
        guard text.count < 20 else { return text }
        return Self.text(UnixTime(milliseconds: now.milliseconds + (try Self.seconds(text)) * 1000))
    }

    /// RFC 3339, in UTC.
    static func text(_ time: UnixTime) -> String { time.rfc3339 }

    /// Whole seconds of a duration.
    static func seconds(_ text: String) throws -> Int64 {
        do throws(BadValue) {
            guard case .duration(let amount) = try Self.duration.parse(text) else { return 0 }
            return amount.nanoseconds / 1_000_000_000
        } catch {
            throw CommandFailure("\"\(text)\" \(error.complaint)", isMisuse: true)
        }
    }

    static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.prefix { $0 != " " })
    }
}
