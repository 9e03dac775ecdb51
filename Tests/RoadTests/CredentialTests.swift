import Auth
import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// What happens to a call when a group's provider key is refused, missing or unreadable.
@Suite struct CredentialTests {
    private struct Lost: Error {}

    private static func unreadable(_ provider: String) -> CredentialBook.Entry {
        CredentialBook.Entry(id: "cred-\(provider)", group: GroupID("demo"), provider: provider) { _ in throw Lost() }
    }

    @Test(arguments: [401, 403])
    func `a refused key is marked, another target answers, and from then on goes first`(status: Int) async throws {
        let road = try Road(retriesMax: 2)
        road.transport.scripts = [
            .json(#"{"error":{"message":"Incorrect API key provided: \#(Road.providerKey)"}}"#, status: status),
            .json(PlainCallTests.answer), .json(PlainCallTests.answer),
        ]
        let first = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(first.status == 200)
        #expect(first.field("x-turnpike-provider") == "openrouter")
        #expect(first.field("x-turnpike-attempts") == "2")
        let news = road.credentials.take()
        #expect(Array(news.rejected.keys) == ["given:openai"])
        #expect(Array(news.uses.keys) == ["given:openrouter"])
        let second = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(second.field("x-turnpike-provider") == "openrouter")
        #expect(second.field("x-turnpike-attempts") == "1")
        #expect(road.logged.text.contains("A provider refused a credential"))
        #expect(!road.logged.text.contains(Road.providerKey))
    }

    @Test func `a refused key is tried again where nothing else is left, and is readmitted by a success`() async throws
    {
        let road = try Road()
        road.transport.scripts = [.json(#"{"error":{"message":"no"}}"#, status: 401), .json(PlainCallTests.answer)]
        let refused = await road.chat(#"{"model":"openai/gpt-4o","messages":[]}"#)
        #expect(refused.status == 424)
        #expect(refused.json?["error"]?["code"] == "credential_rejected")
        _ = road.credentials.take()
        let served = await road.chat(#"{"model":"openai/gpt-4o","messages":[]}"#)
        #expect(served.status == 200)
        #expect(road.credentials.take().readmitted == ["given:openai"])
    }

    @Test func `a key that cannot be opened is never sent, and other targets answer (rows 57, 60)`() async throws {
        let road = try Road(credentialsFor: ["openrouter"], more: [Self.unreadable("openai")], retriesMax: 2)
        road.transport.scripts = [.json(PlainCallTests.answer)]
        let answer = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-provider") == "openrouter")
        #expect(road.transport.requests.count == 1)
        #expect(road.logged.text.contains("A stored credential cannot be read"))
        #expect(road.logged.text.contains("cred-openai"))
    }

    @Test func `a key that cannot be opened and has no stand-in is a clear failure of ours`() async throws {
        let road = try Road(credentialsFor: [], more: [Self.unreadable("openai")])
        let answer = await road.chat(#"{"model":"openai/gpt-4o","messages":[]}"#)
        #expect(answer.status == 500)
        #expect(answer.json?["error"]?["code"] == "credential_unreadable")
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `a group without any key for the targets is told so in the contract's words`() async throws {
        let road = try Road(credentialsFor: [])
        let answer = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(answer.status == 424)
        let message = "AI is not configured for this group. Please add an API key in settings."
        #expect(answer.json?["error"]?["message"]?.stringValue == message)
        #expect(answer.json?["error"]?["code"] == "ai_not_configured")
    }

    @Test func `the log line of a call names the credential and never shows it`() async throws {
        var record = CallRecord(
            id: RequestID(high: 1, low: 2),
            time: UnixTime(seconds: 1),
            group: "demo",
            keyID: "dev",
            operation: "chat",
            modelAsked: "fast",
            provider: "openai",
            upstreamModel: "gpt",
            status: 200,
            code: nil,
            isStream: false,
            attempts: 1,
            total: .milliseconds(1),
            firstToken: nil,
            bytesIn: 1,
            bytesOut: 2,
            isClientGone: false
        )
        record.credentialID = "cred-1"
        var line = ByteBuffer()
        CallLog.write(record, into: &line)
        #expect(String(buffer: line).contains(#""credential":"cred-1""#))
    }

    @Test func `a route list of a key is obeyed on the data plane`() async throws {
        let road = try Road(
            principal: Principal(
                group: GroupID("demo"),
                keyID: "dev",
                allowedRoutes: ["/v1/embeddings", "/v1/models*"]
            )
        )
        let refused = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(refused.status == 403)
        #expect(await road.send("GET", "/v1/models").status == 200)
        #expect(road.transport.requests.isEmpty)
    }

    @Test func `news of credentials are kept until they are written, the first refusal and the last use`() throws {
        let catalog = try Catalog(
            providers: [ProviderEntry(name: "openai")],
            routes: [],
            defaultProvider: "openai",
            userAgent: "t"
        )
        let openAI = try #require(catalog.provider(named: "openai"))
        let entry = CredentialBook.Entry(group: GroupID("demo"), provider: "openai", apiKey: Secret("sk-key"))
        let row = try CredentialBook([entry], catalog: catalog).row(of: GroupID("demo"))
        let credential = try #require(row.credential(for: openAI))
        let news = CredentialNews()
        news.noteSuccess(credential, at: UnixTime(milliseconds: 5_000))
        news.noteSuccess(credential, at: UnixTime(milliseconds: 5_900))
        news.noteSuccess(credential, at: UnixTime(milliseconds: 7_000))
        let first = news.take()
        #expect(first.uses == [credential.id: UnixTime(milliseconds: 7_000)])
        #expect(news.take().isEmpty)
        #expect(news.noteRejection(credential, at: UnixTime(milliseconds: 8_000)))
        #expect(!news.noteRejection(credential, at: UnixTime(milliseconds: 9_000)))
        #expect(credential.isRejected)
        let second = news.take()
        #expect(second.rejected == [credential.id: UnixTime(milliseconds: 8_000)])
        news.noteSuccess(credential, at: UnixTime(milliseconds: 9_500))
        #expect(!credential.isRejected)
        // What could not be written comes back, but not over what happened since.
        news.giveBack(second)
        let third = news.take()
        #expect(third.rejected.isEmpty)
        #expect(third.readmitted == [credential.id])
    }
}

extension CredentialTests {
    @Test func `the last use of a gateway key is news once a second, not for every call`() async throws {
        let road = try Road()
        for _ in 0..<3 {
            road.transport.scripts = [.json(PlainCallTests.answer)]
            _ = await road.chat(#"{"model":"fast","messages":[]}"#)
        }
        let uses = road.credentials.take().keyUses
        #expect(uses == [GatewayKeyID("dev"): UnixTime(seconds: 1_700_000_000)])
        road.transport.scripts = [.json(PlainCallTests.answer)]
        _ = await road.chat(#"{"model":"fast","messages":[]}"#)
        #expect(road.credentials.take().keyUses.isEmpty)
    }
}

extension CredentialTests {
    @Test func `a key under an old encryption key is handed over to be re-sealed when a call has used it`() async throws
    {
        let stale = CredentialBook.Entry(id: "old", group: GroupID("demo"), provider: "openai", isStale: true) {
            _ = $0.writeString("sk-under-the-old-key")
        }
        let road = try Road(credentialsFor: ["openrouter"], more: [stale])
        road.transport.scripts = [.json(PlainCallTests.answer), .json(PlainCallTests.answer)]
        _ = await road.chat(#"{"model":"openrouter/x","messages":[]}"#)
        #expect(road.credentials.take().stale.isEmpty)
        _ = await road.chat(#"{"model":"openai/gpt-4o","messages":[]}"#)
        #expect(road.credentials.take().stale == ["old"])
    }
}
