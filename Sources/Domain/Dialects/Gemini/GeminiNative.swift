internal import Chat
internal import Core
internal import NIOCore

/// What a client said in Gemini's own words, beside its own dialect's.
struct GeminiNative {
    struct Member {
        /// As Gemini spells it.
        let name: StaticString
        let value: JSONFragment
        let place: Int
    }

    private(set) var root: [Member] = []
    /// Those of `generationConfig`.
    private(set) var config: [Member] = []

    /// Both spellings of a member, and whether it stands in `generationConfig`.
    private struct Name {
        let plain: StaticString
        let snake: StaticString
        let isConfig: Bool
    }

    private static let names = [
        Name(plain: "safetySettings", snake: "safety_settings", isConfig: false),
        Name(plain: "cachedContent", snake: "cached_content", isConfig: false),
        Name(plain: "thinkingConfig", snake: "thinking_config", isConfig: true),
        Name(plain: "responseModalities", snake: "response_modalities", isConfig: true),
        Name(plain: "speechConfig", snake: "speech_config", isConfig: true),
        Name(plain: "mediaResolution", snake: "media_resolution", isConfig: true),
        Name(plain: "imageConfig", snake: "image_config", isConfig: true),
        Name(plain: "enableEnhancedCivicAnswers", snake: "enable_enhanced_civic_answers", isConfig: true),
        // Other dialects mean something else by this word at their top level.
        Name(plain: "labels", snake: "labels", isConfig: false),
    ]

    private static let hosted: [StaticString] = [
        "googleSearch", "google_search", "codeExecution", "code_execution", "urlContext", "url_context", "googleMaps",
        "google_maps", "fileSearch", "file_search", "computerUse", "computer_use", "googleSearchRetrieval",
        "google_search_retrieval",
    ]

    /// Whether this is the whole definition of a tool that Gemini runs itself: `{"googleSearch": {}}`.
    static func isTool(_ definition: JSONFragment) -> Bool {
        guard let members = definition.members(at: -1), members.count == 1 else { return false }
        return self.hosted.contains { members[0].name.equals($0) }
    }

    /// Whether the client said in Gemini's words how to think.
    var saysThinking: Bool { self.config.contains { $0.name.description == "thinkingConfig" } }

    /// Takes what Gemini knows out of the top level of a request, and notes the rest as lost.
    mutating func take(from rest: [RestMember], losses: inout Losses) {
        for member in rest {
            if member.name.equals("google") {
                self.takeAll(of: member, losses: &losses)
            } else if member.name.equals("extra_body"), let inner = member.value.members(at: member.place) {
                for member in inner {
                    if member.name.equals("google") {
                        self.takeAll(of: member, losses: &losses)
                    } else {
                        losses.dropWishes(in: [member])
                    }
                }
            } else if member.name.equals("labels") || !self.take(member) {
                losses.dropWishes(in: [member])
            }
        }
    }

    private mutating func takeAll(of object: RestMember, losses: inout Losses) {
        guard let members = object.value.members(at: object.place) else { return losses.drop(at: object.place) }
        for member in members where !self.take(member) { losses.dropWishes(in: [member]) }
    }

    private mutating func take(_ member: RestMember) -> Bool {
        guard let name = Self.names.first(where: { member.name.equals($0.plain) || member.name.equals($0.snake) })
        else {
            return false
        }
        if member.value.isNull { return true }
        let taken = Member(name: name.plain, value: member.value, place: member.place)
        let others = name.isConfig ? self.config : self.root
        // Said twice, in two spellings or places: the first one counts, the other is lost.
        guard !others.contains(where: { $0.name.description == name.plain.description }) else { return false }
        if name.isConfig { self.config.append(taken) } else { self.root.append(taken) }
        return true
    }
}
