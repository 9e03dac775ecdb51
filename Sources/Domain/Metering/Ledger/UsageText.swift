internal import Chat
package import Core

// What reports, exports and events say, in JSON and as CSV. Money is a number of dollars with up to six decimals, as
// tools that read either expect; nothing is rounded.

extension LedgerRow {
    /// The row as an object; what there is none of is null.
    package var json: JSONValue {
        [
            "seq": .integer(self.seq),
            "kind": .string(self.kind),
            "attemptId": Self.optional(self.attempt?.text),
            "corrects": Self.optional(self.corrects?.text),
            "requestId": .string(self.requestID),
            "attempt": .integer(self.number),
            "firstAttemptId": Self.optional(self.firstAttempt?.text),
            "startedAt": .string(self.startedAt.rfc3339),
            "endedAt": .string(self.endedAt.rfc3339),
            "groupId": .string(self.consumer.group),
            "userId": Self.optional(self.consumer.user),
            "keyId": Self.optional(self.consumer.key),
            "agentId": Self.optional(self.consumer.agent),
            "model": .string(self.consumer.model),
            "operation": .string(self.operation),
            "provider": .string(self.provider),
            "upstreamModel": .string(self.upstreamModel),
            "credentialId": Self.optional(self.credentialID),
            "variant": Self.optional(self.variant),
            "stream": .bool(self.isStream),
            "outcome": .string(self.outcome),
            "code": Self.optional(self.code),
            "upstreamStatus": self.upstreamStatus == 0 ? .null : .integer(self.upstreamStatus),
            "firstContentMs": self.firstContentMilliseconds.map { .integer($0) } ?? .null,
            "usage": self.usageJSON,
            "usageSource": .string(self.source),
            "costUsd": .number(self.cost.dollars),
            "chargedUsd": .number(self.charged.dollars),
            "counts": .bool(self.isCharged),
            "rates": .string(self.rates),
            "metadata": self.metadata.isEmpty ? .null : (try? JSONValue.parse(self.metadata)) ?? .string(self.metadata),
        ]
    }

    private var usageJSON: JSONValue {
        func count(_ count: Int?) -> JSONValue { count.map { .integer(Int64($0)) } ?? .null }
        let usage = self.usage
        return [
            "inputTokens": count(usage.input),
            "outputTokens": count(usage.output),
            "totalTokens": usage.input == nil && usage.output == nil ? .null : .integer(usage.total),
            "cachedInputTokens": count(usage.cachedInput),
            "cacheWriteTokens": count(usage.cacheWrite),
            "cacheWrite1hTokens": count(usage.cacheWriteLong),
            "reasoningTokens": count(usage.reasoning),
            "audioInputTokens": count(usage.audioInput),
            "audioOutputTokens": count(usage.audioOutput),
            "images": count(usage.images),
            "characters": count(usage.characters),
            "soundMs": count(usage.soundMilliseconds),
            "searches": count(usage.searches),
        ]
    }

    private static func optional(_ text: String?) -> JSONValue {
        text.flatMap { $0.isEmpty ? nil : .string($0) } ?? .null
    }

    /// The names of a CSV's columns for rows.
    package static let csvHeader: String = {
        let sample = LedgerRow(
            Attempt(
                id: AttemptID(0),
                intent: AttemptIntent(
                    requestID: "",
                    startedAt: UnixTime(milliseconds: 0),
                    consumer: Consumer(group: ""),
                    operation: "",
                    provider: "",
                    upstreamModel: "",
                    isStream: false,
                    inputEstimate: 0,
                    rates: .free
                ),
                end: AttemptEnd(endedAt: UnixTime(milliseconds: 0), outcome: .ok, source: .none)
            ),
            seq: 0,
            rates: ""
        )
        return UsageCSV.header(sample.json)
    }()
}

extension UsageSums {
    /// The sums as members of an object, behind those of `values`.
    package func json(_ values: [(String, JSONValue)] = []) -> JSONValue {
        func figure(_ figure: Figure) -> JSONValue { .integer(self[figure]) }
        let usage: JSONValue = [
            "inputTokens": figure(.inputTokens),
            "outputTokens": figure(.outputTokens),
            "totalTokens": .integer(self[.inputTokens] &+ self[.outputTokens]),
            "cachedInputTokens": figure(.cachedInputTokens),
            "cacheWriteTokens": figure(.cacheWriteTokens),
            "cacheWrite1hTokens": figure(.cacheWriteLongTokens),
            "reasoningTokens": figure(.reasoningTokens),
            "audioInputTokens": figure(.audioInputTokens),
            "audioOutputTokens": figure(.audioOutputTokens),
            "images": figure(.images),
            "characters": figure(.characters),
            "soundMs": figure(.soundMilliseconds),
            "searches": figure(.searches),
        ]
        let sources: JSONValue = [
            "provider": figure(.fromProvider),
            "providerPartial": figure(.partly),
            "estimated": figure(.estimated),
            "none": figure(.none),
        ]
        return .object(
            values + [
                ("calls", figure(.calls)),
                ("attempts", figure(.attempts)),
                ("ok", figure(.ok)),
                ("failed", figure(.failed)),
                ("chargedCalls", figure(.chargedCalls)),
                ("chargedTokens", figure(.chargedTokens)),
                ("usage", usage),
                ("costUsd", .number(MicroDollars(self[.cost]).dollars)),
                ("chargedUsd", .number(MicroDollars(self[.charged]).dollars)),
                ("usageSource", sources),
            ]
        )
    }

    /// The names of a CSV's columns for sums by these dimensions.
    package static func csvHeader(_ dimensions: [UsageDimension]) -> String {
        UsageCSV.header(UsageSums().json(dimensions.map { ($0.member, .null) }))
    }
}

extension UsageGroup {
    /// The group as an object.
    ///
    /// A month is `2026-11`, a day and a week's Monday `2026-11-20`, an hour the time it began; a value that there is
    /// none of is null.
    package func json(_ dimensions: [UsageDimension]) -> JSONValue {
        self.sums.json(
            zip(dimensions, self.values).map { dimension, value in
                switch value {
                case .text(let text): (dimension.member, text.isEmpty ? .null : .string(text))
                case .time(let time):
                    switch dimension {
                    case .month: (dimension.member, .string(String(time.dayText.prefix(7))))
                    case .hour: (dimension.member, .string(time.rfc3339))
                    default: (dimension.member, .string(time.dayText))
                    }
                }
            }
        )
    }
}

/// Rows of a report as CSV (RFC 4180): a line of names, then one line each, ended by CRLF.
package enum UsageCSV {
    /// The names of the columns: the members of the object, those of objects in it in their place.
    package static func header(_ row: JSONValue) -> String {
        Self.flat(row).map { Self.cell($0.0) }.joined(separator: ",") + "\r\n"
    }

    /// One line.
    package static func line(_ row: JSONValue) -> String {
        Self.flat(row).map { Self.cell($0.1) }.joined(separator: ",") + "\r\n"
    }

    private static func flat(_ row: JSONValue) -> [(String, JSONValue)] {
        (row.objectValue ?? []).flatMap { name, value -> [(String, JSONValue)] in
            switch (name, value) {
            case ("usage", .object(let members)): members
            case ("usageSource", .object(let members)):
                members.map { ("source" + $0.0.prefix(1).uppercased() + $0.0.dropFirst(), $0.1) }
            default: [(name, value)]
            }
        }
    }

    private static func cell(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        // Numbers of ours, a minus sign among them, are what they are.
        case .integer, .number, .bool: value.text
        case .string(let text): Self.cell(text)
        case .array, .object: Self.cell(value.text)
        }
    }

    /// A text as a cell: in quotes where it must be.
    ///
    /// What a spreadsheet would take for a formula begins with an apostrophe, which makes it a text (row 107).
    package static func cell(_ text: String) -> String {
        let first = text.utf8.first
        let isFormula = first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let text = isFormula ? "'" + text : text
        guard text.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) || isFormula else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
