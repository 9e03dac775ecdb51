internal import Chat
internal import Core
internal import NIOCore

extension ConverseWriter {
    /// `system`: all instructions, wherever they stood; those inside of the conversation are noted as changed.
    mutating func writeSystem() {
        let start = self.body.writerIndex
        self.body.writeKey("system")
        self.body.beginArray()
        let empty = self.body.writerIndex
        var isInside = false
        for message in self.request.messages {
            guard message.role == .system || message.role == .developer else {
                isInside = true
                continue
            }
            if isInside { self.losses.drop(at: message.place) }
            self.noteUnsaid(message)
            for part in message.parts { self.writeSystem(part, from: empty) }
        }
        if let sentence = self.plan.instruction {
            self.body.separate()
            self.body.beginObject()
            self.body.writeMember("text", sentence)
            self.body.endObject()
        }
        if self.body.writerIndex == empty {
            self.body.moveWriterIndex(to: start)
        } else {
            self.body.endArray()
        }
    }

    private mutating func writeSystem(_ part: ContentPart, from empty: Int) {
        switch part.content {
        case .text(let text), .refusal(let text):
            if !text.isBlank {
                self.body.separate()
                self.body.beginObject()
                self.body.writeMember("text", text)
                self.body.endObject()
            }
        default:
            self.losses.drop(at: part.place)
        }
        self.losses.dropWishes(in: part.rest)
        guard let mark = part.cacheMark else { return }
        guard self.model.takesCachePoints, self.body.writerIndex > empty else { return self.losses.drop(mark) }
        self.body.separate()
        self.writeCachePoint(mark)
    }
}
