import Chat
import Core
import Glibc
import NIOConcurrencyHelpers
import TestKit

@testable import Metering

/// A journal in a folder of its own, written to by one test.
final class TestJournal {
    let scratch: ScratchFolder
    let encoder: JournalEncoder
    let keeper: JournalKeeper
    let writer: NIOLockedValueBox<JournalWriter>

    var folder: String { self.scratch.path }

    init(
        in scratch: ScratchFolder,
        epoch: Int64 = 1,
        segmentBytes: Int = 64 << 10,
        _ change: (inout JournalOptions) -> Void = { _ in }
    ) throws {
        var options = JournalOptions(now: { UnixTime(milliseconds: 1_780_000_000_000) }, onFailure: { _ in })
        options.segmentBytes = segmentBytes
        change(&options)
        let key = JournalKey((0..<16).map { UInt8($0) + UInt8(truncatingIfNeeded: epoch) })
        let opened = try Journal.open(folder: scratch.path, epoch: epoch, key: key, options: options)
        self.scratch = scratch
        self.encoder = opened.encoder
        self.keeper = opened.keeper
        self.writer = NIOLockedValueBox(opened.writer)
    }

    convenience init(segmentBytes: Int = 64 << 10, _ change: (inout JournalOptions) -> Void = { _ in }) throws {
        try self.init(in: ScratchFolder(), segmentBytes: segmentBytes, change)
    }

    @discardableResult
    func append(_ record: JournalRecord) throws -> JournalPosition {
        let encoded = try self.encoder.encoded(record)
        return try self.writer.withLockedValue { try $0.append(encoded) }
    }

    /// Appends until it is refused, and says why; at most a million times.
    func fill(with record: (Int) -> JournalRecord) throws -> (count: Int, error: JournalError?) {
        for count in 0..<1_000_000 {
            do {
                try self.append(record(count))
            } catch let error as JournalError {
                return (count, error)
            }
        }
        return (1_000_000, nil)
    }

    /// Everything that is due, done.
    func pass() async {
        self.keeper.tick()
        await self.keeper.settle()
    }
}

extension JournalEncoder {
    func encoded(_ record: JournalRecord) throws -> EncodedRecord {
        switch record {
        case .intent(let id, let intent): try self.intent(id, intent)
        case .checkpoint(let id, let checkpoint): self.checkpoint(id, checkpoint)
        case .end(let id, let end): self.end(id, end)
        case .carried(let id, let intent, let checkpoint): try self.carried(id, intent, checkpoint)
        }
    }
}

/// Records for tests.
enum Samples {
    static func id(_ counter: Int) -> AttemptID { AttemptID(epoch: 1, counter: Int64(counter)) }

    static func intent(_ counter: Int, metadata: String = "") -> JournalRecord {
        .intent(Self.id(counter), Self.intent(metadata: metadata))
    }

    static func intent(metadata: String = "") -> AttemptIntent {
        var intent = AttemptIntent(
            requestID: "req_0123456789",
            startedAt: UnixTime(milliseconds: 1_780_000_000_000),
            consumer: Consumer(group: "demo", user: "ada", key: "tpk_1", model: "gpt-4o"),
            operation: "chat",
            provider: "openai",
            upstreamModel: "gpt-4o-2024-08-06",
            isStream: true,
            inputEstimate: 250,
            outputMax: 1000,
            rates: Rates(input: 2_500_000, output: 10_000_000, source: "built-in"),
            reserved: MicroDollars(700)
        )
        intent.metadata = metadata
        return intent
    }

    static func checkpoint(_ counter: Int, output: Int = 10) -> JournalRecord {
        .checkpoint(Self.id(counter), AttemptCheckpoint(usage: TokenUsage(output: output), outputCounted: output))
    }

    static func end(_ counter: Int) -> JournalRecord {
        .end(
            Self.id(counter),
            AttemptEnd(
                endedAt: UnixTime(milliseconds: 1_780_000_001_000),
                outcome: .ok,
                source: .provider,
                usage: TokenUsage(input: 250, output: 100),
                cost: MicroDollars(1625),
                charged: MicroDollars(1625),
                upstreamStatus: 200,
                firstContentMilliseconds: 300
            )
        )
    }
}

// MARK: - Chance

/// Any record whatever, with the numbers at the ends of their ranges among them.
struct RecordMaker {
    var generator: SeededGenerator

    mutating func record() -> JournalRecord {
        let id = AttemptID(self.number())
        switch self.generator.below(4) {
        case 0: return .intent(id, self.intent())
        case 1: return .checkpoint(id, self.checkpoint())
        case 2: return .end(id, self.end())
        default: return .carried(id, self.intent(), self.generator.oneIn(2) ? self.checkpoint() : nil)
        }
    }

    mutating func intent() -> AttemptIntent {
        var intent = AttemptIntent(
            requestID: self.text(),
            firstAttempt: self.generator.oneIn(2) ? AttemptID(self.number()) : nil,
            number: Int(self.number()),
            startedAt: UnixTime(milliseconds: self.number()),
            consumer: Consumer(
                group: self.text(),
                user: self.text(),
                key: self.text(),
                agent: self.text(),
                model: self.text()
            ),
            operation: self.text(),
            provider: self.text(),
            upstreamModel: self.text(),
            isStream: self.generator.oneIn(2),
            inputEstimate: Int(self.number()),
            outputMax: self.count(),
            rates: self.rates(),
            reserved: MicroDollars(self.number())
        )
        intent.credentialID = self.text()
        intent.variant = self.text()
        intent.metadata = self.text()
        intent.idempotencyClaim = self.text()
        return intent
    }

    mutating func rates() -> Rates {
        var rates = Rates(input: self.number(), output: self.number(), source: self.text())
        rates.cachedInput = self.optional()
        rates.cacheWrite = self.optional()
        rates.reasoning = self.optional()
        rates.audioInput = self.optional()
        rates.audioOutput = self.optional()
        rates.image = self.number()
        rates.request = self.number()
        rates.cacheWriteLong = self.optional()
        if self.generator.oneIn(2) {
            (rates.characters, rates.minute, rates.searches) = (self.number(), self.number(), self.number())
        }
        rates.takesReportedCost = self.generator.oneIn(2)
        if self.generator.oneIn(2) {
            rates.long = Rates.LongRequests(
                above: Int32(truncatingIfNeeded: self.number()),
                inputPercent: Int16(truncatingIfNeeded: self.number()),
                outputPercent: Int16(truncatingIfNeeded: self.number())
            )
        }
        return rates
    }

    mutating func usage() -> TokenUsage {
        TokenUsage(
            input: self.count(),
            output: self.count(),
            cachedInput: self.count(),
            cacheWrite: self.count(),
            cacheWriteLong: self.count(),
            reasoning: self.count(),
            audioInput: self.count(),
            audioOutput: self.count(),
            images: self.count(),
            cost: self.optional().map { MicroDollars($0) },
            characters: self.count(),
            soundMilliseconds: self.count(),
            searches: self.count()
        )
    }

    mutating func checkpoint() -> AttemptCheckpoint {
        AttemptCheckpoint(usage: self.usage(), outputCounted: Int(self.number()))
    }

    mutating func end() -> AttemptEnd {
        AttemptEnd(
            endedAt: UnixTime(milliseconds: self.number()),
            outcome: self.generator.pick(AttemptOutcome.allCases),
            source: self.generator.pick(UsageSource.allCases),
            usage: self.usage(),
            cost: MicroDollars(self.number()),
            charged: MicroDollars(self.number()),
            isCharged: self.generator.oneIn(2),
            upstreamStatus: Int(self.number()),
            code: self.text(max: 16),
            firstContentMilliseconds: self.count()
        )
    }

    mutating func number() -> Int64 {
        switch self.generator.below(6) {
        case 0: self.generator.pick([0, 1, -1, .max, .min, 63, 64, -64, -65, 127, 128])
        case 1: Int64(bitPattern: self.generator.next())
        default: Int64(bitPattern: self.generator.next() >> UInt64(self.generator.below(64)))
        }
    }

    private mutating func optional() -> Int64? { self.generator.oneIn(2) ? self.number() : nil }
    private mutating func count() -> Int? { self.generator.oneIn(2) ? Int(self.number()) : nil }

    private mutating func text(max: Int = 40) -> String {
        switch self.generator.below(5) {
        case 0: ""
        case 1: String("žluťoučký kůň 🐎 日本語 \u{0}\n".prefix(self.generator.below(max) / 2))
        default: self.generator.text(self.generator.below(max))
        }
    }
}

// MARK: - Files

enum TestFile {
    static func bytes(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw JournalError.last("open", path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { throw JournalError.last("read", path) }
        return bytes
    }

    static func write(_ bytes: some Sequence<UInt8>, at offset: Int, to path: String) throws {
        let bytes = Array(bytes)
        let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw JournalError.last("open", path) }
        defer { close(descriptor) }
        let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) }
        guard count == bytes.count else { throw JournalError.last("write", path) }
    }

    static func flip(_ offset: Int, in path: String) throws {
        try Self.write([Self.bytes(path)[offset] ^ 0x10], at: offset, to: path)
    }

    static func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }
}

extension DeadJournal {
    /// Everything that can be read.
    func readAll(from position: JournalPosition = .start) throws -> TestReading {
        let reader = try self.reader(from: position)
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return TestReading(entries: entries, faults: reader.faults, ending: reader.ending)
    }
}

struct TestReading {
    var entries: [JournalEntry]
    var faults: [JournalFault]
    var ending: JournalEnding

    var records: [JournalRecord] { self.entries.map(\.record) }
    var counters: [Int] { self.entries.map { Int($0.record.attempt.value & (1 << AttemptID.counterBits - 1)) } }
}
