internal import Chat
internal import Core
internal import NIOCore

/// A record ready to be appended: its head, kind, body and padding.
package struct EncodedRecord: Sendable {
    let kind: JournalKind
    let bytes: ByteBuffer

    /// How much of a segment it takes.
    package var byteCount: Int { self.bytes.readableBytes }
}

/// Turns records into bytes, outside of any lock.
///
/// Whole numbers are written in groups of seven bits, signed ones folded so that small ones stay short; texts are UTF-8
/// behind their length; what may be missing has a bit that says whether it is there.
package struct JournalEncoder: Sendable {
    private let key: JournalKey

    /// - Parameter key: The one of the journal that the records go to.
    package init(key: JournalKey) { self.key = key }

    /// - Throws: `JournalError.tooLarge`: its texts are too long.
    package func intent(_ id: AttemptID, _ intent: AttemptIntent) throws(JournalError) -> EncodedRecord {
        let (capacity, flags) = try Self.measure(intent)
        return self.record(.intent, capacity: capacity) { pen in
            pen.signed(id.value)
            Self.write(intent, of: id, flags: flags, with: &pen)
        }
    }

    /// At most `JournalFrame.checkpointBytesMax` bytes.
    package func checkpoint(_ id: AttemptID, _ checkpoint: AttemptCheckpoint) -> EncodedRecord {
        self.record(.checkpoint, capacity: JournalFrame.checkpointBytesMax) { pen in
            pen.signed(id.value)
            Self.write(checkpoint, with: &pen)
        }
    }

    /// At most `JournalFrame.endBytesMax` bytes; of the code, the first 64 are kept.
    package func end(_ id: AttemptID, _ end: AttemptEnd) -> EncodedRecord {
        self.record(.end, capacity: JournalFrame.endBytesMax) { pen in
            pen.signed(id.value)
            pen.signed(end.endedAt.milliseconds)
            pen.unsigned(UInt64(end.outcome.rawValue))
            pen.unsigned(UInt64(end.source.rawValue))
            pen.unsigned((end.isCharged ? 1 : 0) | (end.firstContentMilliseconds == nil ? 0 : 2))
            Self.write(end.usage, with: &pen)
            pen.signed(end.cost.value)
            pen.signed(end.charged.value)
            pen.signed(Int64(end.upstreamStatus))
            pen.text(end.code, bytesMax: Self.codeBytesMax)
            if let milliseconds = end.firstContentMilliseconds { pen.signed(Int64(milliseconds)) }
        }
    }

    /// An intent once more, with how far the attempt has come.
    ///
    /// - Throws: `JournalError.tooLarge`.
    package func carried(
        _ id: AttemptID,
        _ intent: AttemptIntent,
        _ checkpoint: AttemptCheckpoint?
    ) throws(JournalError) -> EncodedRecord {
        var (capacity, flags) = try Self.measure(intent)
        if checkpoint != nil { flags |= IntentFlags.hasCheckpoint }
        capacity += JournalFrame.checkpointBytesMax
        return self.record(.carried, capacity: capacity) { pen in
            pen.signed(id.value)
            Self.write(intent, of: id, flags: flags, with: &pen)
            if let checkpoint { Self.write(checkpoint, with: &pen) }
        }
    }

    /// What the end of a segment says.
    var seal: EncodedRecord { self.record(.seal, capacity: JournalFrame.sealBytes) { _ in } }

    // MARK: - Parts

    static let codeBytesMax = 64

    /// The most bytes an intent takes, and its flags.
    private static func measure(_ intent: AttemptIntent) throws(JournalError) -> (capacity: Int, flags: UInt64) {
        var texts = intent.requestID.utf8.count + intent.consumer.group.utf8.count + intent.consumer.user.utf8.count
        texts += intent.consumer.key.utf8.count + intent.consumer.agent.utf8.count + intent.consumer.model.utf8.count
        texts += intent.operation.utf8.count + intent.provider.utf8.count + intent.upstreamModel.utf8.count
        texts += intent.credentialID.utf8.count + intent.variant.utf8.count + intent.metadata.utf8.count
        texts += intent.rates.source.utf8.count + intent.idempotencyClaim.utf8.count
        // Fourteen lengths of up to three bytes, 22 numbers of up to ten, flags, head, kind and padding.
        let capacity = texts + 14 * 3 + 22 * 10 + 3 + JournalFrame.headBytes + 1 + 8
        guard capacity + JournalFrame.checkpointBytesMax <= JournalFrame.recordBytesMax else {
            throw .tooLarge(bytes: capacity)
        }
        var flags: UInt64 = 0
        if intent.firstAttempt != nil { flags |= IntentFlags.hasFirstAttempt }
        if intent.outputMax != nil { flags |= IntentFlags.hasOutputMax }
        if intent.isStream { flags |= IntentFlags.isStream }
        if intent.rates.cachedInput != nil { flags |= IntentFlags.hasCachedInput }
        if intent.rates.cacheWriteLong != nil { flags |= IntentFlags.hasCacheWriteLong }
        if intent.rates.hasUnits { flags |= IntentFlags.hasUnits }
        if intent.rates.cacheWrite != nil { flags |= IntentFlags.hasCacheWrite }
        if intent.rates.reasoning != nil { flags |= IntentFlags.hasReasoning }
        if intent.rates.audioInput != nil { flags |= IntentFlags.hasAudioInput }
        if intent.rates.audioOutput != nil { flags |= IntentFlags.hasAudioOutput }
        if intent.rates.long != nil { flags |= IntentFlags.hasLong }
        if intent.rates.takesReportedCost { flags |= IntentFlags.takesReportedCost }
        return (capacity, flags)
    }

    private static func write(
        _ intent: AttemptIntent,
        of id: AttemptID,
        flags: UInt64,
        with pen: inout RecordPen
    ) {
        pen.unsigned(flags)
        // The first attempt is a little before this one, mostly.
        if let first = intent.firstAttempt { pen.signed(id.value &- first.value) }
        pen.signed(Int64(intent.number))
        pen.signed(intent.startedAt.milliseconds)
        pen.text(intent.requestID)
        pen.text(intent.consumer.group)
        pen.text(intent.consumer.user)
        pen.text(intent.consumer.key)
        pen.text(intent.consumer.agent)
        pen.text(intent.consumer.model)
        pen.text(intent.operation)
        pen.text(intent.provider)
        pen.text(intent.upstreamModel)
        pen.text(intent.credentialID)
        pen.text(intent.variant)
        pen.signed(Int64(intent.inputEstimate))
        if let outputMax = intent.outputMax { pen.signed(Int64(outputMax)) }
        pen.signed(intent.reserved.value)
        pen.text(intent.metadata)
        pen.text(intent.idempotencyClaim)
        Self.write(intent.rates, with: &pen)
    }

    private static func write(_ rates: Rates, with pen: inout RecordPen) {
        pen.signed(rates.input)
        pen.signed(rates.output)
        if let rate = rates.cachedInput { pen.signed(rate) }
        if let rate = rates.cacheWrite { pen.signed(rate) }
        if let rate = rates.reasoning { pen.signed(rate) }
        if let rate = rates.audioInput { pen.signed(rate) }
        if let rate = rates.audioOutput { pen.signed(rate) }
        pen.signed(rates.image)
        pen.signed(rates.request)
        if let long = rates.long {
            pen.signed(Int64(long.above))
            pen.signed(Int64(long.inputPercent))
            pen.signed(Int64(long.outputPercent))
        }
        if let rate = rates.cacheWriteLong { pen.signed(rate) }
        if rates.hasUnits {
            pen.signed(rates.characters)
            pen.signed(rates.minute)
            pen.signed(rates.searches)
        }
        pen.text(rates.source)
    }

    private static func write(_ checkpoint: AttemptCheckpoint, with pen: inout RecordPen) {
        Self.write(checkpoint.usage, with: &pen)
        pen.signed(Int64(checkpoint.outputCounted))
    }

    private static func write(_ usage: TokenUsage, with pen: inout RecordPen) {
        var flags: UInt64 = 0
        if usage.input != nil { flags |= 1 }
        if usage.output != nil { flags |= 2 }
        if usage.cachedInput != nil { flags |= 4 }
        if usage.cacheWrite != nil { flags |= 8 }
        if usage.reasoning != nil { flags |= 16 }
        if usage.audioInput != nil { flags |= 32 }
        if usage.cost != nil { flags |= 64 }
        if usage.audioOutput != nil { flags |= 128 }
        if usage.images != nil { flags |= 256 }
        if usage.cacheWriteLong != nil { flags |= 512 }
        if usage.characters != nil { flags |= 1024 }
        if usage.soundMilliseconds != nil { flags |= 2048 }
        if usage.searches != nil { flags |= 4096 }
        pen.unsigned(flags)
        if let count = usage.input { pen.signed(Int64(count)) }
        if let count = usage.output { pen.signed(Int64(count)) }
        if let count = usage.cachedInput { pen.signed(Int64(count)) }
        if let count = usage.cacheWrite { pen.signed(Int64(count)) }
        if let count = usage.reasoning { pen.signed(Int64(count)) }
        if let count = usage.audioInput { pen.signed(Int64(count)) }
        if let cost = usage.cost { pen.signed(cost.value) }
        if let count = usage.audioOutput { pen.signed(Int64(count)) }
        if let count = usage.images { pen.signed(Int64(count)) }
        if let count = usage.cacheWriteLong { pen.signed(Int64(count)) }
        if let count = usage.characters { pen.signed(Int64(count)) }
        if let count = usage.soundMilliseconds { pen.signed(Int64(count)) }
        if let count = usage.searches { pen.signed(Int64(count)) }
    }

    /// Writes the body, then what stands around it.
    private func record(
        _ kind: JournalKind,
        capacity: Int,
        _ body: (inout RecordPen) -> Void
    ) -> EncodedRecord {
        let end = capacity + RecordPen.slack
        var buffer = ByteBufferAllocator().buffer(capacity: end)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: end) { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var pen = RecordPen(base: base, offset: JournalFrame.headBytes + 1, end: end)
            base.storeBytes(of: kind.rawValue, toByteOffset: JournalFrame.headBytes, as: UInt8.self)
            body(&pen)
            let length = pen.offset - JournalFrame.headBytes
            let check = self.key.check(UnsafeRawBufferPointer(start: base + JournalFrame.headBytes, count: length))
            base.storeBytes(of: JournalFrame.head(length: length, check: check), as: UInt64.self)
            let size = JournalFrame.padded(pen.offset)
            // Up to seven zeros; the slack has room for eight.
            base.storeBytes(of: 0, toByteOffset: pen.offset, as: UInt64.self)
            return size
        }
        return EncodedRecord(kind: kind, bytes: buffer)
    }
}

/// The bits of an intent's flags; part of the format.
enum IntentFlags {
    static let hasFirstAttempt: UInt64 = 1 << 0
    static let hasOutputMax: UInt64 = 1 << 1
    static let isStream: UInt64 = 1 << 2
    static let hasCachedInput: UInt64 = 1 << 3
    static let hasCacheWrite: UInt64 = 1 << 4
    static let hasReasoning: UInt64 = 1 << 5
    static let hasAudioInput: UInt64 = 1 << 6
    static let hasAudioOutput: UInt64 = 1 << 7
    static let hasCheckpoint: UInt64 = 1 << 8
    static let hasLong: UInt64 = 1 << 9
    static let takesReportedCost: UInt64 = 1 << 10
    static let hasCacheWriteLong: UInt64 = 1 << 11
    static let hasUnits: UInt64 = 1 << 12
    static let all: UInt64 = (1 << 13) - 1
}

extension Rates {
    /// Whether there is a price for characters, sound or searches.
    fileprivate var hasUnits: Bool { self.characters != 0 || self.minute != 0 || self.searches != 0 }
}

/// Writes numbers and texts into memory that was measured before, with `slack` to spare.
struct RecordPen {
    /// What is left free behind the last number, so that one comparison does for all of its bytes.
    static let slack = 16

    let base: UnsafeMutableRawPointer
    var offset: Int
    /// Never written beyond: what was measured wrong stops the program instead of writing over something.
    let end: Int

    @inline(__always)
    mutating func unsigned(_ value: UInt64) {
        precondition(self.offset + 10 <= self.end, "a journal record is longer than the \(self.end) bytes measured")
        if value < 0x80 {
            self.base.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: self.offset, as: UInt8.self)
            self.offset &+= 1
        } else {
            self.long(value)
        }
    }

    private mutating func long(_ value: UInt64) {
        var rest = value
        var place = self.base + self.offset
        while rest >= 0x80 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            place += 1
            rest >>= 7
        }
        place.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        self.offset = place + 1 - self.base
    }

    @inline(__always)
    mutating func signed(_ value: Int64) { self.unsigned(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func text(_ text: String, bytesMax: Int = .max) {
        var text = text
        text.withUTF8 { bytes in
            var count = bytes.count
            if count > bytesMax {
                count = bytesMax
                // Not in the middle of a character.
                while count > 0, bytes[count] & 0xC0 == 0x80 { count -= 1 }
            }
            self.unsigned(UInt64(count))
            guard count > 0, let source = bytes.baseAddress else { return }
            precondition(self.offset + count <= self.end, "a text of \(count) bytes was not measured")
            (self.base + self.offset).copyMemory(from: source, byteCount: count)
            self.offset += count
        }
    }
}
