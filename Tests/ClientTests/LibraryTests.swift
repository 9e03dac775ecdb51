import NIOHTTP1
import Simulator
import TestKit
import Testing
import TurnpikeClient

/// What clients in process do beyond those over HTTP: find keys, and run the gateway's road.
@Suite struct LibraryTests {
    @Test func `a group without a key is told so, and one with a key has a client with its credential's id`()
        async throws
    {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "acme", provider: "sim")
                #expect(client.credentialId?.isEmpty == false)
                #expect(client.provider == "sim")
                let standard = try await clients.client(forGroup: "acme")
                #expect(standard.provider == "sim", "the settings' default one")
                #expect(standard.credentialId == client.credentialId)
                let error = await #expect(throws: AINotConfiguredError.self) {
                    _ = try await clients.client(forGroup: "poor", provider: .openRouter)
                }
                #expect(error?.group == "poor")
                #expect(error?.provider == .openRouter)
                #expect(error?.description == "AI is not configured for this group. Please add an API key in settings.")
                await #expect(throws: AINotConfiguredError.self) { _ = try await clients.client(forGroup: "nobody") }
                #expect(house.simulator.record().isEmpty)
            }
        }
    }

    @Test func `an unknown provider is an error that names those there are`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let error = await #expect(throws: AIUnknownProviderError.self) {
                    _ = try await clients.client(forGroup: "acme", provider: "simm")
                }
                #expect(error?.name == "simm")
                #expect(error?.known.contains("sim") == true)
                #expect(error?.known.contains("openrouter") == true)
            }
        }
    }

    @Test func `a person's group decides whose key is used, and the ledger has their name`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let ann = try await clients.client(forUser: "ann")
                #expect(ann.group == "acme")
                _ = try await ann.chat([.user("Hi")])
                let cy = try await clients.client(forUser: "cy", provider: "second")
                _ = try await cy.chat([.user("Hi")], ChatOptions(model: "sim"))
                await #expect(throws: AINotConfiguredError.self) { _ = try await clients.client(forUser: "bob") }
                await #expect(throws: AIUnknownUserError.self) { _ = try await clients.client(forUser: "dan") }
                let keys = house.simulator.record().map { $0.headerFields["authorization"].first }
                #expect(keys == ["Bearer \(House.providerKey)", "Bearer \(House.providerKey)2"])
            }
            let rows = try await house.ledger()
            #expect(rows.map(\.user) == ["ann", "cy"])
            #expect(rows.map(\.group) == ["acme", "other"])
            #expect(rows.map(\.provider) == ["sim", "second"])
        }
    }

    @Test func `no client, event or error shows a key`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "acme")
                let options = ChatOptions(model: "sim?status=401&error=echo_key")
                let error = await #expect(throws: AIError.self) { _ = try await client.chat([.user("Hi")], options) }
                var text = ""
                dump(client, to: &text)
                dump(clients, to: &text)
                dump(error, to: &text)
                #expect(!text.contains(House.providerKey))
            }
        }
    }

    @Test func `a target that fails again and again is left alone`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "other", provider: "second")
                let options = ChatOptions(model: "sim?status=500")
                var codes: [String] = []
                for _ in 0..<20 {
                    let error = await #expect(throws: AIError.self) {
                        _ = try await client.chat([.user("Hi")], options)
                    }
                    codes.append(error?.code ?? "")
                }
                #expect(house.simulator.record().count < 20, "\(codes)")
                #expect(codes.last == "PROVIDER_UNAVAILABLE")
            }
        }
    }

    @Test func `a slow reader holds its provider back`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "acme")
                // About 40 MB in all.
                let options = ChatOptions(model: "sim?chunks=20000&chunk_bytes=2000")
                var iterator = client.streamChat([.user("Talk")], options).makeAsyncIterator()
                _ = try await iterator.next()
                // Others are served meanwhile.
                for _ in 0..<50 { _ = try await client.chat([.user("Hi")]) }
                let written = house.simulator.record().first?.bytesWritten ?? 0
                #expect(written < 30 << 20, "what is written more is in the kernel's buffers")
            }
        }
    }

    @Test func `a task that is cancelled ends its call`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "acme")
                let (begun, mark) = AsyncStream.makeStream(of: Void.self)
                let result = await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await _ in client.streamChat([.user("Talk")], ChatOptions(model: "sim?endless")) {
                            mark.yield()
                        }
                    }
                    for await _ in begun { break }
                    group.cancelAll()
                    return await group.nextResult()
                }
                #expect(throws: CancellationError.self) { try result?.get() }
            }
            #expect(try await house.ledger().count == 1)
            #expect(house.simulator.record().allSatisfy { $0.ending != .completed })
        }
    }

    @Test func `what is closed takes no calls, and a second closing waits for the first`() async throws {
        try await House.with { house in
            let clients = try await house.open()
            let client = try await clients.client(forGroup: "acme")
            await clients.close()
            await clients.close()
            let error = await #expect(throws: AIError.self) { _ = try await client.chat([.user("Hi")]) }
            #expect(error?.code == "SHUTTING_DOWN")
            await #expect(throws: AIError.self) { _ = try await clients.client(forGroup: "acme") }
        }
    }

    @Test func `two gateways on one data folder share its ledger, as two of the program do`() async throws {
        try await House.with { house in
            try await house.withClients { first in
                try await house.withClients { second in
                    _ = try await first.client(forGroup: "acme").chat([.user("Hi")])
                    _ = try await second.client(forGroup: "acme").chat([.user("Hi")])
                }
            }
            #expect(try await house.ledger().count == 2)
        }
    }

    @Test func `settings with mistakes are refused with all of them`() async throws {
        let error = await #expect(throws: AIConfigurationError.self) {
            _ = try await AIClients(AIClients.Configuration(yaml: "data_dirr: x\nserver: { loops: -1 }"))
        }
        #expect(error?.message.contains("data_dirr") == true)
        #expect(error?.message.contains("server.loops") == true)
        await #expect(throws: AIConfigurationError.self) {
            _ = try await AIClients(AIClients.Configuration(file: "/nowhere/turnpike.yaml"))
        }
    }

    // MARK: - A key of one's own

    private func terms(_ house: House, key: String = "sk-own", timeout: Duration = .seconds(10), retries: Int = 2)
        -> DirectAIClient.Terms
    {
        DirectAIClient.Terms(
            key: key,
            baseURL: house.simulator.baseURL + "/v1",
            defaultModel: "sim",
            timeout: timeout,
            retries: retries,
            allowsPrivate: true
        )
    }

    @Test func `a client with a key of its own calls with it, and retries as often as it says`() async throws {
        try await House.with { house in
            let client = try await DirectAIClient(self.terms(house, retries: 1))
            try house.simulator.script([ScriptEntry(times: 1, fault: ["status": "500"])])
            #expect(try await client.chat([.user("Hi")]).content.isEmpty == false)
            try house.simulator.script([ScriptEntry(times: 2, fault: ["status": "500"])])
            await #expect(throws: AIError.self) { _ = try await client.chat([.user("Hi")]) }
            let calls = house.simulator.record()
            #expect(calls.map(\.status) == [500, 200, 500, 500])
            #expect(calls.allSatisfy { $0.headerFields["authorization"] == ["Bearer sk-own"] })
            await client.close()
        }
    }

    @Test(arguments: [250, 700])
    func `its errors name its own timeout`(milliseconds: Int) async throws {
        try await House.with { house in
            let client = try await DirectAIClient(
                self.terms(house, timeout: .milliseconds(milliseconds), retries: 0)
            )
            let options = ChatOptions(model: "sim?stall_before_head")
            let error = await #expect(throws: AIError.self) {
                _ = try await client.streamChat([.user("Hi")], options).collect()
            }
            #expect(error?.code == "PROVIDER_TIMEOUT")
            #expect(error?.timeout == .milliseconds(milliseconds))
            #expect(error?.message.contains("\(milliseconds) ms") == true)
            await client.close()
        }
    }

    @Test func `without a key there is no client, whatever the environment has`() async throws {
        try await House.with { house in
            _ = await #expect(throws: AIConfigurationError.self) {
                _ = try await DirectAIClient(self.terms(house, key: ""))
            }
        }
    }

    @Test func `a key of one's own can be accounted for with a group's`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try clients.client(self.terms(house), forGroup: "acme")
                _ = try await client.chat([.user("Hi")])
            }
            let rows = try await house.ledger()
            #expect(rows.map(\.group) == ["acme"])
            #expect(rows.map(\.provider) == ["direct"])
        }
    }
}
