import Core
import NIOCore
import Providers
import Testing

struct ProviderQuestionTests {
    private typealias Row = (kind: ProviderEntry.Kind, base: String, url: String)

    @Test func `each kind of provider is asked for its models where they are`() {
        let rows: [Row] = [
            (.openAI, "https://api.openai.com/v1", "GET https://api.openai.com/v1/models"),
            (.openAI, "http://127.0.0.1:11434/v1/", "GET http://127.0.0.1:11434/v1/models"),
            (.azure, "https://r.openai.azure.com", "GET https://r.openai.azure.com/openai/v1/models"),
            (.azure, "https://r.openai.azure.com/openai/v1", "GET https://r.openai.azure.com/openai/v1/models"),
            (.anthropic, "https://api.anthropic.com/v1", "GET https://api.anthropic.com/v1/models?limit=1000"),
            (.anthropic, "https://api.anthropic.com", "GET https://api.anthropic.com/v1/models?limit=1000"),
            (.cohere, "https://api.cohere.com/v2", "GET https://api.cohere.com/v1/models?page_size=1000"),
            (.gemini, "https://g.example/v1beta", "GET https://g.example/v1beta/models?pageSize=1000"),
            (
                .bedrock, "https://bedrock-runtime.eu-west-1.amazonaws.com",
                "POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-micro-v1%3A0/converse"
            ),
        ]
        for row in rows {
            let entry = ProviderEntry(name: "p", kind: row.kind)
            let question = ProviderQuestion.about(entry, at: row.base, .models)
            #expect("\(question.method) \(question.baseURL)\(question.path)" == row.url)
        }
        let openRouter = ProviderEntry(name: "openrouter")
        let base = "https://openrouter.ai/api/v1"
        #expect(ProviderQuestion.about(openRouter, at: base, .key).path == "/key")
        #expect(ProviderQuestion.about(openRouter, at: base, .models).path == "/models")
    }

    @Test func `a bad key is told from a bad request, whatever status a provider has for it`() {
        let badKey = #"{"error":{"code":400,"message":"x","details":[{"reason":"API_KEY_INVALID"}]}}"#
        let verdict = { (status: Int, body: String, kind: ProviderEntry.Kind) in
            ProviderQuestion.verdict(status, ByteBuffer(string: body), of: kind)
        }
        #expect(verdict(400, badKey, .gemini) == .refused)
        #expect(verdict(400, "{}", .gemini) == .other)
        #expect(verdict(400, #"{"message":"messages is missing"}"#, .bedrock) == .accepted)
        #expect(verdict(403, "{}", .bedrock) == .refused)
        #expect(verdict(401, "{}", .anthropic) == .refused)
        #expect(verdict(404, "", .openAI) == .unlisted)
        #expect(verdict(429, "", .cohere) == .limited)
        #expect(verdict(200, "", .openAI) == .accepted)
    }

    @Test func `models come by the names that calls use`() {
        let models = { (body: String, kind: ProviderEntry.Kind) in
            ProviderQuestion.models(in: ByteBuffer(string: body), of: kind)
        }
        #expect(models(#"{"data":[{"id":"a"},{"id":"b"},{"x":1}]}"#, .openAI) == ["a", "b"])
        #expect(
            models(#"{"models":[{"name":"models/gemini-3"},{"name":"tunedModels/x"}]}"#, .gemini)
                == ["gemini-3", "tunedModels/x"]
        )
        #expect(models(#"{"models":[{"name":"command-a"}]}"#, .cohere) == ["command-a"])
        #expect(models(#"[{"id":"t"}]"#, .openAI) == ["t"])
        #expect(models("<html>", .openAI) == [])
    }
}
