import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Pipeline

@Suite struct SinkBetweenTests {
    /// Writes down what it is given.
    private final class Client: ReplySink {
        private(set) var calls: [String] = []
        private(set) var hasContent = false
        var hasCredit = false

        func expectStream() { self.calls.append("expectStream") }
        func whole(_ answer: WholeReply) { self.calls.append("whole \(answer.status)") }
        func begin(_ head: StreamHead) { self.calls.append("begin events") }
        func begin(_ head: ByteHead) { self.calls.append("begin bytes") }
        func bytes(_ bytes: ByteBuffer) { self.calls.append("bytes \(bytes.readableBytes)") }
        func flush() { self.calls.append("flush") }
        func end() { self.calls.append("end") }
        func fail(_ error: GatewayError) { self.calls.append("fail \(error.code.rawValue)") }
        func awaitCredit() { self.calls.append("awaitCredit") }
        func event(_ event: ServerSentEvent, isContent: Bool) {
            self.hasContent = self.hasContent || isContent
            self.calls.append("event \(String(buffer: event.data)) \(isContent)")
        }
    }

    private final class Between: SinkBetween {
        var reply: (any ReplySink)?
    }

    /// Everything that a stage may say, once.
    private static func sayAll(to sink: any ReplySink) async throws {
        sink.expectStream()
        try sink.whole(WholeReply(status: 201, fields: ByteBuffer(), body: ByteBuffer()))
        try sink.begin(StreamHead(fields: ByteBuffer()))
        try sink.event(ServerSentEvent(data: ByteBuffer(string: "x")), isContent: true)
        try sink.begin(ByteHead(status: 200, length: nil, fields: ByteBuffer()))
        try sink.bytes(ByteBuffer(string: "abc"))
        try sink.flush()
        try sink.end()
        try sink.fail(GatewayError(.internalFailure, "x"))
        try await sink.awaitCredit()
    }

    @Test func `what a sink does not see to itself goes on as it came`() async throws {
        let (sink, client) = (Between(), Client())
        sink.reply = client
        #expect(!sink.hasContent && !sink.hasCredit)
        try await Self.sayAll(to: sink)
        #expect(
            client.calls == [
                "expectStream", "whole 201", "begin events", "event x true", "begin bytes", "bytes 3", "flush", "end",
                "fail INTERNAL", "awaitCredit",
            ]
        )
        client.hasCredit = true
        #expect(sink.hasContent && sink.hasCredit)
    }

    @Test func `what is for nobody goes nowhere, and there is room for more`() async throws {
        let sink = Between()
        try await Self.sayAll(to: sink)
        #expect(!sink.hasContent && sink.hasCredit)
    }
}
