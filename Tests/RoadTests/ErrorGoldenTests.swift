import Chat
import Core
import Glibc
import NIOCore
import Pipeline
import Providers
import Testing
import Transport

/// What clients are told where a provider refuses: two rows of the golden table, from the provider's own words to the
/// client's status, header and body.
///
/// `TURNPIKE_GOLDEN=write` rewrites the files (`make golden`); the diff is yours to review.
@Suite struct ErrorGoldenTests {
    struct Cell: Sendable, CustomTestStringConvertible {
        let client: WireFormat
        let provider: WireFormat
        let situation: String

        var testDescription: String { "\(self.situation) of \(self.provider.label) for \(self.client.label)" }

        /// All pairs but those that nobody can have: only clients of Responses reach a provider by it.
        static let all = WireFormat.clients.flatMap { client in
            WireFormat.allCases.filter { $0 != client && $0 != .openAIResponses }.flatMap { provider in
                ["rate-limit", "context-too-long"].map { Cell(client: client, provider: provider, situation: $0) }
            }
        }
    }

    private static let folder = #filePath.replacing("RoadTests/ErrorGoldenTests.swift", with: "Fixtures/dialects/")
    private static let isWriting = ["write", "1"].contains(getenv("TURNPIKE_GOLDEN").map { String(cString: $0) } ?? "")

    @Test(arguments: Cell.all)
    func `a provider's refusal is told in the client's words`(cell: Cell) async throws {
        let names = [
            "openai-chat": "groq", "anthropic": "claude", "cohere": "cohere", "gemini": "gemini", "bedrock": "aws",
        ]
        let provider = try #require(names[cell.provider.label.description])
        let road = try TranslationTests.road()
        let path = "situations/\(cell.provider.label)/error-\(cell.situation).json"
        let isLimit = cell.situation == "rate-limit"
        var fields = isLimit && cell.provider != .gemini ? "retry-after: 7\r\n" : ""
        if cell.provider == .bedrock {
            fields += "x-amzn-errortype: \(isLimit ? "ThrottlingException" : "ValidationException")\r\n"
        }
        let error = try Self.read(path)
        road.transport.scripts = [.json(error, status: isLimit ? 429 : 400, fields: fields)]
        let content = #""messages":[{"role":"user","content":"q"}]"#
        let (route, body) =
            switch cell.client {
            case .anthropic: ("/v1/messages", #"{"model":"\#(provider)/m","max_tokens":9,\#(content)}"#)
            case .openAIResponses: ("/v1/responses", #"{"model":"\#(provider)/m","input":"q"}"#)
            default: ("/v1/chat/completions", #"{"model":"\#(provider)/m",\#(content)}"#)
            }
        let answer = await road.send("POST", route, body: body)
        #expect(answer.status == (isLimit ? 429 : 400))
        if isLimit { #expect(answer.field("retry-after") == "7") }
        let told = try #require(answer.json)["error"]
        if cell.client == .anthropic {
            #expect(told?["type"] == (isLimit ? "rate_limit_error" : "invalid_request_error"))
        } else if !isLimit {
            #expect(told?["code"] == "context_length_exceeded")
        }
        var sent = answer.sent
        // Every call has its own.
        if let id = answer.json?["request_id"]?.stringValue { sent = sent.replacing(id, with: "req") }
        let wait = answer.field("retry-after").map { #","retry-after":"\#($0)""# } ?? ""
        let text = #"{"status":\#(answer.status)\#(wait),"body":\#(sent)}"# + "\n"
        try Self.hold(text, "golden/\(cell.client.label)-\(cell.provider.label)/\(cell.situation).json")
    }

    private static func hold(_ text: String, _ path: String) throws {
        guard Self.isWriting else {
            let golden = try Self.read(path)
            #expect(golden == text, "\(path) differs; `make golden` rewrites it")
            return
        }
        let file = try #require(fopen(Self.folder + path, "wb"), "\(path) cannot be written")
        defer { fclose(file) }
        #expect(fputs(text, file) >= 0)
    }

    private static func read(_ path: String) throws -> String {
        let file = try #require(fopen(Self.folder + path, "rb"), "\(path) cannot be read")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF {
            bytes.append(UInt8(truncatingIfNeeded: byte))
            byte = fgetc(file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
