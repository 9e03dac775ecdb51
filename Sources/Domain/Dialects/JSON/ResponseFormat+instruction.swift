internal import Chat
internal import Core
internal import NIOCore

extension ResponseFormat {
    /// The form of the answer as an instruction, for targets that cannot be told it otherwise; nil for text.
    var instruction: JSONString? {
        var text = ByteBuffer()
        switch self {
        case .text:
            return nil
        case .jsonObject:
            text.writeStaticString("When you give your answer, give it as one JSON object and nothing else.")
        case .jsonSchema(let form):
            text.writeStaticString("When you give your answer, give it as one JSON value and nothing else")
            guard let schema = form.schema else {
                text.writeStaticString(".")
                break
            }
            text.writeStaticString(". It must be valid by this JSON Schema: ")
            schema.write(into: &text)
        }
        return JSONString(utf8: text)
    }
}
