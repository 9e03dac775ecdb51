import Chat
import Core
import Dialects
import NIOCore
import Wire

/// The first byte says the provider's dialect, and in its highest bit whether the rest is a stream or a whole answer.
///
/// Whatever a provider sends, every client gets JSON or nothing, and steps come in their order. Messages of Bedrock's
/// streams stand here as server-sent events, which its reader is given them as.
func checkAnswers(_ input: UnsafeRawBufferPointer) throws {
    guard let first = input.first else { return }
    let provider = WireFormat.allCases[Int(first & 0x7F) % WireFormat.allCases.count]
    let body = ByteBuffer(bytes: input.dropFirst())
    if first & 0x80 == 0 { try checkWhole(body, of: provider) } else { try checkStream(body, of: provider) }
}

private func checkWhole(_ body: ByteBuffer, of provider: WireFormat) throws {
    guard let answer = try? Codecs.readAnswer(body, as: provider) else { return }
    for client in WireFormat.clients {
        var written = ByteBuffer()
        try Codecs.writeAnswer(answer, as: client, context(client, provider), into: &written)
        let isJSON = written.withUnsafeReadableBytes { (try? JSONScanner.validate($0)) != nil }
        try require(isJSON, "\(provider) to \(client): \(String(buffer: written))")
    }
}

private func checkStream(_ body: ByteBuffer, of provider: WireFormat) throws {
    let reader = Codecs.streamReader(provider)
    let writers = try WireFormat.clients.map { try Codecs.streamWriter($0, context($0, provider)) }
    var order = Order()
    func take(_ step: AnswerEvent) throws {
        try order.check(step)
        for writer in writers {
            try writer.write(step) { event, _ in
                let isJSON = event.data.withUnsafeReadableBytes { (try? JSONScanner.validate($0)) != nil }
                let isEnd = event.data.readableBytesView.elementsEqual("[DONE]".utf8)
                try require(isJSON || isEnd, "\(provider) to \(type(of: writer)): \(String(buffer: event.data))")
            }
        }
    }
    var events = SSEReader(limits: SSELimits(lineBytesMax: 1 << 16, eventBytesMax: 1 << 16))
    events.feed(body)
    do {
        while let event = try events.next() { try reader.read(event, take) }
        try reader.finish(take)
    } catch is AnswerUnreadable {
        return
    } catch is SSEError {
        return
    }
}

/// The order that `AnswerEvent` promises.
private struct Order {
    private var hasBegun = false
    private var open: Int?
    private var opened = 0
    private var hasFinished = false
    private var hasEnded = false

    mutating func check(_ step: AnswerEvent) throws {
        try require(!self.hasEnded, "\(step) after the end")
        switch step {
        case .begin:
            try require(!self.hasBegun, "a second beginning")
            self.hasBegun = true
        case .open(let part, _):
            try require(self.hasBegun && !self.hasFinished && self.open == nil && part == self.opened, "\(step)")
            self.open = part
            self.opened += 1
        case .text(let part, _), .thinking(let part, _), .signature(let part, _), .refusal(let part, _),
            .arguments(let part, _), .citation(let part, _):
            try require(self.open == part, "\(step) while \(String(describing: self.open)) is open")
        case .close(let part):
            try require(self.open == part, "\(step) while \(String(describing: self.open)) is open")
            self.open = nil
        case .finish:
            try require(self.hasBegun && self.open == nil && !self.hasFinished, "\(step)")
            self.hasFinished = true
        case .image:
            try require(self.hasBegun && self.open == nil && !self.hasFinished, "\(step)")
        case .logprobs, .unsaid:
            try require(self.hasBegun && !self.hasFinished, "\(step)")
        case .usage: break
        case .end:
            try require(self.hasFinished, "an end without a reason")
            self.hasEnded = true
        case .failure:
            self.hasEnded = true
        }
    }
}

private func context(_ client: WireFormat, _ provider: WireFormat) -> AnswerContext {
    var request = ChatRequest(format: client)
    request.wantsUsage = true
    var context = AnswerContext(id: "1", created: 1_700_000_000, model: JSONString("m"), request: request)
    context.source = provider
    return context
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
