import Core
import KeyManagement
import NIOCore
import Testing
import Transport

/// Keys in Azure Key Vault, against a stand-in that was written from Microsoft's documentation.
@Suite(.enabled(if: PythonServer.interpreter != nil, "\(PythonServer.advice)"), .serialized)
struct AzureTests {
    private struct Azure: Sendable {
        let server: PythonServer
        let fetcher: Fetcher

        func keys(_ changes: [String: String?] = [:], allowPrivate: Bool = true) -> RemoteKeys {
            var environment = [
                "AZURE_TENANT_ID": self.server.text("tenant"), "AZURE_CLIENT_ID": self.server.text("client"),
                "AZURE_CLIENT_SECRET": self.server.text("password"), "AZURE_AUTHORITY_HOST": self.server.text("url"),
            ]
            for (name, value) in changes { environment[name] = value }
            return KeyBench.keys(self.fetcher, environment, allowPrivate: allowPrivate)
        }

        func source(_ name: String) throws -> RemoteKeySource {
            try RemoteKeySource(scheme: "azure-vault", name: "\(self.server.text("url"))/secrets/\(name)")
        }

        /// The passwords that were sent anywhere.
        func signIns() async throws -> [JSONValue] {
            let endpoint = try Endpoint(url: self.server.text("url"), allowPrivate: true)
            let answer = try await self.fetcher.fetch(FetchRequest("GET", endpoint, path: "/log"))
            return try JSONValue.parse(answer.body).arrayValue ?? []
        }
    }

    private static func with(_ body: @escaping @Sendable (Azure) async throws -> Void) async throws {
        try await PythonServer.with("azure.py") { server in
            try await KeyBench.withFetcher { try await body(Azure(server: server, fetcher: $0)) }
        }
    }

    @Test func `a secret is read after the challenge, with and without its version`() async throws {
        try await Self.with { azure in
            for name in ["key", "key/v1", "busy"] {
                let source = try azure.source(name)
                let key = try await azure.keys().load(source)
                #expect(KeyBench.hex(key) == azure.server.text("hex"))
            }
            let scopes = try await azure.signIns().map { $0["scope"]?[0]?.stringValue }
            #expect(scopes.count == 3)
            #expect(scopes.allSatisfy { $0 == azure.server.text("url") + "/.default" })
        }
    }

    @Test(arguments: [
        ("none", "SecretNotFound"), ("key/v2", "SecretNotFound"), ("forbidden", "Forbidden"), ("greedy", "challenge"),
    ])
    func `what the vault refuses is one line with its code`(name: String, code: String) async throws {
        try await Self.with { azure in
            let source = try azure.source(name)
            await #expect { try await azure.keys().load(source) } throws: { error in
                KeyBench.code(of: error) == code && !"\(error)".contains("\n")
            }
            // A vault that asks for a token of somebody else never gets one, and the password stays here.
            if name == "greedy" { #expect(try await azure.signIns().isEmpty) }
        }
    }

    @Test func `a wrong password, a foreign tenant and missing settings are said plainly`() async throws {
        try await Self.with { azure in
            let source = try azure.source("key")
            let wrong = azure.keys(["AZURE_CLIENT_SECRET": "canary-password"])
            await #expect { try await wrong.load(source) } throws: { error in
                KeyBench.code(of: error) == "invalid_client" && !"\(error)".contains("canary")
            }
            for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
                await #expect { try await azure.keys([name: nil]).load(source) } throws: { "\($0)".contains(name) }
            }
            let before = try await azure.signIns().count
            let foreign = try azure.source("other-tenant")
            await #expect { try await azure.keys().load(foreign) } throws: { "\($0)".contains("another tenant") }
            #expect(try await azure.signIns().count == before)
        }
    }

    @Test func `throttling ends after three attempts, a redirect at once, and a text that is no key is said`()
        async throws
    {
        try await Self.with { azure in
            let busy = try azure.source("always-busy")
            await #expect(throws: RemoteKeyError.unavailable(service: "Azure Key Vault", reason: "status 429")) {
                try await azure.keys().load(busy)
            }
            let moved = try azure.source("moved")
            await #expect { try await azure.keys().load(moved) } throws: { "\($0)".contains("never followed") }
            let short = try azure.source("short")
            await #expect(throws: RemoteKeyError.notAKey(source: short.label)) { try await azure.keys().load(short) }
            await #expect(throws: RemoteKeyError.badSource("azure-vault:https://…")) {
                try await azure.keys(allowPrivate: false).load(azure.source("key"))
            }
        }
    }
}
