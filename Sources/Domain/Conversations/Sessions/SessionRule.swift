package import Core
internal import NIOCore

/// How much of everything there may be, and what texts may hold.
package enum SessionRule {
    /// Characters of a title.
    package static let titleLengthMax = 200
    /// Characters of a title that is made from a message.
    package static let madeTitleLengthMax = 80
    /// Bytes of a system prompt.
    package static let systemBytesMax = 64 << 10
    /// Bytes of what somebody says, as JSON.
    package static let messageBytesMax = 1 << 20
    /// Bytes of an answer, as JSON, with the tools' results in it.
    package static let answerBytesMax = 8 << 20
    /// Bytes of a summary.
    package static let summaryBytesMax = 64 << 10
    /// Messages of a session.
    package static let messagesMax = 100_000
    /// Sessions of a person, or of a key that is nobody's.
    package static let sessionsMax = 10_000
    /// Characters of the names of models and agents, in UTF-8 bytes.
    package static let nameBytesMax = 256

    /// Gives a title back without white space around it; an empty one is none.
    ///
    /// - Throws: `SessionError.invalid` for one that is too long or not on one line.
    package static func title(_ text: String) throws(SessionError) -> String {
        let title = Self.trimmed(text)
        guard title.count <= Self.titleLengthMax, title.utf8.count <= 4 * Self.titleLengthMax,
            title.unicodeScalars.allSatisfy(Self.isHarmless)
        else { throw .invalid(field: "title", expected: "at most \(Self.titleLengthMax) characters on one line") }
        return title
    }

    /// Makes a title from what somebody said: its beginning, on one line.
    package static func title(from text: String) -> String {
        var title = ""
        var hasGap = false
        for character in text.prefix(4 * Self.madeTitleLengthMax) {
            if character.isWhitespace || !character.unicodeScalars.allSatisfy(Self.isHarmless) {
                hasGap = !title.isEmpty
                continue
            }
            guard title.count + (hasGap ? 2 : 1) < Self.madeTitleLengthMax,
                title.utf8.count + character.utf8.count < 4 * Self.madeTitleLengthMax
            else { return title + "…" }
            if hasGap { title.append(" ") }
            hasGap = false
            title.append(character)
        }
        return title
    }

    static func system(_ text: String?) throws(SessionError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= Self.systemBytesMax, !text.utf8.contains(0) else {
            throw .invalid(field: "system", expected: "a text of at most 64 KiB without NUL")
        }
        return text
    }

    static func name(_ text: String?, field: String) throws(SessionError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= Self.nameBytesMax, text.unicodeScalars.allSatisfy(Self.isHarmless) else {
            throw .invalid(field: field, expected: "a name of at most \(Self.nameBytesMax) bytes on one line")
        }
        return text
    }

    /// Refuses what is no content: a JSON text, or a JSON list of parts, that any reader of JSON can read.
    ///
    /// - Throws: `SessionError.invalid`, `.tooLong`.
    static func check(_ content: ByteBuffer, bytesMax: Int) throws(SessionError) {
        guard content.readableBytes <= bytesMax else { throw .tooLong(bytesMax: bytesMax) }
        guard Self.isContent(content) else {
            throw .invalid(field: "content", expected: "a text, or a list of parts")
        }
    }

    private static func isContent(_ content: ByteBuffer) -> Bool {
        guard let first = content.readableBytesView.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
            first == UInt8(ascii: "\"") || first == UInt8(ascii: "[")
        else { return false }
        do throws(JSONError) {
            try content.withBytes { bytes throws(JSONError) in try JSONScanner.validate(bytes) }
            return true
        } catch {
            return false
        }
    }

    /// Tokens as they are summed: what nobody can have is cut off, so that no sum overflows.
    static func tokens(_ count: Int) -> Int { min(max(count, 0), 1_000_000_000) }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }

    /// Whether a character neither ends a line, nor hides or turns what stands beside it (row 52).
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: return false
        // Joiners and tags make letters, emoji and flags; the rest of the format characters turn or hide text.
        case .format: return scalar.value == 0x200C || scalar.value == 0x200D || scalar.value >= 0xE0000
        default: return true
        }
    }
}

/// What somebody wants to begin a session with.
package struct SessionDraft: Sendable, Equatable {
    package var title: String
    package var agentID: String?
    package var model: String?
    package var system: String?
    package var history: HistoryWish?

    package init(
        title: String = "",
        agentID: String? = nil,
        model: String? = nil,
        system: String? = nil,
        history: HistoryWish? = nil
    ) {
        self.title = title
        self.agentID = agentID
        self.model = model
        self.system = system
        self.history = history
    }

    /// The same with everything as it is kept.
    func checked() throws(SessionError) -> SessionDraft {
        SessionDraft(
            title: try SessionRule.title(self.title),
            agentID: try SessionRule.name(self.agentID, field: "agentId"),
            model: try SessionRule.name(self.model, field: "model"),
            system: try SessionRule.system(self.system),
            history: self.history
        )
    }
}

/// What somebody wants to change of a session; nil leaves a field as it is, `.some(nil)` takes it away.
package struct SessionChanges: Sendable, Equatable {
    package var title: String?
    package var agentID: String??
    package var model: String??
    package var system: String??
    package var history: HistoryWish??

    package init(
        title: String? = nil,
        agentID: String?? = nil,
        model: String?? = nil,
        system: String?? = nil,
        history: HistoryWish?? = nil
    ) {
        self.title = title
        self.agentID = agentID
        self.model = model
        self.system = system
        self.history = history
    }
}
