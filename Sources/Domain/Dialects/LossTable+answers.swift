package import Chat
internal import Core
internal import NIOCore

/// What becomes of each thing that an answer can have, at each client: the end of the page.
extension LossTable {
    /// One thing that a provider can answer.
    private struct Finding {
        /// How the page calls it.
        let name: String
        let answer: ChatAnswer
    }

    private static let clientTitles: [(format: WireFormat, title: String)] = [
        (.openAIChat, "OpenAI chat"), (.openAIResponses, "OpenAI Responses"), (.anthropic, "Anthropic"),
    ]

    /// What a client of a dialect is not told of an answer that has all there is.
    ///
    /// - Throws: `NoClientDialect` if no client speaks it.
    package static func lossesOfAnswers(for client: WireFormat) throws -> [String: AnswerLosses] {
        Dictionary(uniqueKeysWithValues: try self.findings.map { ($0.name, try Self.losses(of: $0, for: client)) })
    }

    static func answers() throws -> String {
        var page = """
            ## Answers

            What an answer has and the client's dialect has no place for is named too: as `answer.citations` and the
            like behind the paths of the request in `x-turnpike-dropped`, and in `turnpike explain`. The head of a
            stream is out before anything of it is lost: there a comment before the last event says it,
            `: turnpike-dropped answer.citations`; every client passes over comments. `strict` does not refuse answers,
            which are paid for when it shows.

            | answered | \(self.clientTitles.map(\.title).joined(separator: " | ")) |
            |---|---|---|---|

            """
        for finding in self.findings {
            let cells = try self.clientTitles.map { client in
                let losses = try self.losses(of: finding, for: client.format)
                return losses.isEmpty ? "yes" : losses.names.map { "`\($0)`" }.joined(separator: ", ")
            }
            page += "| \(finding.name) | \(cells.joined(separator: " | ")) |\n"
        }
        return page
    }

    private static func losses(of finding: Finding, for client: WireFormat) throws -> AnswerLosses {
        let request = ChatRequest(format: client)
        var context = AnswerContext(id: "1", created: 1, model: JSONString("m"), request: request)
        context.source = .gemini
        var body = ByteBuffer()
        return try Codecs.writeAnswer(finding.answer, as: client, context, into: &body)
    }

    private static var findings: [Finding] {
        func part(_ name: String, _ content: ContentPart.Content) -> Finding {
            Finding(name: name, answer: self.answer([ContentPart(content)]))
        }
        func cited(_ name: String, _ citation: String) -> Finding {
            var text = ContentPart(.text(JSONString("Hello")))
            text.citations = [JSONFragment(checked: ByteBuffer(string: citation))]
            return Finding(name: name, answer: self.answer([text]))
        }
        func call(_ name: String, signature: String?, isCustom: Bool = false) -> Finding {
            var call = ToolCall(
                id: JSONString("call_1"),
                name: JSONString("f"),
                arguments: .encoded(JSONString("{}")),
                signature: signature.map { JSONString($0) }
            )
            call.isCustom = isCustom
            return part(name, .toolCall(call))
        }
        let data = Media(.data(ByteBuffer(string: "AAAA")), mediaType: JSONString("image/png"))
        let thinking = Thinking(text: JSONString("So"), signature: JSONString("c2ln"), format: .gemini)
        var logprobs = self.answer([ContentPart(.text(JSONString("Hello")))])
        logprobs.choices[0].logprobs = JSONFragment(literal: #"{"content":[{"token":"Hello","logprob":-1}]}"#)
        var two = self.answer([ContentPart(.text(JSONString("Hello")))])
        two.choices.append(two.choices[0])
        var found = self.answer([ContentPart(.text(JSONString("Hello")))])
        let chunks = JSONFragment(literal: #"{"groundingChunks":[{"web":{"uri":"https://a.example"}}]}"#)
        found.choices[0].rest = [RestMember(name: JSONString("groundingMetadata"), value: chunks)]
        return [
            part("text", .text(JSONString("Hello"))),
            part("thoughts with a signature", .thinking(thinking)),
            part("refusal", .refusal(JSONString("No"))),
            call("call of a tool", signature: nil),
            call("call with a thought's signature", signature: "c2ln"),
            call("call with a signature of 5,000 bytes", signature: String(repeating: "A", count: 5_000)),
            call("call of a custom tool", signature: nil, isCustom: true),
            cited("source with an address", #"{"type":"url_citation","url":"https://a.example","title":"A"}"#),
            cited(
                "place in a document",
                #"{"title":"A","location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}}"#
            ),
            cited("document without an address", #"{"start":0,"end":5,"sources":[{"type":"tool","id":"a"}]}"#),
            Finding(name: "results of a search, for the whole answer", answer: found),
            part("picture", .image(data)),
            part("sound", .audio(Media(.data(ByteBuffer(string: "AAAA")), mediaType: JSONString("audio/wav")))),
            Finding(name: "log probabilities", answer: logprobs),
            Finding(name: "second answer", answer: two),
            part("step of a tool that the provider ran", .other(JSONFragment(literal: #"{"executableCode":{}}"#))),
        ]
    }

    private static func answer(_ parts: [ContentPart]) -> ChatAnswer {
        ChatAnswer(choices: [AnswerChoice(parts: parts, finish: .stop)], usage: TokenUsage())
    }
}
