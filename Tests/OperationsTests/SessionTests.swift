import Audit
import Auth
import Conversations
import Core
import Database
import NIOCore
import SQLite
import Testing

@testable import Operations

/// Sessions by role and owner, and what the audit log has of them.
@Suite struct SessionTests {
    private let red = AdministrationFixture.red
    private let blue = AdministrationFixture.blue
    private let ann = Actor(name: "ann", role: .member, group: GroupID("red"), user: UserID("ann"), keyID: "k2")
    private let ben = Actor(name: "ben", role: .member, group: GroupID("red"), user: UserID("ben"), keyID: "k3")
    private let app = Actor(name: "k4", role: .member, group: GroupID("red"), keyID: "k4")
    private let adminOfBlue = Actor(name: "bea", role: .groupAdmin, group: GroupID("blue"), user: UserID("bea"))

    private func ids(
        _ store: AdministrationFixture,
        _ wanted: SessionsWanted = SessionsWanted(),
        by actor: Actor
    ) async throws -> Set<String> {
        Set(try await store.administration.listSessions(.first, wanted, by: actor).items.map(\.id))
    }

    @Test func `everybody has their own, and only administrators see others'`() async throws {
        let store = try await AdministrationFixture()
        let api = store.administration
        let mine = try await api.createSession(SessionDraft(title: "Ann's"), by: self.ann)
        let bens = try await api.createSession(SessionDraft(), by: self.ben)
        let apps = try await api.createSession(SessionDraft(), by: self.app)
        let bluish = try await api.createSession(SessionDraft(), by: self.adminOfBlue)
        let roots = try await api.createSession(SessionDraft(), by: store.system)
        #expect(mine.owner == .user(UserID("ann")) && apps.owner == .key("k4") && mine.group == self.red)
        // A person's other key shows the same sessions.
        let other = Actor(name: "ann", role: .member, group: self.red, user: UserID("ann"), keyID: "k9")
        #expect(try await self.ids(store, by: other) == [mine.id])
        #expect(try await self.ids(store, by: self.ben) == [bens.id])
        #expect(try await self.ids(store, by: self.app) == [apps.id])
        #expect(try await self.ids(store, SessionsWanted(user: "ann"), by: self.ann) == [mine.id])
        #expect(try await self.ids(store, SessionsWanted(key: "k4"), by: self.app) == [apps.id])
        // An administrator's list is their own until they ask.
        #expect(try await self.ids(store, by: store.admin).isEmpty)
        #expect(try await self.ids(store, by: store.system) == [roots.id])
        let ofRed: Set = [mine.id, bens.id, apps.id]
        #expect(try await self.ids(store, SessionsWanted(user: "*"), by: store.admin) == ofRed)
        #expect(try await self.ids(store, SessionsWanted(group: self.red), by: store.admin) == ofRed)
        #expect(try await self.ids(store, SessionsWanted(user: "ben"), by: store.admin) == [bens.id])
        #expect(try await self.ids(store, SessionsWanted(key: "k4"), by: store.admin) == [apps.id])
        #expect(try await self.ids(store, SessionsWanted(group: self.red), by: store.system) == ofRed)
        let all = ofRed.union([bluish.id, roots.id])
        #expect(try await self.ids(store, SessionsWanted(user: "*"), by: store.system) == all)
        #expect(try await self.ids(store, by: .command()) == all)
        let asked: [(SessionsWanted, GatewayError.Code)] = [
            (SessionsWanted(user: "ben"), .forbidden), (SessionsWanted(user: "*"), .forbidden),
            (SessionsWanted(key: "k4"), .forbidden), (SessionsWanted(group: self.blue), .notFound),
            (SessionsWanted(group: self.red), .forbidden),
        ]
        for (wanted, expected) in asked {
            #expect(await code { try await api.listSessions(.first, wanted, by: self.ann) } == expected)
        }
        let strange = SessionsWanted(group: self.blue, user: "*")
        #expect(await code { try await api.listSessions(.first, strange, by: store.admin) } == .notFound)
        #expect(await code { try await api.createSession(SessionDraft(), by: .command()) } == .forbidden)
    }

    /// Row 44.
    @Test func `another's session is as if it did not exist, whatever is done with it`() async throws {
        let store = try await AdministrationFixture()
        let api = store.administration
        let made = try await api.createSession(SessionDraft(), by: self.ann)
        for actor in [self.ben, self.app, self.adminOfBlue] {
            for id in [made.id, "ses_404", ""] {
                let changes = SessionChanges(title: "Taken")
                #expect(await code { try await api.session(id, by: actor) } == .notFound)
                #expect(await code { try await api.updateSession(id, changes, by: actor) } == .notFound)
                #expect(await code { try await api.deleteSession(id, by: actor) } == .notFound)
                #expect(await code { try await api.sessionMessages(MessagePage(), of: id, by: actor) } == .notFound)
                #expect(await code { try await api.forkSession(id, at: nil, title: nil, by: actor) } == .notFound)
            }
        }
        #expect(try await api.session(made.id, by: self.ann) == made)
    }

    @Test func `what people do with their own is nobody's business, what others do is in the audit log`() async throws {
        let store = try await AdministrationFixture()
        let api = store.administration
        func actions() async throws -> [String] {
            try await store.records().filter { $0.objectKind == "session" }.map { "\($0.actor) \($0.action)" }
        }
        let own = try await api.createSession(SessionDraft(), by: self.ann)
        _ = try await api.updateSession(own.id, SessionChanges(title: "x"), by: self.ann)
        _ = try await api.forkSession(own.id, at: nil, title: nil, by: self.ann)
        try await api.deleteSession(own.id, by: self.ann)
        let admins = try await api.createSession(SessionDraft(), by: store.admin)
        try await api.deleteSession(admins.id, by: store.admin)
        let apps = try await api.createSession(SessionDraft(), by: self.app)
        try await api.deleteSession(apps.id, by: self.app)
        #expect(await code { try await api.deleteSession("ses_404", by: self.ann) } == .notFound)
        #expect(try await actions() == [])

        let others = try await api.createSession(SessionDraft(), by: self.ann)
        _ = try await api.session(others.id, by: store.admin)
        _ = try await api.updateSession(others.id, SessionChanges(title: "x"), by: store.admin)
        try await api.deleteSession(others.id, by: store.admin)
        let last = try await api.createSession(SessionDraft(), by: self.ann)
        try await api.deleteSession(last.id, by: .command())
        #expect(try await actions() == ["ada session.update", "ada session.delete", "command session.delete"])
        let record = try #require(try await store.records().last)
        #expect(record.objectID == last.id && record.group == "red" && record.details.contains("ann"))
    }

    @Test func `without its audit record another's session is not deleted`() async throws {
        let store = try await AdministrationFixture()
        let made = try await store.administration.createSession(SessionDraft(), by: self.ann)
        try await store.database.write { try $0.execute("DROP TABLE audit_log") }
        #expect(await code { try await store.administration.deleteSession(made.id, by: store.admin) } != nil)
        #expect(try await store.administration.session(made.id, by: self.ann) == made)
        try await store.administration.deleteSession(made.id, by: self.ann)
    }

    @Test func `a fork belongs to whoever makes it, in its group`() async throws {
        let store = try await AdministrationFixture()
        let api = store.administration
        let made = try await api.createSession(SessionDraft(title: "Ann's"), by: self.ann)
        let copies: [(Actor, SessionOwner)] = [
            (self.ann, .user(UserID("ann"))), (store.admin, .user(UserID("ada"))),
            // Nobody of another group, and no operator, gets what belongs here.
            (store.system, .user(UserID("ann"))), (.command(), .user(UserID("ann"))),
        ]
        for (actor, owner) in copies {
            let copy = try await api.forkSession(made.id, at: 0, title: nil, by: actor)
            #expect(copy.owner == owner && copy.group == self.red && copy.title == "Ann's")
        }
    }

    @Test func `a person's sessions end with them, and a key's go to the one that takes its place`() async throws {
        let store = try await AdministrationFixture()
        let api = store.administration
        let person = try await api.createUser(NewUser(name: "Cy"), in: self.red, by: store.admin)
        let cy = Actor(name: "cy", role: .member, group: self.red, user: person.id)
        let cys = try await api.createSession(SessionDraft(), by: cy)
        let anns = try await api.createSession(SessionDraft(), by: self.ann)
        try await api.deleteUser(person.id, of: self.red, by: store.admin)
        #expect(await code { try await api.session(cys.id, by: store.system) } == .notFound)
        #expect(try await store.database.read { try $0.rows("SELECT id FROM sessions").count } == 1)
        _ = try await api.session(anns.id, by: self.ann)

        let key = try await api.createKey(GatewayKeyRecord.Draft(name: "app"), in: self.red, by: store.admin)
        func actor(_ id: GatewayKeyID) -> Actor {
            Actor(name: id.text, role: .member, group: self.red, keyID: id.text)
        }
        let old = try await api.createSession(SessionDraft(), by: actor(key.record.id))
        let pair = try await api.rotateKey(key.record.id, of: self.red, overlap: .seconds(60), by: store.admin)
        let new = try await api.createSession(SessionDraft(), by: actor(pair.new.record.id))
        for id in [key.record.id, pair.new.record.id] {
            #expect(try await self.ids(store, by: actor(id)) == [old.id, new.id])
        }
        #expect(try await api.session(old.id, by: store.admin).owner == .key(pair.new.record.id.text))
    }

    @Test func `what breaks a rule is an invalid request that names it`() async throws {
        let store = try await AdministrationFixture()
        let draft = SessionDraft(system: String(repeating: "x", count: 70_000))
        do {
            _ = try await store.administration.createSession(draft, by: self.ann)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .invalidRequest && error.param == "system")
        }
    }
}
