import Simulator
import Testing
import TurnpikeClient
import TurnpikeRemote

/// What both kinds of clients do, in process and over HTTP.
@Suite struct BothKindsTests {
    private static let weather = ChatTool(
        name: "weather",
        description: "The weather of a place.",
        parameters: #"{"type":"object","properties":{"place":{"type":"string"}},"required":["place"]}"#
    )

    @Test(arguments: Kind.allCases)
    func `a stream says what a whole answer says, to the last figure`(kind: Kind) async throws {
        try await House.with { house in
            try await kind.with(house) { client in
                let messages: [ChatMessage] = [.system("Be brief."), .user("Is anybody there?")]
                let whole = try await client.chat(messages)
                let streamed = try await client.streamChat(messages).collect()
                #expect(whole == streamed)
                #expect(!whole.content.isEmpty)
                #expect(whole.end.finishReason == "stop")
                let call = try #require(house.simulator.record().first)
                #expect(
                    whole.usage.map { [$0.inputTokens, $0.outputTokens] } == [call.promptTokens, call.completionTokens]
                )
            }
        }
    }

    @Test func `the same question has the same answer in process and over HTTP`() async throws {
        try await House.with { house in
            var replies: [ChatReply] = []
            for kind in Kind.allCases {
                replies.append(try await kind.with(house) { try await $0.chat([.user("Who are you?")]) })
            }
            #expect(replies[0] == replies[1])
        }
    }

    @Test(arguments: Kind.allCases)
    func `a tool is called, and its result is answered`(kind: Kind) async throws {
        try await House.with { house in
            try await kind.with(house) { client in
                let options = ChatOptions(tools: [Self.weather])
                let question = ChatMessage.user("How is the weather in Rome?")
                var calls: [ChatToolCall] = []
                var end: ChatEnd?
                for try await event in client.streamChat([question], options) {
                    #expect(end == nil, "nothing follows the end")
                    switch event {
                    case .content: break
                    case .toolCall(let call): calls.append(call)
                    case .done(let done): end = done
                    }
                }
                #expect(calls.map(\.name) == ["weather"])
                #expect(end?.finishReason == "tool_calls")
                #expect(end?.usage != nil)
                let whole = try await client.chat([question], options)
                #expect(whole.toolCalls.map(\.arguments) == calls.map(\.arguments))
                let result = ChatMessage.tool("sunny", for: try #require(calls.first))
                let answer = try await client.chat([question, .assistant("", toolCalls: calls), result], options)
                #expect(answer.content.contains("sunny"))
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `a failure is tried again, and what stays one is named`(kind: Kind) async throws {
        try await House.with { house in
            try house.simulator.script([ScriptEntry(times: 1, fault: ["status": "503"])])
            try await kind.with(house) { client in
                let again = try await client.chat([.user("Again?")])
                #expect(!again.content.isEmpty)
                #expect(house.simulator.record().map(\.status) == [503, 200])
                let error = await #expect(throws: AIError.self) {
                    _ = try await client.chat([.user("Hi")], ChatOptions(model: "sim?status=400"))
                }
                #expect(error?.code == "PROVIDER_REFUSED")
                let cut = await #expect(throws: AIError.self) {
                    _ = try await client.streamChat([.user("Hi")], ChatOptions(model: "sim?midstream_error=4"))
                        .collect()
                }
                #expect(cut?.code.hasPrefix("PROVIDER_") == true)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `a timeout names its own limit`(kind: Kind) async throws {
        try await House.with { house in
            try await kind.with(house) { client in
                let options = ChatOptions(model: "sim?stall_before_head", timeout: .milliseconds(300))
                let error = await #expect(throws: AIError.self) { _ = try await client.chat([.user("Hi")], options) }
                #expect(error?.code == "PROVIDER_TIMEOUT")
                #expect(error?.timeout == .milliseconds(300))
                #expect(error?.message.contains("300 ms") == true)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `a budget that is used up is an error with its code`(kind: Kind) async throws {
        let money = """
            budgets: { little: { group: acme, usd: 0.000001, per: total } }
            prices: { sim: { input: 10, output: 20 } }
            """
        try await House.with(money) { house in
            try await kind.with(house) { client in
                let error = await #expect(throws: AIError.self) { _ = try await client.chat([.user("Hi")]) }
                #expect(error?.code == "BUDGET_EXCEEDED")
                #expect(house.simulator.record().isEmpty)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `who leaves a stream ends the call, and what was used is billed`(kind: Kind) async throws {
        try await House.with { house in
            try await kind.with(house) { client in
                let options = ChatOptions(model: "sim?endless")
                var pieces = 0
                for try await event in client.streamChat([.user("Talk")], options) {
                    if case .content = event { pieces += 1 }
                    if pieces == 5 { break }
                }
                #expect(pieces == 5)
            }
            let rows = try await house.ledger()
            #expect(rows.count == 1)
            #expect((rows.first?.output ?? 0) >= 5)
            #expect(rows.first?.group == "acme")
        }
    }

    @Test(arguments: Kind.allCases)
    func `an agent answers as a model`(kind: Kind) async throws {
        let agent = "agents: { helper: { group: acme, model: \"sim?text=I+help\", prompt: \"Help.\" } }"
        try await House.with(agent) { house in
            try await kind.with(house) { client in
                let reply = try await client.chat([.user("Hi")], ChatOptions(model: "agent/helper"))
                #expect(!reply.content.isEmpty)
            }
        }
    }

    @Test func `a stream whose connection drops goes on where it was, and is charged once`() async throws {
        try await House.with { house in
            try await Door.with(house) { port in
                let proxy = try await CuttingProxy.start(to: port, cutAfter: 3_000)
                defer { proxy.stop() }
                let clients = try await RemoteAIClients(baseURL: proxy.baseURL, key: House.gatewayKey)
                let options = ChatOptions(model: "sim?chunks=200&interval_ms=2", idempotencyKey: "once")
                let reply = try await clients.client().streamChat([.user("Talk")], options).collect()
                #expect(proxy.connections > 1)
                #expect(reply.end.finishReason == "stop")
                let plain = ChatOptions(model: "sim?chunks=200")
                let direct = try await RemoteAIClients(baseURL: "http://127.0.0.1:\(port)", key: House.gatewayKey)
                let whole = try await direct.client().chat([.user("Talk")], plain)
                #expect(whole.content == reply.content)
                await clients.close()
                await direct.close()
                #expect(house.simulator.record().count == 2)
            }
        }
    }
}
