import Chat
import Conversations
import Core
import Database
import NIOCore
import SQLite
import TestKit
import Testing

/// Sessions: whose they are, what they hold, and how they end.
@Suite struct SessionStoreTests {
    private typealias Fixture = SessionFixture

    @Test func `a session comes back as it was made`() async throws {
        let fixture = try await Fixture()
        let draft = SessionDraft(
            title: "  Plans  ",
            agentID: "helper",
            model: "openai/gpt-4o",
            system: "Be brief.\n\tAlways.",
            history: .summary(keep: 12, model: "fast")
        )
        let made = try await fixture.make("ses_1", draft)
        #expect(try await fixture.get("ses_1") == made)
        #expect(made.title == "Plans")
        #expect(made.owner == Fixture.ada)
        #expect(made.history == .summary(keep: 12, model: "fast"))
        #expect(made.system == "Be brief.\n\tAlways.")
        #expect(made.count == 0)
        #expect(made.lastUsedAt == nil)
        #expect(made.json["userId"] == "u_ada")
        #expect(made.json["keyId"] == JSONValue.null)
    }

    /// Row 44: another group's, another member's and an absent one are told alike.
    @Test func `what is somebody else's is as if it did not exist`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_ada")
        try await fixture.make("ses_bob", of: Fixture.bob)
        try await fixture.make("ses_key", of: Fixture.key)
        // The same person's id in another group is another person.
        try await fixture.make("ses_far", in: GroupID("other"))
        let accesses: [(SessionAccess, Set<String>)] = [
            (Fixture.own(), ["ses_ada"]),
            (Fixture.own(Fixture.bob), ["ses_bob"]),
            (Fixture.own(Fixture.key), ["ses_key"]),
            (Fixture.own(in: GroupID("other")), ["ses_far"]),
            (.own(.key("u_ada"), in: Fixture.group), []),
            (.own(.user(UserID("k_one")), in: Fixture.group), []),
            (.group(Fixture.group), ["ses_ada", "ses_bob", "ses_key"]),
            (.all, ["ses_ada", "ses_bob", "ses_key", "ses_far"]),
        ]
        for (access, visible) in accesses {
            let listed = try await fixture.database.read { [store = fixture.store] in
                try store.list(for: access, in: $0).items.map(\.id)
            }
            #expect(Set(listed) == visible)
            for id in ["ses_ada", "ses_bob", "ses_key", "ses_far", "ses_absent", "", "%"] {
                let expected: SessionError? = visible.contains(id) ? nil : .notFound
                let session = await refusal { try await fixture.get(id, for: access) }
                let messages = await refusal { try await fixture.messages(id, for: access) }
                #expect(session == expected, "\(id)")
                #expect(messages == expected, "\(id)")
                guard expected != nil else { continue }
                #expect(await refusal { try await fixture.begin(id, for: access) } == .notFound)
                let changed = await refusal {
                    try await fixture.database.write { [store = fixture.store] in
                        try store.update(id, SessionChanges(title: "x"), for: access, now: Fixture.time(9), in: $0)
                    }
                }
                #expect(changed == .notFound)
                let deleted = await refusal {
                    try await fixture.database.write { [store = fixture.store] in
                        try store.delete(id, for: access, now: Fixture.time(9), in: $0)
                    }
                }
                #expect(deleted == .notFound)
                let forked = await refusal {
                    try await fixture.database.write { [store = fixture.store] in
                        try store.fork(id, at: nil, as: "ses_x", for: access, now: Fixture.time(9), in: $0)
                    }
                }
                #expect(forked == .notFound)
            }
        }
    }

    @Test func `the list begins with the newest, page by page`() async throws {
        let fixture = try await Fixture()
        for number in 0..<7 { try await fixture.make("ses_\(number)", at: Int64(1_000 + number / 2)) }
        var seen: [String] = []
        var cursor: String?
        repeat {
            let page = try PageRequest(limit: 3, cursor: cursor)
            let found = try await fixture.database.read { [store = fixture.store] in
                try store.list(page, for: Fixture.own(), in: $0)
            }
            seen += found.items.map(\.id)
            cursor = found.nextCursor
        } while cursor != nil
        #expect(seen == ["ses_6", "ses_5", "ses_4", "ses_3", "ses_2", "ses_1", "ses_0"])
    }

    @Test func `changes change what they name alone`() async throws {
        let fixture = try await Fixture()
        let draft = SessionDraft(title: "Old", agentID: "a", model: "m", system: "s", history: .tokens(100))
        let made = try await fixture.make("ses_1", draft)
        func change(_ changes: SessionChanges) async throws -> Session {
            try await fixture.database.write(.process) { [store = fixture.store] in
                try store.update("ses_1", changes, for: Fixture.own(), now: Fixture.time(5_000), in: $0)
            }
        }
        let renamed = try await change(SessionChanges(title: "New"))
        #expect(renamed.title == "New")
        #expect(renamed.model == made.model && renamed.system == made.system && renamed.history == made.history)
        #expect(renamed.updatedAt == Fixture.time(5_000) && renamed.createdAt == made.createdAt)
        let bare = try await change(
            SessionChanges(agentID: .some(nil), model: .some(nil), system: .some(nil), history: .some(nil))
        )
        #expect(bare.title == "New")
        #expect(bare.agentID == nil && bare.model == nil && bare.system == nil && bare.history == nil)
        #expect(try await fixture.get("ses_1") == bare)
    }

    @Test(
        arguments: [
            ("title", SessionDraft(title: String(repeating: "x", count: 201))),
            ("title", SessionDraft(title: "two\nlines")),
            ("title", SessionDraft(title: "turned \u{202E}round")),
            ("system", SessionDraft(system: String(repeating: "x", count: (64 << 10) + 1))),
            ("system", SessionDraft(system: "a\0b")),
            ("model", SessionDraft(model: String(repeating: "m", count: 257))),
            ("agentId", SessionDraft(agentID: "a\nb")),
        ]
    )
    func `what breaks a rule is named`(field: String, draft: SessionDraft) async throws {
        let fixture = try await Fixture()
        let error = await refusal { try await fixture.make("ses_1", draft) }
        guard case .invalid(let named, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == field)
        #expect(await refusal { try await fixture.get("ses_1") } == .notFound)
    }

    @Test func `the longest of everything is taken`() async throws {
        let fixture = try await Fixture()
        let draft = SessionDraft(
            title: String(repeating: "😀", count: 200),
            model: String(repeating: "m", count: 256),
            system: String(repeating: "s", count: 64 << 10)
        )
        let made = try await fixture.make("ses_1", draft)
        #expect(made.title == draft.title && made.system == draft.system)
    }

    @Test func `nobody has more sessions than they can have, and deleting one makes room`() async throws {
        let fixture = try await Fixture()
        try await fixture.database.write(.process) { session in
            try session.execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(SessionRule.sessionsMax))
                INSERT INTO sessions (id, group_id, user_id, title, created_at, updated_at, next_seq, tokens)
                SELECT 'ses_many' || i, 'demo', 'u_ada', '', i, i, 1, 0 FROM n
                """
            )
        }
        #expect(await refusal { try await fixture.make("ses_1") } == .tooManySessions)
        try await fixture.make("ses_bob", of: Fixture.bob)
        try await fixture.database.write { [store = fixture.store] in
            try store.delete("ses_many7", for: Fixture.own(), now: Fixture.time(9), in: $0)
        }
        try await fixture.make("ses_1")
        let forked = await refusal {
            try await fixture.database.write { [store = fixture.store] in
                try store.fork("ses_1", at: nil, as: "ses_2", for: Fixture.own(), now: Fixture.time(9), in: $0)
            }
        }
        #expect(forked == .tooManySessions)
    }

    @Test func `a deleted session is out of sight at once, and its messages follow piece by piece`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_1")
        try await fixture.make("ses_2")
        try await fixture.talk("ses_1", 250)
        try await fixture.talk("ses_2", 1)
        let store = fixture.store
        try await fixture.database.write {
            try store.delete("ses_1", for: Fixture.own(), now: Fixture.time(9), in: $0)
        }
        #expect(await refusal { try await fixture.get("ses_1") } == .notFound)
        #expect(await refusal { try await fixture.messages("ses_1", for: .all) } == .notFound)
        var steps = 0
        while try await fixture.database.write(.process, { try store.sweep(in: $0) }) { steps += 1 }
        #expect(steps == 3)
        let left = try await fixture.database.read { session in
            try session.map("SELECT DISTINCT session_id FROM session_messages") { row throws(DatabaseError) in
                try row.text("session_id")
            }
        }
        #expect(left == ["ses_2"])
        #expect(try await fixture.database.read { try $0.rows("SELECT id FROM sessions").count } == 1)
    }

    @Test func `a person's sessions go with them, and a group's with it`() async throws {
        let fixture = try await Fixture()
        try await fixture.make("ses_ada")
        try await fixture.talk("ses_ada")
        try await fixture.make("ses_bob", of: Fixture.bob)
        try await fixture.make("ses_far", in: GroupID("other"))
        let store = fixture.store
        try await fixture.database.write { session in
            try store.deleteAll(of: UserID("u_ada"), in: Fixture.group, now: Fixture.time(9), session)
        }
        while try await fixture.database.write(.process, { try store.sweep(in: $0) }) {}
        #expect(await refusal { try await fixture.get("ses_ada", for: .all) } == .notFound)
        _ = try await fixture.get("ses_bob", for: .all)
        _ = try await fixture.get("ses_far", for: .all)
        try await fixture.database.write { try $0.execute("DELETE FROM groups WHERE id = 'demo'") }
        #expect(await refusal { try await fixture.get("ses_bob", for: .all) } == .notFound)
        _ = try await fixture.get("ses_far", for: .all)
    }

    @Test func `a key that takes another's place has its sessions, and so has the other as long as it works`()
        async throws
    {
        let fixture = try await Fixture()
        try await fixture.database.write { session in
            for (id, next) in [("k_one", "k_two"), ("k_two", nil), ("k_other", nil)] as [(String, String?)] {
                try session.execute(
                    """
                    INSERT INTO gateway_keys (id, group_id, name, digest, scopes, replaced_by, created_by, created_at)
                    VALUES (\(id), 'demo', 'k', \(Array(id.utf8)), '[]', \(next), 'test', 0)
                    """
                )
            }
        }
        // Made with the old key: it is the new one's from the beginning.
        let made = try await fixture.make("ses_1", of: Fixture.key)
        #expect(made.owner == .key("k_two"))
        let (one, two) = (Fixture.own(Fixture.key), Fixture.own(.key("k_two")))
        #expect(try await fixture.get("ses_1", for: one) == fixture.get("ses_1", for: two))
        #expect(await refusal { try await fixture.get("ses_1", for: Fixture.own(.key("k_other"))) } == .notFound)
    }

    @Test func `a fork has the messages up to one, and goes its own way`() async throws {
        let fixture = try await Fixture()
        let draft = SessionDraft(title: "Old", agentID: "a", model: "m", system: "s", history: .tokens(100))
        try await fixture.make("ses_1", draft)
        try await fixture.talk("ses_1", 3)
        let running = try await fixture.begin("ses_1", "last")
        let store = fixture.store
        func fork(_ seq: Int?, _ id: String, title: String? = nil) async throws -> Session {
            try await fixture.database.write(.process) {
                try store.fork(
                    "ses_1",
                    at: seq,
                    as: id,
                    title: title,
                    for: Fixture.own(),
                    now: Fixture.time(9_000),
                    in: $0
                )
            }
        }
        let four = try await fork(4, "ses_4", title: "New")
        #expect(four.title == "New" && four.agentID == "a" && four.system == "s" && four.history == .tokens(100))
        #expect(four.forkedFrom == SessionFork(session: "ses_1", seq: 4))
        #expect(four.count == 4 && four.tokens == 60)
        let (old, new) = (try await fixture.messages("ses_1").messages, try await fixture.messages("ses_4").messages)
        #expect(new.map(\.content) == old.prefix(4).map(\.content))
        #expect(new.map(\.seq) == [1, 2, 3, 4])
        #expect(new.map(\.id) == ["msg_4_1", "msg_4_2", "msg_4_3", "msg_4_4"])
        try await fixture.talk("ses_4")
        #expect(try await fixture.messages("ses_4").messages.map(\.seq) == [1, 2, 3, 4, 5, 6])
        #expect(try await fixture.get("ses_1").count == 8)
        // What is running is copied as far as it came, and is nobody's to end.
        let all = try await fork(nil, "ses_all")
        #expect(all.count == 8 && all.title == "Old")
        #expect(try await fixture.messages("ses_all").messages.last?.status == .cut)
        #expect(try await fixture.finish(running))
        #expect(try await fixture.messages("ses_all").messages.last?.status == .cut)
        #expect(try await fork(0, "ses_0").count == 0)
        for seq in [-1, 9, Int.max, Int.min] {
            #expect(await refusal { try await fork(seq, "ses_x") } == .noSuchMessage)
        }
    }

    @Test func `ids of sessions have 130 random bits`() {
        var random = SeededGenerator(seed: 1)
        let ids = (0..<100).map { _ in SessionStore.freshID(using: &random) }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.utf8.count == 30 && $0.hasPrefix("ses_") })
    }

    @Test(arguments: [
        ("Hello there", "Hello there"), ("  two\n\n lines\t", "two lines"), ("", ""), ("\u{202E}\u{0}x", "x"),
        (
            String(repeating: "word ", count: 40),
            "word word word word word word word word word word word word word word word word…"
        ),
    ])
    func `a title is made of what was said first`(text: String, title: String) throws {
        #expect(SessionRule.title(from: text) == title)
        #expect(try SessionRule.title(title) == title)
    }
}
