import Core
import Glibc
import Logging
import NIOCore
import Telemetry
import Testing

@Suite struct CallLogTests {
    static func record(
        model: String = "fast",
        provider: String = "openai",
        upstream: String = "gpt",
        code: GatewayError.Code? = nil
    ) -> CallRecord {
        var record = CallRecord(
            id: RequestID(high: 1, low: 2),
            time: UnixTime(milliseconds: 1_795_230_727_123),
            group: "demo",
            keyID: "dev",
            operation: "chat",
            modelAsked: model,
            provider: provider,
            upstreamModel: upstream,
            status: code == nil ? 200 : 502,
            code: code,
            isStream: true,
            attempts: 1,
            total: .microseconds(12_345),
            firstToken: .milliseconds(7),
            bytesIn: 100,
            bytesOut: 200,
            isClientGone: false
        )
        record.inputTokens = 3
        record.outputTokens = 4
        return record
    }

    static func line(_ record: CallRecord) -> String {
        var buffer = ByteBuffer()
        CallLog.write(record, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func `a call is one line of JSON with its facts`() throws {
        let json = try JSONValue.parse(Self.line(Self.record()))
        #expect(json["ts"] == "2026-11-21T03:12:07.123Z")
        #expect(json["request"] == "req_00000000000000010000000000000002")
        #expect(json["route"] == "chat")
        #expect(json["tokensIn"] == 3 && json["tokensOut"] == 4)
        #expect(json["ms"] == .number("12.3"))
        #expect(json["ttftMs"] == .number("7.0"))
        #expect(json["code"] == nil && json["variant"] == nil)
        var record = Self.record()
        record.variant = "canary"
        #expect(try JSONValue.parse(Self.line(record))["variant"] == "canary")
        #expect(try JSONValue.parse(Self.line(Self.record(code: .providerError)))["code"] == "PROVIDER_ERROR")
    }

    @Test func `whatever a client writes, one call is one line (row 52)`() throws {
        let nasty = [
            "\n{\"ts\":\"forged\"}\n", "\r\n", "\u{1B}[31m", "\u{2028}", "\u{2029}", "\u{202E}", "\"", "\\", "\0",
            "\u{85}",
        ]
        for text in nasty {
            let line = Self.line(Self.record(model: text, upstream: text))
            #expect(line.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
            #expect(line.utf8.dropLast().allSatisfy { $0 >= 0x20 })
            #expect(!line.unicodeScalars.contains { [0x2028, 0x2029, 0x202E, 0x85].contains($0.value) })
            #expect(try JSONValue.parse(line)["model"] == .string(text))
        }
    }

    @Test func `lines of all loops reach the descriptor whole and in order`() throws {
        let pipe = try Pipe()
        let writer = LineWriter(descriptor: pipe.writeEnd)
        let log = CallLog(loops: 2, writer: writer)
        for number in 0..<100 { log.append(Self.record(model: "m\(number)"), loop: number % 2) }
        log.flush()
        writer.drain()
        let lines = pipe.readAll().split(separator: "\n")
        #expect(lines.count == 100)
        #expect(try lines.allSatisfy { try JSONValue.parse(String($0))["msg"] == "call" })
        #expect(log.dropped == 0)
    }

    @Test func `a disk that does not take lines costs lines, which are counted, and no time (row 115)`() throws {
        let pipe = try Pipe()
        // Nobody reads; the pipe takes 64 KiB and the queue what it may, and the rest is dropped at once.
        let writer = LineWriter(descriptor: pipe.writeEnd, queuedBytesMax: 100_000)
        let log = CallLog(loops: 1, writer: writer)
        for number in 0..<5000 { log.append(Self.record(model: "m\(number)"), loop: 0) }
        log.flush()
        #expect(log.dropped > 1000)
        pipe.closeReadEnd()
        writer.drain()
    }

    @Test func `other log lines are JSON too, escaped alike`() throws {
        let pipe = try Pipe()
        let writer = LineWriter(descriptor: pipe.writeEnd)
        var logger = Logger(label: "net") { label in
            JSONLogHandler(label: label, level: .info, writer: writer, now: { UnixTime(seconds: 0) })
        }
        logger[metadataKey: "address"] = "127.0.0.1"
        logger.debug("not shown")
        logger.info("Listening\n", metadata: [LogKeys.count: "2"])
        writer.drain()
        let lines = pipe.readAll().split(separator: "\n")
        let json = try JSONValue.parse(String(try #require(lines.first)))
        #expect(lines.count == 1)
        #expect(json["ts"] == "1970-01-01T00:00:00.000Z")
        #expect(json["msg"] == "Listening\n" && json["level"] == "info" && json["count"] == "2")
        #expect(json["address"] == "127.0.0.1")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (Int64.max, "9999-12-31T23:59:59.999Z"), (Int64.min, "0000-01-01T00:00:00.000Z"),
    ])
    func `times are written as RFC 3339`(milliseconds: Int64, text: String) {
        var buffer = ByteBuffer()
        UnixTime(milliseconds: milliseconds).writeRFC3339(into: &buffer)
        #expect(String(buffer: buffer) == text)
    }
}

/// A pipe of the system, closed with the object.
final class Pipe {
    private var readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        (self.readEnd, self.writeEnd) = (ends[0], ends[1])
        // The end of a test must not be the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        self.closeReadEnd()
        close(self.writeEnd)
    }

    func closeReadEnd() {
        if self.readEnd >= 0 { close(self.readEnd) }
        self.readEnd = -1
    }

    /// What is in the pipe by now.
    func readAll() -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(self.readEnd, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
