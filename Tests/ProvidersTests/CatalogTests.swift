import Chat
import Core
import NIOCore
import Providers
import Testing
import Transport

@Suite struct CatalogTests {
    static let group = GroupID("g")

    static func catalog(
        _ providers: [ProviderEntry] = [
            ProviderEntry(name: "openrouter"), ProviderEntry(name: "openai"),
            ProviderEntry(name: "local", baseURL: "http://127.0.0.1:1/v1", allowPrivate: true),
        ],
        routes: [RouteEntry] = [RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "mini")])],
        defaultProvider: String? = "openrouter",
        reusing old: Catalog? = nil
    ) throws -> Catalog {
        try Catalog(
            providers: providers,
            routes: routes,
            defaultProvider: defaultProvider,
            userAgent: "turnpike/1",
            reusing: old
        )
    }

    static func book(_ providers: [String], _ catalog: Catalog, group: GroupID = Self.group) throws -> CredentialBook {
        try CredentialBook(
            providers.map { CredentialBook.Entry(group: group, provider: $0, apiKey: Secret("sk-key")) },
            catalog: catalog
        )
    }

    static func head(_ entry: ProviderEntry, _ model: String, _ operation: Providers.Operation = .chat) throws -> String
    {
        let provider = try #require(try Self.catalog([entry], routes: [], defaultProvider: nil).providers.first)
        var buffer = ByteBuffer()
        provider.writeHead(operation, as: entry.kind.format, isStream: false, model: model, into: &buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        ("fast", ["openai"], "route fast"), ("openai/gpt", ["openai"], "openai: gpt renamed"),
        ("openai/gpt", ["openrouter"], "openrouter: openai/gpt"), ("openai/gpt", [], "openrouter: openai/gpt"),
        ("anthropic/claude-x", ["openai", "openrouter"], "openrouter: anthropic/claude-x"),
        ("local/llama", [], "local: llama renamed"), ("openai/", ["openai"], "openrouter: openai/"),
        ("/x", ["openai"], "openrouter: /x"), ("openai/a/b", ["openai"], "openai: a/b renamed"),
        ("gpt-4", ["openai"], "openrouter: gpt-4"), ("agent/7", ["openai"], "no agent"),
        ("Fast", [], "openrouter: Fast"), ("openrouter/openai/gpt", ["openrouter"], "openrouter: openai/gpt renamed"),
    ])
    func `a model leads where the contract says`(model: String, keys: [String], expected: String) throws {
        let catalog = try Self.catalog()
        let row = try Self.book(keys, catalog).row(of: Self.group)
        let found: String
        do throws(ResolutionError) {
            switch try catalog.resolve(model, credentials: row) {
            case .route(let route): found = "route \(route.name)"
            case .direct(let provider, let model, let isRenamed):
                found = "\(provider.name): \(model)\(isRenamed ? " renamed" : "")"
            }
        } catch {
            found = error == .unknownAgent ? "no agent" : "no default"
        }
        #expect(found == expected)
    }

    @Test func `without a default provider only known names lead anywhere`() throws {
        let catalog = try Self.catalog(defaultProvider: nil)
        #expect(throws: ResolutionError.noDefaultProvider) { try catalog.resolve("gpt-4", credentials: .empty) }
        #expect(catalog.nearestModel(to: "fsat") == nil || catalog.nearestModel(to: "fasst") == "fast")
    }

    @Test func `no group ever sees another group's key, nor the default group's`() throws {
        let catalog = try Self.catalog()
        let book = try Self.book(["openai", "openrouter"], catalog, group: .defaultGroup)
        for name in ["g", "", "Default", "default "] {
            let row = book.row(of: GroupID(name))
            #expect(catalog.providers.allSatisfy { row.credential(for: $0) == nil })
        }
        let openAI = try #require(catalog.provider(named: "openai"))
        #expect(book.row(of: .defaultGroup).canUse(openAI))
    }

    @Test func `keys that could break out of their line are never written (row 2)`() throws {
        let catalog = try Self.catalog()
        let openAI = try #require(catalog.provider(named: "openai"))
        for key in ["", "sk\r\nx-evil: 1", "sk key", "sk\u{0}", "sk-é", String(repeating: "k", count: 5000)] {
            let entry = CredentialBook.Entry(group: Self.group, provider: "openai", apiKey: Secret(key))
            let book = try CredentialBook([entry], catalog: catalog)
            let credential = try #require(book.row(of: Self.group).credential(for: openAI))
            var buffer = ByteBuffer(string: "head\r\n")
            #expect(throws: CredentialUnreadable.self) { try credential.writeLine(into: &buffer) }
            #expect(String(buffer: buffer) == "head\r\n")
        }
    }

    @Test func `a line says where the key stands in it, and wiping leaves nothing of it`() throws {
        let catalog = try Self.catalog()
        let openAI = try #require(catalog.provider(named: "openai"))
        let credential = try #require(try Self.book(["openai"], catalog).row(of: Self.group).credential(for: openAI))
        var buffer = ByteBuffer(string: "head\r\n")
        let range = try credential.writeLine(into: &buffer)
        #expect(String(buffer: buffer) == "head\r\nauthorization: Bearer sk-key\r\n")
        #expect(buffer.getString(at: range.lowerBound, length: range.count) == "sk-key")
        buffer.wipe(range)
        #expect(!String(buffer: buffer).contains("sk-key"))
    }

    @Test func `doubles are refused, and what the catalog does not know is left out`() throws {
        let catalog = try Self.catalog()
        #expect(throws: CredentialError.duplicate(provider: "openai", group: Self.group)) {
            try Self.book(["openai", "openai"], catalog)
        }
        let row = try Self.book(["opnai"], catalog).row(of: Self.group)
        #expect(catalog.providers.allSatisfy { row.credential(for: $0) == nil })
    }

    @Test func `entries that are wrong are named, with what was probably meant`() {
        let openAI = ProviderEntry(name: "openai")
        let cases: [([ProviderEntry], [RouteEntry], String?, CatalogError)] = [
            ([openAI, openAI], [], nil, .duplicateProvider("openai")),
            ([ProviderEntry(name: "a/b")], [], nil, .badProviderName("a/b")),
            ([ProviderEntry(name: "agent")], [], nil, .badProviderName("agent")),
            ([ProviderEntry(name: "mine")], [], nil, .missingBaseURL(provider: "mine")),
            ([ProviderEntry(name: "a", baseURL: "ftp://x")], [], nil, .badBaseURL(provider: "a", .notHTTP)),
            ([openAI], [], "opneai", .unknownDefaultProvider("opneai", nearest: "openai")),
            ([openAI], [RouteEntry(name: "r", targets: [])], nil, .emptyRoute("r")),
            (
                [openAI], [RouteEntry(name: "r", targets: [.init(provider: "opena", model: "m")])], nil,
                .unknownProvider("opena", route: "r", nearest: "openai")
            ),
            (
                [openAI], [RouteEntry(name: "r", targets: [.init(provider: "openai", model: "")])], nil,
                .emptyModel(route: "r")
            ),
            (
                [openAI], [RouteEntry(name: "r", targets: [.init(provider: "openai", model: "m", weight: 0)])], nil,
                .badWeight(route: "r")
            ),
        ]
        for (providers, routes, provider, error) in cases {
            #expect(throws: error) { try Self.catalog(providers, routes: routes, defaultProvider: provider) }
            #expect(!error.text.isEmpty)
        }
    }

    @Test func `a reload keeps the connections of entries that did not change`() throws {
        let first = try Self.catalog()
        let second = try Self.catalog(reusing: first)
        let third = try Self.catalog(
            [ProviderEntry(name: "openrouter", baseURL: "https://eu.openrouter.ai/api/v1")],
            routes: [],
            reusing: first
        )
        #expect(second.provider(named: "openai")?.endpoint === first.provider(named: "openai")?.endpoint)
        #expect(third.provider(named: "openrouter")?.endpoint !== first.provider(named: "openrouter")?.endpoint)
    }

    @Test func `every row of the family makes the request its provider expects`() throws {
        for row in Family.table {
            let base = row.kind == .azure ? "https://r.openai.azure.com" : "https://example.com/v1"
            let entry = ProviderEntry(name: row.name, kind: row.kind, baseURL: row.baseURL == nil ? base : nil)
            let head = try Self.head(entry, "m")
            let path =
                switch row.kind {
                case .openAI, .azure: "/chat/completions"
                case .anthropic: "/v1/messages"
                case .cohere: "/v2/chat"
                case .gemini: "/v1beta/models/m:generateContent"
                case .bedrock: "/model/m/converse"
                }
            #expect(head.hasPrefix("POST /") && head.contains("\(path) HTTP/1.1\r\nhost: "), "\(row.name)")
            #expect(
                head.contains("accept-encoding: identity\r\n") && head.hasSuffix("\r\n") && !head.contains("\r\n\r\n")
            )
        }
        #expect(
            try Self.head(ProviderEntry(name: "openrouter"), "m").hasPrefix(
                "POST /api/v1/chat/completions HTTP/1.1\r\nhost: openrouter.ai\r\n"
            )
        )
        #expect(try Self.head(ProviderEntry(name: "perplexity"), "m").hasPrefix("POST /chat/completions HTTP/1.1\r\n"))
    }

    @Test func `Azure has two forms of URL, and no model can leave its segment (row 2)`() throws {
        let base = "https://r.openai.azure.com"
        let v1 = ProviderEntry(name: "azure", kind: .azure, baseURL: base)
        #expect(try Self.head(v1, "m").hasPrefix("POST /openai/v1/chat/completions HTTP/1.1\r\n"))
        let full = ProviderEntry(name: "az", kind: .azure, baseURL: base + "/openai/v1/", apiVersion: "preview")
        #expect(try Self.head(full, "m").hasPrefix("POST /openai/v1/chat/completions?api-version=preview HTTP/1.1\r\n"))
        let old = ProviderEntry(
            name: "az",
            kind: .azure,
            baseURL: base,
            apiVersion: "2024-10-21",
            urls: .azureDeployments
        )
        #expect(
            try Self.head(old, "gpt 4", .embeddings)
                .hasPrefix(
                    "POST /openai/deployments/gpt%204/embeddings?api-version=2024-10-21 HTTP/1.1\r\n"
                        + "host: r.openai.azure.com\r\n"
                )
        )
        for model in ["..", ".", "a/../b", "a\r\nx: y", "a?b#c", "é", "%2e"] {
            let target = try Self.head(old, model).split(separator: " ")[1]
            let segments = target.split(separator: "?")[0].split(separator: "/", omittingEmptySubsequences: false)
            #expect(segments.count == 6, "\(target)")
            #expect(target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            #expect(segments[3] != "." && segments[3] != "..")
        }
        #expect(throws: CatalogError.missingAPIVersion(provider: "az")) {
            try Self.head(ProviderEntry(name: "az", kind: .azure, baseURL: base, urls: .azureDeployments), "m")
        }
        #expect(throws: CatalogError.badAPIVersion(provider: "az")) {
            try Self.head(ProviderEntry(name: "az", kind: .azure, baseURL: base, apiVersion: "1&x=2"), "m")
        }
    }

    @Test func `a client of Responses is answered by Azure's chat where each deployment has its URL`() throws {
        let base = "https://r.openai.azure.com"
        let version = "2024-10-21"
        let v1 = ProviderEntry(name: "v1", kind: .azure, baseURL: base)
        let old = ProviderEntry(name: "old", kind: .azure, baseURL: base, apiVersion: version, urls: .azureDeployments)
        let catalog = try Self.catalog([v1, old], routes: [], defaultProvider: nil)
        let formats = catalog.providers.map { $0.format(for: .openAIResponses) }
        #expect(formats == [.openAIResponses, .openAIChat])
    }

    @Test func `a host that is known tells more than a name`() {
        #expect(Family.row(named: "mine", host: "api.mistral.ai").name == "mistral")
        #expect(Family.row(named: "openai", host: "api.mistral.ai").name == "mistral")
        #expect(Family.row(named: "groq", host: "proxy.internal").name == "groq")
        #expect(Family.row(named: "mine", host: "my.openai.azure.com").auth == .apiKey)
        #expect(Family.row(named: "mine", host: "evilapi.openai.com.example").name == "generic")
        #expect(Family.row(named: "mine", host: "notopenrouter.ai").name == "generic")
    }

    @Test func `the environment gives the keys that the contract names`() {
        let read = Dictionary(uniqueKeysWithValues: EnvironmentCredential.all.map { ($0.variable, $0.provider) })
        #expect(read["OPENROUTER_API_KEY"] == "openrouter" && read["OPENAI_API_KEY"] == "openai")
        #expect(read["AI_GATEWAY_API_KEY"] == "vercel" && read["AZURE_OPENAI_API_KEY"] == "azure")
        #expect(read["MISTRAL_API_KEY"] == "mistral" && read["GROQ_API_KEY"] == "groq")
    }

    @Test func `an alias keeps what the settings say of its targets`() throws {
        var entry = RouteEntry(
            name: "fast",
            strategy: .leastBusy,
            targets: [.init(provider: "openai", model: "mini", weight: 3, concurrentMax: 8)],
            retriesMax: 1
        )
        entry.stickiness = .session
        entry.slowStart = .seconds(3)
        let route = try #require(try Self.catalog(routes: [entry]).route(named: "fast"))
        #expect(route.strategy == .leastBusy && route.retriesMax == 1)
        #expect(route.stickiness == .session && route.slowStart == .seconds(3) && route.split == nil)
        #expect(route.targets.map(\.weight) == [3] && route.targets.map(\.concurrentMax) == [8])
    }

    @Test func `an experiment leads to other aliases that are not split themselves`() throws {
        func split(_ variants: Split.Variant...) -> [RouteEntry] {
            var entry = RouteEntry(name: "fast", targets: [.init(provider: "openai", model: "mini")])
            entry.split = Split(variants: variants)
            var nested = RouteEntry(name: "nested", targets: [.init(provider: "openai", model: "mini")])
            nested.split = Split(variants: [.init(name: "a", weight: 1)])
            return [entry, RouteEntry(name: "next", targets: [.init(provider: "openai", model: "new")]), nested]
        }
        func fault(_ variants: Split.Variant...) -> CatalogError? {
            #expect(throws: CatalogError.self) {
                var entries = split()
                entries[0].split = Split(variants: variants)
                _ = try Self.catalog(routes: entries)
            }
        }
        let good = split(.init(name: "canary", weight: 5, route: "next"), .init(name: "control", weight: 95))
        let found = try Self.catalog(routes: good).route(named: "fast")?.split
        #expect(found?.variants.map(\.name) == ["canary", "control"])
        #expect(fault(.init(name: "a", weight: 1), .init(name: "a", weight: 1)) == .badVariantName(route: "fast"))
        #expect(fault(.init(name: "", weight: 1)) == .badVariantName(route: "fast"))
        #expect(fault(.init(name: "a", weight: 0)) == .badWeight(route: "fast"))
        #expect(fault(.init(name: "a", weight: -1), .init(name: "b", weight: 1)) == .badWeight(route: "fast"))
        #expect(
            fault(.init(name: "a", weight: 1, route: "nxt"))
                == .unknownVariantRoute("nxt", route: "fast", nearest: "next")
        )
        #expect(fault(.init(name: "a", weight: 1, route: "fast")) == .nestedSplit("fast", route: "fast"))
        #expect(fault(.init(name: "a", weight: 1, route: "nested")) == .nestedSplit("nested", route: "fast"))
        let many = (0...Route.targetsMax).map { RouteEntry.TargetEntry(provider: "openai", model: "m\($0)") }
        #expect(throws: CatalogError.tooManyTargets(route: "fast")) {
            _ = try Self.catalog(routes: [RouteEntry(name: "fast", targets: many)])
        }
        let none = RouteEntry.TargetEntry(provider: "openai", model: "m", concurrentMax: 0)
        #expect(throws: CatalogError.badConcurrency(route: "fast")) {
            _ = try Self.catalog(routes: [RouteEntry(name: "fast", targets: [none])])
        }
    }
}
