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
        case .open(_, .toolCall(_, let name, _, _)): self.output.add(name)
        case .usage(let usage): self.usage.merge(usage)
        default: break
        }
    }

    /// Reads a whole answer by the codec of the provider's dialect, and notes what it used.
    @discardableResult
    func read(_ body: ByteBuffer, as format: WireFormat) throws -> ChatAnswer {
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
        // What failed before it said anything is a failure, and another target may do better.
        if answer.choices.allSatisfy({ $0.finish == .error && $0.parts.isEmpty }) {
            throw ProviderFault.failed(status: 200)
        }
        guard self.isToBeCounted(body) else { return answer }
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

    /// Counted where the provider did not, where it said more than so few bytes usually are (row 78), and now and then
    /// to see how good our counting is.
    func isToBeCounted(_ body: ByteBuffer) -> Bool {
        let reported = self.usage.output ?? 0
        return self.isSample || reported == 0 || reported > (body.readableBytes - 400) / 3
    }
}
