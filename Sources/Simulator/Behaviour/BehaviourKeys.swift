/// Why a key or value was not understood.
///
/// A misspelt fault must not silently be a test that tests nothing.
struct BehaviourError: Error, Equatable {
    /// Names the key and what it takes.
    var message: String
}

/// One name that users may write in a model name or a script.
struct BehaviourKey: Sendable {
    let name: String
    /// What the value may be, for error messages and the documentation.
    let takes: String
    fileprivate let set: @Sendable (inout Behaviour, String) -> Bool

    /// Every key there is.
    ///
    /// The guide (docs/simulator.md) describes each of them, and a test compares the two.
    static let all: [BehaviourKey] = Self.pace + Self.speech + Self.errors + Self.cuts + Self.wire + Self.heads

    private static let byName = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.name, $0) })

    static func named(_ name: String) -> BehaviourKey? { Self.byName[name] }
}

extension Behaviour {
    /// Sets what `key` names.
    ///
    /// - Throws: `BehaviourError` if there is no such key or the value is not one it takes.
    mutating func set(_ key: String, to value: String) throws(BehaviourError) {
        guard let entry = BehaviourKey.named(key) else {
            throw BehaviourError(message: "The simulator knows no option '\(key)'.")
        }
        guard entry.set(&self, value) else {
            throw BehaviourError(message: "The simulator's option '\(key)' takes \(entry.takes), not '\(value)'.")
        }
        self.settings.append(.init(key: key, value: value))
    }

    /// Splits a model name such as `sim?ttft_ms=500&chunks=100` into the name before the `?` and what follows it.
    ///
    /// - Throws: `BehaviourError` for the first key or value that is not understood.
    static func parse(model: String) throws(BehaviourError) -> (name: String, behaviour: Behaviour) {
        var behaviour = Behaviour()
        guard let mark = model.firstIndex(of: "?") else { return (model, behaviour) }
        for pair in model[model.index(after: mark)...].split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = halves.count == 2 ? URLText.decoded(halves[1]) : "1"
            try behaviour.set(URLText.decoded(halves[0]), to: value)
        }
        return (String(model[..<mark]), behaviour)
    }
}

// MARK: - The table

extension BehaviourKey {
    private static func count(
        _ name: String,
        _ path: any WritableKeyPath<Behaviour, Int?> & Sendable,
        upTo limit: Int = 1 << 40
    ) -> BehaviourKey {
        BehaviourKey(name: name, takes: "a whole number from 0 to \(limit)") { behaviour, value in
            guard let count = Int(value), 0...limit ~= count else { return false }
            behaviour[keyPath: path] = count
            return true
        }
    }

    private static func flag(_ name: String, _ path: any WritableKeyPath<Behaviour, Bool> & Sendable) -> BehaviourKey {
        BehaviourKey(name: name, takes: "1 or 0") { behaviour, value in
            switch value {
            case "1", "true": behaviour[keyPath: path] = true
            case "0", "false": behaviour[keyPath: path] = false
            default: return false
            }
            return true
        }
    }

    private static func text(
        _ name: String,
        _ path: any WritableKeyPath<Behaviour, String?> & Sendable
    ) -> BehaviourKey {
        BehaviourKey(name: name, takes: "text") { behaviour, value in
            behaviour[keyPath: path] = value
            return true
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<Behaviour, Choice?> & Sendable
    ) -> BehaviourKey {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return BehaviourKey(name: name, takes: "one of \(words)") { behaviour, value in
            guard let choice = Choice(rawValue: value) else { return false }
            behaviour[keyPath: path] = choice
            return true
        }
    }

    private static let pace: [BehaviourKey] = [
        .count("head_ms", \.headMilliseconds, upTo: 86_400_000),
        .count("ttft_ms", \.firstEventMilliseconds, upTo: 86_400_000),
        .count("interval_ms", \.intervalMilliseconds, upTo: 86_400_000),
        .flag("stall_before_head", \.stallsBeforeHead),
        .flag("stall_after_head", \.stallsAfterHead),
        .count("stall_after_events", \.stallAfterEvents),
        .count("stall_ms", \.stallMilliseconds, upTo: 86_400_000),
    ]

    private static let speech: [BehaviourKey] = [
        .text("text", \.text),
        .count("chunks", \.chunks),
        .count("chunk_bytes", \.eventBytes, upTo: 16 << 20),
        .count("text_bytes", \.textBytes, upTo: 16 << 20),
        .count("tokens_per_chunk", \.tokensPerChunk, upTo: 1_000_000),
        .flag("endless", \.isEndless),
        .flag("empty", \.isEmpty),
        .flag("refusal", \.isRefusal),
        .flag("unicode", \.speaksUnicode),
        .flag("broken_arguments", \.breaksToolArguments),
        .text("finish", \.finishReason),
        .count("reasoning", \.reasoningTokens, upTo: 100_000),
        .count("cached", \.cachedTokens),
        .count("tool_calls", \.toolCalls, upTo: 128),
        .flag("strict", \.refusesUnknownFields),
        .count("context", \.contextTokens),
        .choice("usage", \.usage),
        .count("prompt_tokens", \.promptTokens),
        .count("completion_tokens", \.completionTokens),
        .text("cost", \.cost),
    ]

    private static let errors: [BehaviourKey] = [
        BehaviourKey(name: "status", takes: "a status code from 200 to 999") { behaviour, value in
            guard let status = Int(value), 200...999 ~= status else { return false }
            behaviour.status = status
            return true
        },
        .text("reason", \.reason),
        .choice("error", \.errorBody),
        .text("error_code", \.errorCode),
        .text("error_type", \.errorType),
        .text("error_message", \.errorMessage),
        .text("retry_after", \.retryAfter),
        .text("retry_after_ms", \.retryAfterMilliseconds),
        BehaviourKey(name: "retry_after_date", takes: "seconds from now, may be negative") { behaviour, value in
            guard let seconds = Int(value), -1_000_000_000...1_000_000_000 ~= seconds else { return false }
            behaviour.retryAfterDateSeconds = seconds
            return true
        },
        .flag("error200", \.answersErrorWithStatus200),
        .count("midstream_error", \.errorAfterEvents),
        .flag("lifecycle_then_error", \.failsAfterLifecycle),
    ]

    private static let cuts: [BehaviourKey] = [
        .flag("cut_before_head", \.cutBeforeHead),
        .count("cut_after_events", \.cutAfterEvents),
        .count("cut_mid_event", \.cutInsideEvent),
        .count("cut_at_byte", \.cutAtByte),
        .choice("cut", \.cut),
        .flag("ignore_close", \.ignoresClientClose),
        .choice("on_accept", \.onAccept),
        .choice("on_head", \.onHead),
        .flag("unread_body", \.leavesBodyUnread),
        .count("slow_read", \.slowReadBytes, upTo: 1 << 20),
    ]

    private static let wire: [BehaviourKey] = [
        .count("drip_ms", \.dripMilliseconds, upTo: 3_600_000),
        .count("drip_bytes", \.dripBytes, upTo: 1 << 20),
        .choice("drip", \.drip),
        .count("split", \.splitBytes, upTo: 1 << 20),
        .count("http_chunk", \.httpChunkBytes, upTo: 1 << 20),
        BehaviourKey(
            name: "sse",
            takes: "a comma-separated list of "
                + Behaviour.EventVariant.allCases.map(\.rawValue).joined(separator: ", ")
        ) { behaviour, value in
            for word in value.split(separator: ",") {
                guard let variant = Behaviour.EventVariant(rawValue: String(word)) else { return false }
                behaviour.sse.insert(variant)
            }
            return true
        },
        .flag("no_done", \.omitsDone),
        .count("garbage_after", \.garbageAfterEvents),
        .count("line_bytes", \.lineBytes),
        .flag("gzip", \.isGzipped),
        .count("gzip_bomb", \.gzipBombBytes, upTo: 1 << 30),
        .count("body_bytes", \.bodyBytes),
        .count("deep", \.nestingDepth, upTo: 1 << 30),
    ]

    private static let heads: [BehaviourKey] = [
        BehaviourKey(name: "redirect", takes: "a status code from 300 to 399") { behaviour, value in
            guard let status = Int(value), 300...399 ~= status else { return false }
            behaviour.redirect = status
            return true
        },
        .text("location", \.location),
        .flag("switching", \.switchesProtocols),
        .count("informational", \.informational, upTo: 1_000_000),
        .count("informational_status", \.informationalStatus, upTo: 199),
        BehaviourKey(name: "header", takes: "a raw header line") { behaviour, value in
            behaviour.rawHeaders.append(value)
            return true
        },
        .flag("hostile_headers", \.hasHostileHeaders),
        .count("header_block", \.headerBlockBytes, upTo: 64 << 20),
        .count("header_line", \.headerLineBytes, upTo: 1 << 30),
        .flag("endless_headers", \.hasEndlessHeaders),
        .text("content_type", \.contentType),
        .choice("framing", \.framing),
        .choice("content_length", \.contentLength),
        .flag("trailers", \.hasTrailers),
        .flag("bare_lf", \.isBareLineFeed),
        .flag("http10", \.isHTTP10),
        .flag("connection_close", \.closesConnection),
        .flag("idle_close", \.closesIdle),
        .count("idle_close_ms", \.closesIdleMilliseconds, upTo: 3_600_000),
    ]
}
