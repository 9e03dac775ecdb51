internal import Chat
internal import Core
internal import NIOCore

/// Reads content blocks, of requests and of answers.
enum AnthropicBlocks {
    /// Reads a string, which stands for one text block, or a list of blocks.
    static func content(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> [ContentPart] {
        if let text = reader.string(value) { return [ContentPart(.text(text), place: value.start)] }
        guard reader.kind(value) == .array else {
            throw AnthropicValue.wrong(value, name, "a string or a list of content blocks")
        }
        var parts: [ContentPart] = []
        try reader.elements(of: value) { (element) throws(RequestUnreadable) in
            parts.append(try Self.block(element, reader))
        }
        return parts
    }

    /// The kinds of blocks that are taken apart; all others are kept whole.
    private enum Kind {
        case text, image, document, thinking, redactedThinking, toolUse, toolResult, other

        init(_ type: JSONSlice, _ reader: BodyReader) {
            if reader.equals(type, "text") {
                self = .text
            } else if reader.equals(type, "tool_use") {
                self = .toolUse
            } else if reader.equals(type, "tool_result") {
                self = .toolResult
            } else if reader.equals(type, "image") {
                self = .image
            } else if reader.equals(type, "document") {
                self = .document
            } else if reader.equals(type, "thinking") {
                self = .thinking
            } else if reader.equals(type, "redacted_thinking") {
                self = .redactedThinking
            } else {
                self = .other
            }
        }

        /// The members that it is made of, as bits by their position in `names`; others are a remainder.
        var members: Int {
            let names: [Name] =
                switch self {
                case .text: [.text, .citations, .cacheControl]
                case .image: [.source, .cacheControl]
                case .document: [.source, .title, .cacheControl]
                case .thinking: [.thinking, .signature]
                case .redactedThinking: [.data]
                case .toolUse: [.id, .name, .input, .cacheControl]
                case .toolResult: [.toolUseID, .content, .isError, .cacheControl]
                case .other: []
                }
            return names.reduce(1) { $0 | 1 << $1.rawValue }
        }
    }

    private enum Name: Int {
        case type, text, source, title, citations, cacheControl, thinking, signature, data
        case id, name, input, toolUseID, content, isError
    }

    private static let names = JSONNames(
        "type",
        "text",
        "source",
        "title",
        "citations",
        "cache_control",
        "thinking",
        "signature",
        "data",
        "id",
        "name",
        "input",
        "tool_use_id",
        "content",
        "is_error"
    )

    private static let members: [Int] = [
        Kind.text.members, Kind.image.members, Kind.document.members, Kind.thinking.members,
        Kind.redactedThinking.members, Kind.toolUse.members, Kind.toolResult.members, 1,
    ]

    private static func index(_ kind: Kind) -> Int {
        switch kind {
        case .text: 0
        case .image: 1
        case .document: 2
        case .thinking: 3
        case .redactedThinking: 4
        case .toolUse: 5
        case .toolResult: 6
        case .other: 7
        }
    }

    /// The members of one block; which mean something depends on its kind.
    private struct Members {
        var value: JSONSlice?
        var source: JSONSlice?
        var title: JSONSlice?
        var citations: JSONSlice?
        var cacheControl: JSONSlice?
        var signature: JSONSlice?
        var id: JSONSlice?
        var name: JSONSlice?
        var isError: JSONSlice?
        var rest: [RestMember] = []

        mutating func set(_ name: Name, _ slice: JSONSlice) {
            switch name {
            case .type: break
            case .text, .thinking, .data, .input, .content: self.value = slice
            case .source: self.source = slice
            case .title: self.title = slice
            case .citations: self.citations = slice
            case .cacheControl: self.cacheControl = slice
            case .signature: self.signature = slice
            case .id, .toolUseID: self.id = slice
            case .name: self.name = slice
            case .isError: self.isError = slice
            }
        }
    }

    /// Reads one block.
    static func block(_ value: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> ContentPart {
        let type = try Self.type(of: AnthropicValue.object(value, "content", reader), reader)
        let kind = Kind(type, reader)
        if case .other = kind { return ContentPart(.other(reader.fragment(value)), place: value.start) }
        let known = Self.members[Self.index(kind)]
        var members = Members()
        try reader.members(of: value) { (key, slice) throws(RequestUnreadable) in
            guard let position = Self.names.position(of: key), known & 1 << position != 0,
                let name = Name(rawValue: position)
            else {
                members.rest.append(reader.rest(key, slice))
                return
            }
            if !reader.isNull(slice) { members.set(name, slice) }
        }
        var part = ContentPart(try Self.content(kind, members, value, reader), place: value.start)
        part.rest = members.rest
        if let mark = members.cacheControl { part.cacheMark = reader.given(mark) }
        if let citations = members.citations, reader.kind(citations) == .array {
            try reader.elements(of: citations) { (element) throws(RequestUnreadable) in
                part.citations.append(reader.fragment(element))
            }
        }
        return part
    }

    /// The value of `type`.
    private static func type(of block: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> JSONSlice {
        // It nearly always comes first, and what follows may be long.
        if let type = Self.leadingType(of: block, reader) { return type }
        var type: JSONSlice?
        try reader.members(of: block) { (key, slice) throws(RequestUnreadable) in
            if key.equals("type") { type = slice }
        }
        guard let type, reader.kind(type) == .string else {
            throw AnthropicValue.missing(block, "content.type", "the kind of the block")
        }
        return type
    }

    /// The value of `type` if that is the first member and a word without escapes.
    private static func leadingType(of block: JSONSlice, _ reader: BodyReader) -> JSONSlice? {
        let range = reader.text(block) { bytes -> Range<Int>? in
            var index = 1
            func skipSpace() { while index < bytes.count, bytes[index] <= 0x20 { index += 1 } }
            skipSpace()
            let key: StaticString = "\"type\""
            guard index + key.utf8CodeUnitCount < bytes.count else { return nil }
            for offset in 0..<key.utf8CodeUnitCount where bytes[index + offset] != key.utf8Start[offset] { return nil }
            index += key.utf8CodeUnitCount
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { return nil }
            index += 1
            skipSpace()
            let start = index
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return nil }
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                if bytes[index] == UInt8(ascii: "\\") { return nil }
                index += 1
            }
            return index < bytes.count ? start..<(index + 1) : nil
        }
        return range.map { JSONSlice(start: block.start + $0.lowerBound, end: block.start + $0.upperBound) }
    }

    private static func content(
        _ kind: Kind,
        _ members: Members,
        _ block: JSONSlice,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> ContentPart.Content {
        switch kind {
        case .text:
            return .text(try Self.string(members.value, "text", block, reader))
        case .image:
            return try Self.media(members, block, reader).map { .image($0) } ?? .other(reader.fragment(block))
        case .document:
            guard var media = try Self.media(members, block, reader) else { return .other(reader.fragment(block)) }
            if let title = members.title { media.name = try AnthropicValue.string(title, "title", reader) }
            return .file(media)
        case .thinking:
            let text = try Self.string(members.value, "thinking", block, reader)
            let signature = members.signature.flatMap { reader.string($0) }
            return .thinking(ForeignThoughts.read(text: text, signature: signature))
        case .redactedThinking:
            return .thinking(ForeignThoughts.read(data: try Self.string(members.value, "data", block, reader)))
        case .toolUse:
            let id = try Self.string(members.id, "id", block, reader)
            let name = try Self.string(members.name, "name", block, reader)
            let input = try members.value.map { (slice) throws(RequestUnreadable) -> JSONFragment in
                reader.fragment(try AnthropicValue.object(slice, "input", reader))
            }
            return .toolCall(ToolCall(id: id, name: name, arguments: .object(input ?? JSONFragment(literal: "{}"))))
        case .toolResult:
            let id = try Self.string(members.id, "tool_use_id", block, reader)
            var result = ToolResult(callID: id, parts: [])
            if let content = members.value { result.parts = try Self.content(content, "content", reader) }
            if let flag = members.isError { result.isError = try AnthropicValue.bool(flag, "is_error", reader) }
            return .toolResult(result)
        case .other:
            return .other(reader.fragment(block))
        }
    }

    private static func string(
        _ value: JSONSlice?,
        _ name: StaticString,
        _ block: JSONSlice,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> JSONString {
        guard let value else { throw AnthropicValue.missing(block, name, "a string") }
        return try AnthropicValue.string(value, name, reader).value
    }

    /// Reads `source`; nil if it is of a kind that is kept whole, such as a document made of blocks.
    private static func media(
        _ members: Members,
        _ block: JSONSlice,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> Media? {
        guard let source = members.source else { throw AnthropicValue.missing(block, "source", "an object") }
        var type: JSONSlice?
        var value: JSONString?
        var mediaType: JSONString?
        var isKnown = true
        try reader.members(of: AnthropicValue.object(source, "source", reader)) {
            (key, slice) throws(RequestUnreadable) in
            if key.equals("type") {
                type = slice
            } else if key.equals("data") || key.equals("url") || key.equals("file_id") {
                value = reader.string(slice)
                isKnown = isKnown && value != nil
            } else if key.equals("media_type") {
                mediaType = reader.string(slice)
            } else {
                isKnown = false
            }
        }
        guard isKnown, let type, let value else { return nil }
        if reader.equals(type, "base64") { return Media(.data(value.utf8), mediaType: mediaType) }
        if reader.equals(type, "url") { return Media(.url(value), mediaType: mediaType) }
        if reader.equals(type, "file") { return Media(.fileID(value), mediaType: mediaType) }
        if reader.equals(type, "text") { return Media(.text(value), mediaType: mediaType) }
        return nil
    }
}
