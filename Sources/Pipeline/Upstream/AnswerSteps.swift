internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers

/// What the gateway takes note of while an answer that is read by a codec passes.
extension Call {
    /// Counts what a step of a stream says.
    func note(_ step: AnswerEvent) {
        switch step {
        case .text(_, let text), .thinking(_, let text), .refusal(_, let text), .arguments(_, let text):
            self.output.add(text)
        case .open(_, .toolCall(_, let name, _)): self.output.add(name)
        case .usage(let usage): self.usage.merge(usage)
        default: break
        }
    }

    /// Reads a whole answer by the codec of the provider's dialect, and notes what it used.
    func read(_ body: ByteBuffer, as format: WireFormat, counts: (TokenUsage) -> Bool) throws -> ChatAnswer {
        let answer: ChatAnswer
        do throws(AnswerUnreadable) {
            answer = try Codecs.readAnswer(body, as: format)
        } catch {
            switch error {
            case .garbled: throw ProviderFault.unreadable
            case .failure(let body): throw ProviderFault(inSuccess: body)
            }
        }
        self.usage.merge(answer.usage)
        guard counts(self.usage) else { return answer }
        for part in answer.choices.flatMap(\.parts) {
            switch part.content {
            case .text(let text), .refusal(let text): self.output.add(text)
            case .thinking(let thinking): self.output.add(thinking.text)
            case .toolCall(let call):
                self.output.add(call.name)
                self.output.add(call.arguments.asString)
            default: break
            }
        }
        return answer
    }
}
