internal import Chat
internal import Core
internal import NIOCore

/// Pictures in answers of chat, as OpenRouter and those who follow it have them:
/// `"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]`.
enum ChatImages {
    /// Those of a list that came whole; what is no picture in it is passed over.
    static func read(_ list: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> [Media] {
        guard reader.kind(list) == .array else { return [] }
        var images: [Media] = []
        try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
            let address = reader.fragment(element).value(of: "image_url")
            guard let url = address?.value(of: "url")?.string ?? address?.string, !url.isEmpty else { return }
            images.append(DataURL.media(url))
        }
        return images
    }

    /// Appends one picture of the list; nothing for what is neither an address nor data.
    static func write(_ image: Media, _ index: Int, into body: inout ByteBuffer) -> AnswerLosses {
        switch image.source {
        case .data, .url: break
        case .fileID, .text: return .images
        }
        body.separate()
        body.beginObject()
        body.writeMember("type", word: "image_url")
        body.writeKey("image_url")
        body.beginObject()
        body.writeKey("url")
        if case .data(let data) = image.source {
            DataURL.write(data, type: image.mediaType, or: "image/png", into: &body)
        } else if case .url(let url) = image.source {
            url.write(into: &body)
        }
        body.endObject()
        body.writeMember("index", index)
        body.endObject()
        return []
    }
}
