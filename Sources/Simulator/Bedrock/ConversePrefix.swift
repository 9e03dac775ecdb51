/// Walks through a Converse request in the order of its prompt (tools, system, messages), so that the cache can tell
/// what stands before each cache point.
struct ConversePrefix {
    /// The places between the blocks.
    private(set) var places: [PromptCache.Place] = []
    private var fingerprint = Wording.fingerprint("converse")
    private var tokens = 3

    /// The places in the body of a request that has been read.
    ///
    /// - Throws: `APIFailure` if there are more cache points than the API takes, or one of an unknown kind.
    init(_ body: JSONValue) throws(APIFailure) {
        for tool in body["toolConfig"]?["tools"]?.array ?? [] {
            try self.pass(tool, "tool", tokens: Tokenizer.count(tool.text))
        }
        for block in body["system"]?.array ?? [] {
            try self.pass(block, "system", tokens: 4 + Tokenizer.count(block["text"]?.string ?? ""))
        }
        for message in body["messages"]?.array ?? [] {
            self.tokens += 4
            for block in message["content"]?.array ?? [] {
                try self.pass(block, message["role"]?.string ?? "", tokens: Self.tokens(of: block))
            }
        }
        guard self.places.count(where: \.isMarked) <= 4 else {
            throw BedrockErrors.validation("A maximum of 4 cache points may be provided.")
        }
    }

    private static func tokens(of block: JSONValue) -> Int {
        if let text = block["text"]?.string { return Tokenizer.count(text) }
        if let use = block["toolUse"] { return Tokenizer.count(use.text) }
        let texts = (block["toolResult"]?["content"]?.array ?? []).map { $0["text"]?.string ?? $0["json"]?.text ?? "" }
        if block["toolResult"] != nil { return texts.reduce(0) { $0 + Tokenizer.count($1) } }
        return block["image"] == nil && block["document"] == nil ? 0 : 85
    }

    private mutating func pass(_ block: JSONValue, _ role: String, tokens: Int) throws(APIFailure) {
        guard let point = block.present("cachePoint") else {
            for byte in "\(role)\u{0}\(block.text)\u{0}".utf8 {
                self.fingerprint = (self.fingerprint ^ UInt64(byte)) &* 0x100_0000_01b3
            }
            self.tokens += tokens
            self.places.append(.init(fingerprint: self.fingerprint, tokens: self.tokens))
            return
        }
        guard point["type"]?.string == "default" else {
            throw BedrockErrors.constraint(
                point["type"],
                at: "cachePoint.type",
                "Member must satisfy enum value set: [default]"
            )
        }
        let ttl = point.present("ttl")
        guard ttl == nil || ttl?.string == "5m" || ttl?.string == "1h" else {
            throw BedrockErrors.constraint(ttl, at: "cachePoint.ttl", "Member must satisfy enum value set: [5m, 1h]")
        }
        guard let last = self.places.indices.last else {
            throw BedrockErrors.validation("A cache point must stand behind something to be cached.")
        }
        self.places[last].isMarked = true
        self.places[last].isLong = ttl?.string == "1h"
    }
}
