internal import Chat
internal import Core
internal import NIOCore

extension OpenAIChatRequestReading {
    /// The parts of a content: a string, a list of parts, or nothing.
    func parts(_ content: JSONSlice?) throws(RequestUnreadable) -> [ContentPart] {
        guard let content else { return [] }
        if let text = self.reader.string(content) { return [ContentPart(.text(text), place: content.start)] }
        guard self.reader.kind(content) == .array else { throw self.wrong(content, "a string or a list of parts") }
        var parts: [ContentPart] = []
        try self.reader.elements(of: content) { (element) throws(RequestUnreadable) in
            parts.append(try self.part(element))
        }
        return parts
    }

    private func part(_ slice: JSONSlice) throws(RequestUnreadable) -> ContentPart {
        if let text = self.reader.string(slice) { return ContentPart(.text(text), place: slice.start) }
        var type: JSONSlice?
        var known: JSONSlice?
        var mark: Given<JSONFragment>?
        var rest: [RestMember] = []
        var own: [RestMember] = []
        try self.reader.members(of: self.object(slice)) { (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                type = value
            } else if Self.contentNames.position(of: key) != nil, !self.reader.isNull(value) {
                known = value
            } else if key.equals("cache_control") {
                if !self.reader.isNull(value) { mark = self.reader.given(value) }
            } else if key.equals("prompt_cache_breakpoint"), let other = self.breakpoint(value) {
                mark = other
                own.append(self.reader.rest(key, value))
            } else if !self.reader.isNull(value) {
                rest.append(self.reader.rest(key, value))
            }
        }
        guard let type, self.reader.kind(type) == .string else {
            throw RequestUnreadable(at: slice.start, "The part has no type.", expected: "an object with a type")
        }
        var part = ContentPart(try self.content(type, known, slice), place: slice.start)
        part.cacheMark = mark
        if case .other = part.content { return part }
        part.rest = rest
        part.own = own
        return part
    }

    private static let contentNames = JSONNames("text", "refusal", "image_url", "input_audio", "file", "thinking")

    private func content(
        _ type: JSONSlice,
        _ value: JSONSlice?,
        _ part: JSONSlice
    ) throws(RequestUnreadable) -> ContentPart.Content {
        guard let value else { return .other(self.reader.fragment(part)) }
        if self.reader.equals(type, "text") { return .text(try self.string(value).value) }
        if self.reader.equals(type, "image_url") { return .image(try self.image(value)) }
        if self.reader.equals(type, "refusal") { return .refusal(try self.string(value).value) }
        if self.reader.equals(type, "input_audio") { return .audio(try self.audio(value)) }
        if self.reader.equals(type, "file") {
            return try self.file(value).map { .file($0) } ?? .other(self.reader.fragment(part))
        }
        if self.reader.equals(type, "thinking"), let text = ReasoningDetails.mistralText(value, self.reader) {
            return .thinking(Thinking(text: text, format: .openAIChat))
        }
        return .other(self.reader.fragment(part))
    }

    private func image(_ value: JSONSlice) throws(RequestUnreadable) -> Media {
        if let address = self.reader.string(value) { return DataURL.media(address) }
        var address: JSONString?
        var detail: Given<JSONString>?
        try self.reader.members(of: self.object(value)) { (key, member) throws(RequestUnreadable) in
            guard !self.reader.isNull(member) else { return }
            if key.equals("url") {
                address = try self.string(member).value
            } else if key.equals("detail") {
                detail = try self.string(member)
            }
        }
        guard let address else {
            throw RequestUnreadable(at: value.start, "The image has no address.", expected: "an object with a url")
        }
        var media = DataURL.media(address)
        media.detail = detail
        return media
    }

    private func audio(_ value: JSONSlice) throws(RequestUnreadable) -> Media {
        var data: JSONString?
        var format: JSONString?
        try self.reader.members(of: self.object(value)) { (key, member) throws(RequestUnreadable) in
            if key.equals("data") { data = try self.string(member).value }
            if key.equals("format") { format = try self.string(member).value }
        }
        guard let data, let bytes = DataURL.base64(data) else {
            throw RequestUnreadable(at: value.start, "The sound has no data.", expected: "an object with base64 data")
        }
        return Media(.data(bytes), mediaType: format.map { Self.mediaType("audio/", $0) })
    }

    private static func mediaType(_ kind: StaticString, _ format: JSONString) -> JSONString {
        var bytes = ByteBufferAllocator().buffer(capacity: 24)
        bytes.writeStaticString("\"")
        bytes.writeStaticString(kind)
        format.writeContent(into: &bytes)
        bytes.writeStaticString("\"")
        return JSONString(checked: bytes)
    }

    /// Nil for a file of which nothing is said.
    private func file(_ value: JSONSlice) throws(RequestUnreadable) -> Media? {
        var data: JSONString?
        var id: JSONString?
        var name: Given<JSONString>?
        try self.reader.members(of: self.object(value)) { (key, member) throws(RequestUnreadable) in
            guard !self.reader.isNull(member) else { return }
            if key.equals("file_data") {
                data = try self.string(member).value
            } else if key.equals("file_id") {
                id = try self.string(member).value
            } else if key.equals("filename") {
                name = try self.string(member)
            }
        }
        var media: Media
        if let data {
            media = DataURL.media(data)
            // Some write base64 alone, without `data:` before it.
            if case .url = media.source, !DataURL.isAddress(data), let bytes = DataURL.base64(data) {
                media = Media(.data(bytes))
            }
        } else if let id {
            media = Media(.fileID(id))
        } else {
            return nil
        }
        media.name = name
        return media
    }

    /// OpenAI's own cache mark in Anthropic's words; nil if it is none.
    private func breakpoint(_ value: JSONSlice) -> Given<JSONFragment>? {
        guard self.reader.kind(value) == .object else { return nil }
        var isLong = false
        let isWhole: Void? = try? self.reader.members(of: value) { (key, member) throws(RequestUnreadable) in
            if key.equals("ttl") { isLong = true }
            _ = member
        }
        guard isWhole != nil else { return nil }
        let mark: StaticString = isLong ? #"{"type":"ephemeral","ttl":"1h"}"# : #"{"type":"ephemeral"}"#
        return Given(JSONFragment(literal: mark), at: value.start)
    }
}
