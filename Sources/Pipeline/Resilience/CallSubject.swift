internal import Auth
internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Wire

/// Who a call sticks to a target or to a side of an experiment for, as a number.
///
/// Two groups never share one, whatever they call their users and sessions.
struct CallSubject {
    var word: UInt64
    /// Where it comes from.
    var source: StaticReason
}

extension Call {
    /// Whom the call sticks for; nil where nobody says so.
    ///
    /// A session is named by `x-turnpike-session`, else by what OpenAI's clients send for the same purpose,
    /// `prompt_cache_key`, else it is the user that the body names. A user is named by the body (`safety_identifier`,
    /// formerly `user`), since an application calls for many with one key; else it is whom the key belongs to: a
    /// person, an agent, or nobody but the key itself.
    func subject(by stickiness: Stickiness) -> CallSubject? {
        let group = self.principal?.group.text ?? ""
        if stickiness == .session, let field = self.head.first(.turnpikeSession), !field.value.isEmpty {
            let word = self.headBytes.withUnsafeReadableBytes {
                Rendezvous.identity(of: UnsafeRawBufferPointer(rebasing: $0[field.value]), owner: group)
            }
            return CallSubject(word: word, source: "the header x-turnpike-session")
        }
        if let named = BodySubjects(self.body, group: group).best(for: stickiness) { return named }
        guard stickiness == .user, let principal = self.principal else { return nil }
        switch principal.owner {
        case .user(let user):
            return CallSubject(word: Rendezvous.identity(of: group, "user", user.text), source: "the key's user")
        case .agent(let agent):
            return CallSubject(word: Rendezvous.identity(of: group, "agent", agent), source: "the key's agent")
        case .group:
            return CallSubject(word: Rendezvous.identity(of: group, "key", principal.keyID), source: "the key")
        }
    }
}

/// Whom a request's body names.
private struct BodySubjects {
    private static let names = JSONNames("prompt_cache_key", "safety_identifier", "user")
    private static let sources: [StaticReason] = ["prompt_cache_key", "safety_identifier", "user"]

    /// By the position in `names`; nil where it is missing, empty or no text.
    private var words: (UInt64?, UInt64?, UInt64?) = (nil, nil, nil)

    init(_ body: ByteBuffer, group: String) {
        body.withUnsafeReadableBytes { bytes in
            var scanner = JSONScanner(bytes)
            let reader = JSONScanner(bytes)
            // The body was checked before; if it cannot be read it names nobody.
            try? scanner.members { key, value in
                guard let name = Self.names.position(of: key), let text = reader.content(value), !text.isEmpty else {
                    return
                }
                // As it is written: who escapes the same name in another way is taken for another.
                let word = Rendezvous.identity(of: text, owner: group)
                switch name {
                case 0: self.words.0 = word
                case 1: self.words.1 = word
                default: self.words.2 = word
                }
            }
        }
    }

    func best(for stickiness: Stickiness) -> CallSubject? {
        if stickiness == .session, let word = self.words.0 { return CallSubject(word: word, source: Self.sources[0]) }
        if let word = self.words.1 { return CallSubject(word: word, source: Self.sources[1]) }
        return self.words.2.map { CallSubject(word: $0, source: Self.sources[2]) }
    }
}
