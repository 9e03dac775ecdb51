internal import Chat
internal import Core
internal import NIOCore

/// Reads the content of a message, or what a tool gave: a string, or a list of parts.
struct ResponsesPartReader {
    private static let names = JSONNames(
        "type",
        "text",
        "refusal",
        "image_url",
        "file_id",
        "detail",
        "filename",
        "file_data",
        "file_url",
        "input_audio",
        "annotations",
        "logprobs",
        "prompt_cache_breakpoint"
    )

    let reader: BodyReader

    /// What stands in a part.
    private struct Fields {
        var type: RestMember?
        var text: JSONSlice?
        var refusal: JSONSlice?
        var imageURL: JSONSlice?
        var fileID: JSONSlice?
        var detail: JSONSlice?
        var filename: JSONSlice?
        var fileData: JSONSlice?
        var fileURL: JSONSlice?
        var audio: JSONSlice?
        var annotations: JSONSlice?
        var logprobs: RestMember?
        var cacheBreak: RestMember?
        var rest: [RestMember] = []
    }

    func parts(_ content: JSONSlice) throws(RequestUnreadable) -> [ContentPart] {
        if let text = self.reader.string(content) { return [ContentPart(.text(text), place: content.start)] }
        guard self.reader.kind(content) == .array else {
            throw RequestUnreadable(
                at: content.start,
                "The value is of the wrong type.",
                expected: "a string or a list of parts"
            )
        }
        var parts: [ContentPart] = []
        try self.reader.elements(of: content) { (element) throws(RequestUnreadable) in
            parts.append(try self.part(element))
        }
        return parts
    }

    private func part(_ element: JSONSlice) throws(RequestUnreadable) -> ContentPart {
        let fields = try self.fields(element)
        guard let type = fields.type?.value.string else {
            throw RequestUnreadable(
                at: element.start,
                "The part has no type.",
                expected: "an object with a `type`, a string"
            )
        }
        var part = ContentPart(try self.content(type, element, fields), place: element.start)
        if case .other = part.content { return part }
        part.rest = fields.rest
        if let member = fields.type { part.own.append(member) }
        if let annotations = fields.annotations {
            try self.reader.elements(of: annotations) { (annotation) throws(RequestUnreadable) in
                part.citations.append(self.reader.fragment(annotation))
            }
        }
        if let logprobs = fields.logprobs { part.own.append(logprobs) }
        if let cacheBreak = fields.cacheBreak {
            part.own.append(cacheBreak)
            part.cacheMark = Given(JSONFragment(literal: #"{"type":"ephemeral"}"#), at: cacheBreak.place)
        }
        return part
    }

    private func fields(_ element: JSONSlice) throws(RequestUnreadable) -> Fields {
        var fields = Fields()
        try self.reader.fields(of: element, "a part: an object with a `type`") {
            (key, value) throws(RequestUnreadable) in
            switch Self.names.position(of: key) {
            case 0: fields.type = self.reader.rest(key, value)
            case 1: fields.text = value
            case 2: fields.refusal = value
            case 3: fields.imageURL = value
            case 4: fields.fileID = value
            case 5: fields.detail = value
            case 6: fields.filename = value
            case 7: fields.fileData = value
            case 8: fields.fileURL = value
            case 9: fields.audio = value
            case 10: fields.annotations = value
            case 11: fields.logprobs = self.reader.rest(key, value)
            case 12: fields.cacheBreak = self.reader.rest(key, value)
            default: fields.rest.append(self.reader.rest(key, value))
            }
        }
        return fields
    }

    private func content(
        _ type: JSONString,
        _ element: JSONSlice,
        _ fields: Fields
    ) throws(RequestUnreadable) -> ContentPart.Content {
        if type.equals("input_text") || type.equals("output_text") || type.equals("text") {
            return .text(try self.text(fields.text, element, "`text`"))
        }
        if type.equals("refusal") { return .refusal(try self.text(fields.refusal, element, "`refusal`")) }
        if type.equals("input_image") { return .image(try self.image(element, fields)) }
        if type.equals("input_file") { return .file(try self.file(element, fields)) }
        if type.equals("input_audio") { return .audio(try self.audio(element, fields)) }
        return .other(self.reader.fragment(element))
    }

    private func image(_ element: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> Media {
        var media: Media
        if let address = fields.imageURL {
            media = try self.media(at: address)
        } else if let id = fields.fileID {
            media = Media(.fileID(try self.reader.text(id).value))
        } else {
            throw RequestUnreadable(
                at: element.start,
                "The picture has no source.",
                expected: "`image_url` or `file_id`"
            )
        }
        if let detail = fields.detail { media.detail = try self.reader.text(detail) }
        return media
    }

    private func file(_ element: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> Media {
        var media: Media
        if let data = fields.fileData {
            media = try self.data(data)
        } else if let address = fields.fileURL {
            media = try self.media(at: address)
        } else if let id = fields.fileID {
            media = Media(.fileID(try self.reader.text(id).value))
        } else {
            let expected = "`file_data`, `file_url` or `file_id`"
            throw RequestUnreadable(at: element.start, "The file has no source.", expected: expected)
        }
        if let name = fields.filename { media.name = try self.reader.text(name) }
        if let detail = fields.detail { media.detail = try self.reader.text(detail) }
        return media
    }

    /// An address, or data inside of one.
    private func media(at address: JSONSlice) throws(RequestUnreadable) -> Media {
        DataURL.media(try self.reader.text(address).value)
    }

    /// Data as an address, or bare.
    private func data(_ value: JSONSlice) throws(RequestUnreadable) -> Media {
        let text = try self.reader.text(value).value
        let media = DataURL.media(text)
        if case .data = media.source { return media }
        return Media(.data(try self.base64(text, value)))
    }

    private func base64(_ text: JSONString, _ value: JSONSlice) throws(RequestUnreadable) -> ByteBuffer {
        guard let plain = DataURL.base64(text) else {
            throw RequestUnreadable(
                at: value.start,
                "The data is not base64.",
                expected: "base64, or a `data:` address of it"
            )
        }
        return plain
    }

    private func audio(_ element: JSONSlice, _ fields: Fields) throws(RequestUnreadable) -> Media {
        guard let audio = fields.audio else {
            throw RequestUnreadable(at: element.start, "The sound has no data.", expected: "`input_audio`, an object")
        }
        var data: ByteBuffer?
        var mediaType: JSONString?
        try self.reader.fields(of: audio, "an object with `data` and `format`") {
            (key, value) throws(RequestUnreadable) in
            if key.equals("data") {
                data = try self.base64(try self.reader.text(value).value, value)
            } else if key.equals("format") {
                let format = try self.reader.text(value).value
                mediaType = format.equals("mp3") ? Self.mp3 : JSONString(prefix: "audio/", format)
            }
        }
        guard let data else {
            throw RequestUnreadable(at: audio.start, "The sound has no data.", expected: "`data`, base64")
        }
        return Media(.data(data), mediaType: mediaType)
    }

    private static let mp3 = JSONString("audio/mpeg")

    private func text(_ value: JSONSlice?, _ element: JSONSlice, _ name: String) throws(RequestUnreadable) -> JSONString
    {
        guard let value else {
            throw RequestUnreadable(at: element.start, "The part has no \(name).", expected: "\(name), a string")
        }
        return try self.reader.text(value).value
    }
}

extension JSONString {
    /// A text behind a word that needs no escapes.
    init(prefix: StaticString, _ text: JSONString) {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeStaticString(prefix)
        text.writeContent(into: &bytes)
        bytes.writeInteger(UInt8(ascii: "\""))
        self.init(checked: bytes)
    }
}
