package import Core

extension TokenUsage {
    private static let usageNames = JSONNames(
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
        "prompt_cache_hit_tokens",
        "cached_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "reasoning_tokens",
        "cost",
        "is_byok",
        "cost_details",
        "cache_creation"
    )
    private static let inputDetails = JSONNames(
        "cached_tokens",
        "audio_tokens",
        "cache_write_tokens",
        "cache_creation_tokens",
        "cache_creation_input_tokens",
        "cache_creation_token_details"
    )
    private static let longWrites = JSONNames("ephemeral_1h_input_tokens")
    private static let outputDetails = JSONNames("reasoning_tokens", "audio_tokens")
    private static let costNames = JSONNames("total_cost", "upstream_inference_cost")

    /// Reads what an answer used, in all the forms that providers of OpenAI's chat dialect have for it.
    ///
    /// Numbers that no call can have count as not said. Parts are made to lie within their whole, as `TokenUsage` has
    /// it, also where the provider counts them beside it.
    ///
    /// - Parameter value: An object inside of `bytes`.
    /// - Throws: `JSONError` if it is none, or broken.
    package init(openAI value: JSONSlice, in bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var said = Said()
        let reader = JSONScanner(bytes)
        var members = JSONScanner(bytes, at: value)
        try members.members(of: Self.usageNames) { (name, member) throws(JSONError) in
            let value = member.value
            switch name {
            case 0: said.usage.input = Self.count(value, reader)
            case 1: said.usage.output = Self.count(value, reader)
            case 2: said.total = Self.count(value, reader)
            case 3: try Self.readInputDetails(value, bytes, &said.usage)
            case 4: try Self.readOutputDetails(value, bytes, &said.usage)
            // DeepSeek; Moonshot; gateways that pass on Anthropic's own words beside OpenAI's.
            case 5, 6, 7: said.cachedInput = said.cachedInput ?? Self.count(value, reader)
            case 8: said.cacheWrite = Self.count(value, reader)
            case 9: said.reasoning = Self.count(value, reader)
            case 10: said.cost = try Self.dollars(value, bytes)
            case 11: said.hasOwnKey = reader.bool(value) ?? false
            // Gateways that pass on Anthropic's own words say here how long what was cached is to stay.
            case 13: said.cacheWriteLong = try Self.longWrites(value, bytes)
            default: said.upstreamCost = try Self.dollars(value, bytes)
            }
        }
        self = said.settled
    }

    private static func count(_ value: JSONSlice, _ reader: JSONScanner) -> Int? {
        reader.int(value).flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
    }

    private static func readInputDetails(
        _ value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ usage: inout TokenUsage
    ) throws(JSONError) {
        let reader = JSONScanner(bytes)
        guard reader.kind(value) == .object else { return }
        var details = JSONScanner(bytes, at: value)
        try details.members(of: Self.inputDetails) { (name, detail) throws(JSONError) in
            let count = Self.count(detail.value, reader)
            switch name {
            case 0: usage.cachedInput = count
            case 1: usage.audioInput = count
            case 5: usage.cacheWriteLong = try Self.longWrites(detail.value, bytes)
            default: usage.cacheWrite = count ?? usage.cacheWrite
            }
        }
    }

    /// What was written into the cache for an hour, of an object that tells how long what is there stays.
    private static func longWrites(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Int? {
        let reader = JSONScanner(bytes)
        guard reader.kind(value) == .object else { return nil }
        var found: Int?
        var members = JSONScanner(bytes, at: value)
        try members.members(of: Self.longWrites) { (_, member) throws(JSONError) in
            found = Self.count(member.value, reader)
        }
        return found
    }

    private static func readOutputDetails(
        _ value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ usage: inout TokenUsage
    ) throws(JSONError) {
        let reader = JSONScanner(bytes)
        guard reader.kind(value) == .object else { return }
        var details = JSONScanner(bytes, at: value)
        try details.members(of: Self.outputDetails) { (name, detail) throws(JSONError) in
            let count = Self.count(detail.value, reader)
            if name == 0 { usage.reasoning = count } else { usage.audioOutput = count }
        }
    }

    /// An amount of dollars: a number, as OpenRouter sends it, or an object that has the sum in it, as Perplexity does.
    ///
    /// Read digit by digit, so that no binary fraction comes near it.
    private static func dollars(
        _ value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer
    ) throws(JSONError) -> MicroDollars? {
        let reader = JSONScanner(bytes)
        var found: MicroDollars?
        if reader.kind(value) == .object {
            var members = JSONScanner(bytes, at: value)
            try members.members(of: Self.costNames) { (_, member) throws(JSONError) in
                found = Self.amount(member.value, bytes) ?? found
            }
        } else {
            found = Self.amount(value, bytes)
        }
        return found
    }

    private static func amount(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) -> MicroDollars? {
        guard JSONScanner(bytes).kind(value) == .number,
            let amount = MicroDollars(dollars: UnsafeRawBufferPointer(rebasing: bytes[value.range])), amount >= .zero
        else { return nil }
        return amount
    }

    /// What a usage object says, before it is known what its whole numbers include.
    private struct Said {
        var usage = TokenUsage()
        var total: Int?
        // Said beside the details, and only looked at where those are silent.
        var cachedInput: Int?
        var cacheWrite: Int?
        var cacheWriteLong: Int?
        var reasoning: Int?
        var cost: MicroDollars?
        /// OpenRouter: the call went out with the caller's own key for the provider behind it, which sends a bill too.
        var hasOwnKey = false
        var upstreamCost: MicroDollars?

        /// What was used, with all parts inside their whole.
        ///
        /// xAI counts reasoning beside `completion_tokens`, and so does Gemini, which only shows in `total_tokens`;
        /// where Anthropic's way shines through, cached tokens stand beside `prompt_tokens`.
        var settled: TokenUsage {
            var usage = self.usage
            usage.cachedInput = usage.cachedInput ?? self.cachedInput
            usage.cacheWrite = usage.cacheWrite ?? self.cacheWrite
            usage.cacheWriteLong = usage.cacheWriteLong ?? self.cacheWriteLong
            usage.reasoning = usage.reasoning ?? self.reasoning
            usage.cost = self.hasOwnKey ? self.cost.map { $0 + (self.upstreamCost ?? .zero) } : self.cost
            guard let input = usage.input, let output = usage.output else { return usage }
            let cache = (usage.cachedInput ?? 0) + (usage.cacheWrite ?? 0)
            let reasoning = usage.reasoning ?? 0
            let beside = self.total.map { max(0, $0 - input - output) }
            if cache > input || (cache > 0 && beside == cache && reasoning != cache) {
                usage.input = input + cache
            } else if let beside, beside > 0, reasoning == 0 || beside == reasoning {
                usage.output = output + beside
            } else if reasoning > output {
                usage.output = output + reasoning
            }
            return usage
        }
    }
}
