package import Chat
package import Core
package import NIOCore

/// Sessions and messages as the API has them: camelCase, times as RFC 3339 in UTC, `null` for what is not there.
extension Session {
    package var json: JSONValue {
        var (user, key): (String?, String?) = (nil, nil)
        switch self.owner {
        case .user(let id): user = id.text
        case .key(let id): key = id
        }
        return [
            "id": .string(self.id),
            "groupId": .string(self.group.text),
            "userId": text(user),
            "keyId": text(key),
            "agentId": text(self.agentID),
            "model": text(self.model),
            "system": text(self.system),
            "title": .string(self.title),
            "history": self.history?.json ?? .null,
            "messageCount": .integer(Int64(self.count)),
            "estimatedTokens": .integer(Int64(self.tokens)),
            "summarizedThroughSeq": self.summary.map { .integer(Int64($0.throughSeq)) } ?? .null,
            "forkedFrom": self.forkedFrom.map {
                ["sessionId": .string($0.session), "seq": .integer(Int64($0.seq))]
            } ?? .null,
            "createdAt": time(self.createdAt),
            "updatedAt": time(self.updatedAt),
            "lastUsedAt": time(self.lastUsedAt),
        ]
    }
}

extension SessionMessage {
    /// Writes the message with its content as it was given, byte for byte.
    package func write(into buffer: inout ByteBuffer) {
        var isFirst = true
        func member(_ name: StaticString, _ value: JSONValue, _ buffer: inout ByteBuffer) {
            buffer.writeStaticString(isFirst ? "{\"" : ",\"")
            isFirst = false
            buffer.writeStaticString(name)
            buffer.writeStaticString("\":")
            value.write(into: &buffer)
        }
        member("id", .string(self.id), &buffer)
        member("sessionId", .string(self.session), &buffer)
        member("seq", .integer(Int64(self.seq)), &buffer)
        member("role", .string(self.role.rawValue), &buffer)
        member("status", .string(self.status.rawValue), &buffer)
        buffer.writeStaticString(",\"content\":")
        buffer.writeImmutableBuffer(self.content)
        member("usage", self.usage?.sessionJSON ?? .null, &buffer)
        member("costUsd", self.cost.map { .number($0.dollars) } ?? .null, &buffer)
        member("model", text(self.model), &buffer)
        member("provider", text(self.provider), &buffer)
        member("requestId", text(self.requestID), &buffer)
        member("finishReason", text(self.finish), &buffer)
        member("error", self.error?.json ?? .null, &buffer)
        member("leftOut", self.leftOut?.json ?? .null, &buffer)
        member("createdAt", time(self.createdAt), &buffer)
        member("endedAt", time(self.endedAt), &buffer)
        buffer.writeStaticString("}")
    }
}

extension SessionMessage.Fault {
    package var json: JSONValue { ["code": .string(self.code), "message": .string(self.message)] }

    init(json: JSONValue) {
        self.init(code: json["code"]?.stringValue ?? "", message: json["message"]?.stringValue ?? "")
    }
}

extension LeftOut {
    /// `{"count":12,"fromSeq":1,"toSeq":12,"estimatedTokens":3400,"reason":"policy"}`.
    package var json: JSONValue {
        [
            "count": .integer(Int64(self.count)),
            "fromSeq": .integer(Int64(self.seqs.lowerBound)),
            "toSeq": .integer(Int64(self.seqs.upperBound)),
            "estimatedTokens": .integer(Int64(self.tokens)),
            "reason": .string(self.reason.rawValue),
        ]
    }

    init?(json: JSONValue) {
        guard let count = json["count"]?.intValue, let from = json["fromSeq"]?.intValue,
            let end = json["toSeq"]?.intValue, from <= end
        else { return nil }
        self.init(
            count: count,
            seqs: from...end,
            tokens: json["estimatedTokens"]?.intValue ?? 0,
            reason: json["reason"]?.stringValue.flatMap { Reason(rawValue: $0) } ?? .policy
        )
    }
}

extension TokenUsage {
    /// What was used, as sessions show it: only what is known.
    package var sessionJSON: JSONValue {
        .object(Self.members.compactMap { name, path in self[keyPath: path].map { (name, .integer(Int64($0))) } })
    }

    init(session json: JSONValue) {
        self.init()
        for (name, path) in Self.members { self[keyPath: path] = json[name]?.intValue }
    }

    private static var members: [(String, WritableKeyPath<TokenUsage, Int?>)] {
        [
            ("inputTokens", \.input), ("outputTokens", \.output), ("cachedInputTokens", \.cachedInput),
            ("cacheWriteTokens", \.cacheWrite), ("cacheWriteLongTokens", \.cacheWriteLong),
            ("reasoningTokens", \.reasoning),
            ("audioInputTokens", \.audioInput), ("audioOutputTokens", \.audioOutput), ("images", \.images),
        ]
    }
}

private func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

private func time(_ time: UnixTime?) -> JSONValue { time.map { .string($0.rfc3339) } ?? .null }
