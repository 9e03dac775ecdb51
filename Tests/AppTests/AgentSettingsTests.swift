import Agents
import Core
import Testing

@testable import Engine
@testable import turnpike

/// Agents of the settings file, and of files of their own.
@Suite struct AgentSettingsTests {
    @Test func `agents are read with all they have, as the API has it`() throws {
        let settings = try Given.settings(
            """
            agents:
              tasks:
                group: demo
                name: Tasks
                model: fast
                prompt: |
                  You keep tasks.
                  Be brief.
                mode: both
                tools: [ tasks/add_task, "files/*" ]
                parameters: { temperature: 0.2, max_output_tokens: 300, stop: [ END ], reasoning_effort: low }
                limits: { rounds: 3, time: 20s, cost_usd: 0.50 }
                history: { policy: tokens, max: 4000 }
                fallback_text: { en: "Later.", pt-BR: Depois. }
                intents:
                  - tool: tasks/add_task
                    patterns: [ "add (a) task {title} [by {due:date}]", "new task {title}" ]
                    arguments: { list: inbox, urgent: false, count: 2 }
                    reply: "Added {title}[ for {due}]."
              plain: {}
            """
        )
        #expect(settings.agents.map(\.id) == ["tasks", "plain"])
        let tasks = settings.agents[0]
        #expect(tasks.group == GroupID("demo") && tasks.source == .settings)
        #expect(tasks.prompt == "You keep tasks.\nBe brief.\n")
        #expect(tasks.parameters.temperature == 0.2 && tasks.parameters.maxOutputTokens == 300)
        #expect(tasks.parameters.stop == ["END"] && tasks.parameters.reasoningEffort == "low")
        #expect(tasks.limits.roundsMax == 3 && tasks.limits.timeMaxMilliseconds == 20_000)
        #expect(tasks.limits.costMax == MicroDollars(500_000) && tasks.limits.parallelMax == 4)
        #expect(tasks.history == .tokens(4000))
        #expect(tasks.fallbackText == ["en": "Later.", "pt-br": "Depois."])
        #expect(tasks.tools.map(\.text) == ["tasks/add_task", "files/*"])
        #expect(JSONValue.object(tasks.intents[0].arguments) == ["list": "inbox", "urgent": false, "count": 2])
        #expect(tasks.intents[0].patterns == ["add (a) task {title} [by {due:date}]", "new task {title}"])
        #expect(settings.agents[1].group == nil && settings.agents[1].mode == .ai)
        #expect(settings.agents[1].limits == AgentLimits())
    }

    @Test(arguments: [
        ("agents: { a: { promt: x } }", "did you mean agents.a.prompt"),
        ("agents: { a/b: {} }", "agents.a/b"), ("agents: { a: { mode: auto } }", "agents.a.mode"),
        ("agents: { a: { mode: tools } }", "agents.a.intents"),
        ("agents: { a: { provider: openai } }", "agents.a.model"),
        ("agents: { a: { model: agent/b } }", "agents.a.model"),
        ("agents: { a: { parameters: { temperature: 3 } } }", "agents.a.parameters.temperature"),
        ("agents: { a: { tools: [ x ] } }", "agents.a.tools"),
        ("agents: { a: { intents: [ { tool: a/b } ] } }", "needs patterns"),
        ("agents: { a: { intents: [ { tool: a/b, patterns: [ \"{x}\" ] } ] } }", "agents.a.intents[0].patterns"),
        ("agents: { a: { history: { policy: tokens, count: 5 } } }", "agents.a.history"),
        ("agents: { a: { moderation: high } }", "agents.a.moderation"),
    ])
    func `a mistake is named with its place`(yaml: String, words: String) {
        let mistakes = Given.mistakes(yaml)
        #expect(mistakes.count == 1, "\(mistakes)")
        #expect(mistakes.first?.contains(words) == true, "\(mistakes)")
    }

    @Test func `a file of an agent is YAML or JSON, in the names of the API or of the settings`() throws {
        let yaml = """
            model: fast
            prompt: |
              Two
              lines
            parameters: { max_output_tokens: 5, temperature: 0.5, parallelToolCalls: false }
            intents:
              - { tool: a/b, patterns: [ "do {it}" ], arguments: { keep_this: "5" } }
            fallback_text: { en: Later. }
            help: null
            """
        let read = JSONValue.object(try AgentFile.read(yaml, name: "a.yaml"))
        #expect(read["parameters"]?["maxOutputTokens"] == 5)
        #expect(read["intents"]?[0]?["arguments"] == ["keep_this": "5"])
        #expect(read["fallbackText"] == ["en": "Later."])
        #expect(read["help"] == .null)
        _ = try AgentProfile(authored: read, id: "a", group: nil)
        let json = JSONValue.object(try AgentFile.read(#"{"model":"fast","parameters":{"topP":1}}"#, name: "a.json"))
        #expect(json == ["model": "fast", "parameters": ["topP": 1]])
        #expect(throws: CommandFailure.self) { try AgentFile.read("- a\n- b", name: "a.yaml") }
        #expect(throws: CommandFailure.self) { try AgentFile.read("a: [", name: "a.yaml") }
    }
}
