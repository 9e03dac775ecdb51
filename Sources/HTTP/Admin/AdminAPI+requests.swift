internal import Chat
internal import Core
internal import Metering
internal import Operations

extension AdminAPI {
    /// Why a request went as it did.
    func explain(_ context: Context) async throws(GatewayError) -> AdminAnswer {
        let id = context.path["id"] ?? ""
        let found = try await self.administration.explain(id, for: context.actor)
        var members = (found.story ?? AdminJSON.story(of: found.rows)).objectValue ?? []
        members.append(("count", .integer(Int64(found.count))))
        return .object(.object(members))
    }
}

extension AdminJSON {
    /// What the ledger knows of a call that no process remembers: its attempts, and what they cost.
    static func story(of rows: [LedgerRow]) -> JSONValue {
        let rows = rows.sorted { ($0.number, $0.seq) < ($1.number, $1.seq) }
        guard let first = rows.first, let last = rows.last else { return .object([]) }
        let isOK = last.code.isEmpty
        let target = "\(last.provider)/\(last.upstreamModel)"
        let tries = rows.count == 1 ? "1 attempt" : "\(rows.count) attempts"
        let took = max(0, last.endedAt.milliseconds - first.startedAt.milliseconds)
        let how = isOK ? "was answered by \(target)" : "ended with \(last.code.uppercased()) at \(target)"
        return [
            "id": .string(last.requestID),
            "source": "ledger",
            "summary": .string(
                "A call for '\(last.consumer.model)' \(how) after \(took) ms and \(tries). "
                    + "Only what the ledger has of it is left."
            ),
            "time": .string(first.startedAt.rfc3339),
            "groupId": .string(last.consumer.group),
            "userId": last.consumer.user.isEmpty ? .null : .string(last.consumer.user),
            "keyId": .string(last.consumer.key),
            "operation": .string(last.operation),
            "model": .string(last.consumer.model),
            "stream": .bool(last.isStream),
            "code": isOK ? .null : .string(last.code.uppercased()),
            "attempts": .array(rows.map { self.attempt($0, since: first.startedAt) }),
            "costUsd": .number(rows.reduce(MicroDollars.zero) { $0 + $1.charged }.dollars),
        ]
    }

    private static func attempt(_ row: LedgerRow, since start: UnixTime) -> JSONValue {
        func offset(_ time: UnixTime) -> JSONValue { .integer(max(0, time.milliseconds - start.milliseconds)) }
        return [
            "number": .integer(row.number),
            "provider": .string(row.provider),
            "model": .string(row.upstreamModel),
            "credentialId": row.credentialID.isEmpty ? .null : .string(row.credentialID),
            "variant": row.variant.isEmpty ? .null : .string(row.variant),
            "beginMs": offset(row.startedAt),
            "endMs": offset(row.endedAt),
            "ok": .bool(row.code.isEmpty),
            "code": row.code.isEmpty ? .null : .string(row.code.uppercased()),
            "upstreamStatus": row.upstreamStatus == 0 ? .null : .integer(row.upstreamStatus),
            "outcome": .string(row.outcome),
            "firstContentMs": row.firstContentMilliseconds.map { .integer($0) } ?? .null,
            "inputTokens": row.usage.input.map { .integer(Int64($0)) } ?? .null,
            "outputTokens": row.usage.output.map { .integer(Int64($0)) } ?? .null,
            "costUsd": .number(row.cost.dollars),
        ]
    }
}
