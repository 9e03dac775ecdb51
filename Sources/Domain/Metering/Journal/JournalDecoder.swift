internal import Chat
internal import Core

/// Reads the bodies of records.
///
/// Whatever the bytes are, it gives a record or nil, and reads nothing beyond them.
enum JournalDecoder {
    /// The record that begins with its kind, or nil: a kind this version does not know, or a body that is not one.
    static func record(_ bytes: UnsafeRawBufferPointer) -> JournalRecord? {
        guard let first = bytes.first, let kind = JournalKind(rawValue: first) else { return nil }
        var eye = RecordEye(bytes: bytes, offset: 1)
        let id = AttemptID(eye.signed())
        let record: JournalRecord
        switch kind {
        case .seal: return nil
        case .intent:
            let flags = eye.unsigned()
            guard flags & ~IntentFlags.all == 0, flags & IntentFlags.hasCheckpoint == 0 else { return nil }
            record = .intent(id, Self.intent(of: id, flags: flags, &eye))
        case .carried:
            let flags = eye.unsigned()
            guard flags & ~IntentFlags.all == 0 else { return nil }
            let intent = Self.intent(of: id, flags: flags, &eye)
            record = .carried(id, intent, flags & IntentFlags.hasCheckpoint == 0 ? nil : Self.checkpoint(&eye))
        case .checkpoint: record = .checkpoint(id, Self.checkpoint(&eye))
        case .end:
            guard let end = Self.end(&eye) else { return nil }
            record = .end(id, end)
        }
        return eye.isAtEnd ? record : nil
    }

    private static func intent(of id: AttemptID, flags: UInt64, _ eye: inout RecordEye) -> AttemptIntent {
        func has(_ flag: UInt64) -> Bool { flags & flag != 0 }
        let firstAttempt = has(IntentFlags.hasFirstAttempt) ? AttemptID(id.value &- eye.signed()) : nil
        let number = eye.int()
        let startedAt = UnixTime(milliseconds: eye.signed())
        let requestID = eye.text()
        let consumer = Consumer(
            group: eye.text(),
            user: eye.text(),
            key: eye.text(),
            agent: eye.text(),
            model: eye.text()
        )
        let (operation, provider, upstreamModel) = (eye.text(), eye.text(), eye.text())
        let (credentialID, variant) = (eye.text(), eye.text())
        let inputEstimate = eye.int()
        let outputMax = has(IntentFlags.hasOutputMax) ? eye.int() : nil
        let reserved = MicroDollars(eye.signed())
        let (metadata, idempotencyClaim) = (eye.text(), eye.text())
        var intent = AttemptIntent(
            requestID: requestID,
            firstAttempt: firstAttempt,
            number: number,
            startedAt: startedAt,
            consumer: consumer,
            operation: operation,
            provider: provider,
            upstreamModel: upstreamModel,
            isStream: has(IntentFlags.isStream),
            inputEstimate: inputEstimate,
            outputMax: outputMax,
            rates: Self.rates(flags: flags, &eye),
            reserved: reserved
        )
        intent.credentialID = credentialID
        intent.variant = variant
        intent.metadata = metadata
        intent.idempotencyClaim = idempotencyClaim
        return intent
    }

    private static func rates(flags: UInt64, _ eye: inout RecordEye) -> Rates {
        func rate(_ flag: UInt64) -> Int64? { flags & flag != 0 ? eye.signed() : nil }
        var rates = Rates(
            input: eye.signed(),
            output: eye.signed(),
            cachedInput: rate(IntentFlags.hasCachedInput),
            cacheWrite: rate(IntentFlags.hasCacheWrite),
            reasoning: rate(IntentFlags.hasReasoning),
            audioInput: rate(IntentFlags.hasAudioInput),
            audioOutput: rate(IntentFlags.hasAudioOutput),
            image: eye.signed(),
            request: eye.signed(),
            long: flags & IntentFlags.hasLong == 0
                ? nil
                : Rates.LongRequests(
                    above: eye.fitting(Int32.self),
                    inputPercent: eye.fitting(Int16.self),
                    outputPercent: eye.fitting(Int16.self)
                ),
            takesReportedCost: flags & IntentFlags.takesReportedCost != 0,
            source: ""
        )
        // Of later versions, and so behind the others.
        rates.cacheWriteLong = rate(IntentFlags.hasCacheWriteLong)
        rates.characters = rate(IntentFlags.hasUnits) ?? 0
        rates.minute = rate(IntentFlags.hasUnits) ?? 0
        rates.searches = rate(IntentFlags.hasUnits) ?? 0
        rates.source = eye.text()
        return rates
    }

    private static func checkpoint(_ eye: inout RecordEye) -> AttemptCheckpoint {
        AttemptCheckpoint(usage: Self.usage(&eye), outputCounted: eye.int())
    }

    private static func end(_ eye: inout RecordEye) -> AttemptEnd? {
        let endedAt = UnixTime(milliseconds: eye.signed())
        guard let outcome = AttemptOutcome(rawValue: eye.byte()), let source = UsageSource(rawValue: eye.byte()) else {
            return nil
        }
        let flags = eye.unsigned()
        if flags > 3 { eye.fail() }
        return AttemptEnd(
            endedAt: endedAt,
            outcome: outcome,
            source: source,
            usage: Self.usage(&eye),
            cost: MicroDollars(eye.signed()),
            charged: MicroDollars(eye.signed()),
            isCharged: flags & 1 != 0,
            upstreamStatus: eye.int(),
            code: eye.text(),
            firstContentMilliseconds: flags & 2 == 0 ? nil : eye.int()
        )
    }

    private static func usage(_ eye: inout RecordEye) -> TokenUsage {
        let flags = eye.unsigned()
        if flags > 8191 { eye.fail() }
        func count(_ flag: UInt64) -> Int? { flags & flag != 0 ? eye.int() : nil }
        var usage = TokenUsage()
        usage.input = count(1)
        usage.output = count(2)
        usage.cachedInput = count(4)
        usage.cacheWrite = count(8)
        usage.reasoning = count(16)
        usage.audioInput = count(32)
        usage.cost = flags & 64 != 0 ? MicroDollars(eye.signed()) : nil
        usage.audioOutput = count(128)
        usage.images = count(256)
        usage.cacheWriteLong = count(512)
        usage.characters = count(1024)
        usage.soundMilliseconds = count(2048)
        usage.searches = count(4096)
        return usage
    }
}

/// Reads numbers and texts; once something was wrong, everything is zero or empty, and `isAtEnd` stays false.
struct RecordEye {
    let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int
    private var isBroken = false

    init(bytes: UnsafeRawBufferPointer, offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    /// Whether all of the bytes were read, and all made sense.
    var isAtEnd: Bool { !self.isBroken && self.offset == self.bytes.count }

    mutating func fail() {
        self.isBroken = true
        self.offset = self.bytes.count
    }

    mutating func byte() -> UInt8 {
        guard self.offset < self.bytes.count else {
            self.fail()
            return 0
        }
        let value = self.bytes[self.offset]
        self.offset &+= 1
        return value
    }

    @inline(__always)
    mutating func unsigned() -> UInt64 {
        // Most numbers are small.
        if self.offset < self.bytes.count {
            let first = self.bytes[self.offset]
            if first < 0x80 {
                self.offset &+= 1
                return UInt64(first)
            }
        }
        return self.long()
    }

    private mutating func long() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = self.byte()
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
        }
        self.fail()
        return 0
    }

    mutating func signed() -> Int64 {
        let folded = self.unsigned()
        return Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
    }

    mutating func int() -> Int { Int(truncatingIfNeeded: self.signed()) }

    /// A number that must be in the range of a smaller type.
    mutating func fitting<Number: FixedWidthInteger>(_: Number.Type) -> Number {
        guard let number = Number(exactly: self.signed()) else {
            self.fail()
            return 0
        }
        return number
    }

    mutating func text() -> String {
        let count = self.unsigned()
        guard count <= UInt64(self.bytes.count - self.offset) else {
            self.fail()
            return ""
        }
        guard count > 0 else { return "" }
        let end = self.offset + Int(count)
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: self.bytes[self.offset..<end]), as: UTF8.self)
        self.offset = end
        return text
    }
}
