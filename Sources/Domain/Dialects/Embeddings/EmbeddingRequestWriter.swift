package import Chat
internal import Core
package import NIOCore

/// Says a request for embeddings in a provider's words.
package enum EmbeddingRequestWriter {
    /// Appends the request to `body`.
    ///
    /// A request with more inputs than `EmbeddingFormat.textsMax` must be taken apart first (`EmbeddingRequest.parts`).
    ///
    /// - Throws: If the inputs are tokens, or too many.
    package static func write(
        _ request: EmbeddingRequest,
        as format: EmbeddingFormat,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        guard request.input == .texts else {
            throw RequestUnwritable(at: request.place, "This model takes texts only, no tokens; send the texts.")
        }
        guard request.count <= format.textsMax else {
            let most = format.textsMax == 1 ? "one text" : "\(format.textsMax) texts"
            throw RequestUnwritable(
                at: request.place,
                "This model takes \(most) a call; send them one after the other."
            )
        }
        losses.drop(request.user)
        body.reserveCapacity(minimumWritableBytes: request.inputs.readableBytes + 256)
        switch format {
        case .cohere: self.writeCohere(request, target, isBedrock: false, &losses, &body)
        case .cohereOnBedrock: self.writeCohere(request, target, isBedrock: true, &losses, &body)
        case .gemini: self.writeGemini(request, target, &losses, &body)
        case .titan: self.writeTitan(request, target, &losses, &body)
        }
    }

    private static func writeCohere(
        _ request: EmbeddingRequest,
        _ target: TargetTraits,
        isBedrock: Bool,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        body.beginObject()
        if !isBedrock { body.writeMember("model", target.model) }
        // Cohere demands a purpose; documents are what most vectors are made of.
        body.writeMember("input_type", word: (request.purpose?.value ?? .document).cohere)
        if request.purpose?.value.isApproximateForCohere == true { losses.drop(request.purpose) }
        body.writeKey("embedding_types")
        body.writeStaticString(request.wantsBase64 && !isBedrock ? "[\"base64\"]" : "[\"float\"]")
        if let dimensions = request.dimensions {
            // The models before the fourth have one size.
            if target.modelID.contains("-v3") || target.modelID.contains("-v2") {
                losses.drop(dimensions)
            } else {
                body.writeMember("output_dimension", dimensions.value)
            }
        }
        self.writeRest(request.rest, knowing: ["truncate", "max_tokens", "priority"], &losses, &body)
        body.writeKey("texts")
        body.beginArray()
        body.writeImmutableBuffer(request.inputs)
        body.endArray()
        body.endObject()
    }

    private static func writeGemini(
        _ request: EmbeddingRequest,
        _ target: TargetTraits,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        // Everything but the text is the same in each of the requests.
        var frame = ByteBuffer()
        frame.beginObject()
        frame.writeKey("model")
        frame.writeStaticString(target.modelID.contains("/") ? "\"" : "\"models/")
        target.model.writeContent(into: &frame)
        frame.writeStaticString("\"")
        if let purpose = request.purpose { frame.writeMember("taskType", word: purpose.value.gemini) }
        if let dimensions = request.dimensions { frame.writeMember("outputDimensionality", dimensions.value) }
        self.writeRest(request.rest, knowing: ["title"], &losses, &frame)
        frame.writeKey("content")
        frame.writeStaticString("{\"parts\":[{\"text\":")
        body.beginObject()
        body.writeKey("requests")
        body.beginArray()
        request.forEachInput { text in
            body.separate()
            body.writeImmutableBuffer(frame)
            text.write(into: &body)
            body.writeStaticString("}]}}")
        }
        body.endArray()
        body.endObject()
    }

    private static func writeTitan(
        _ request: EmbeddingRequest,
        _ target: TargetTraits,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        let isFirst = target.modelID.contains("-v1")
        body.beginObject()
        body.writeKey("inputText")
        body.writeImmutableBuffer(request.inputs)
        if let dimensions = request.dimensions {
            if isFirst { losses.drop(dimensions) } else { body.writeMember("dimensions", dimensions.value) }
        }
        losses.drop(request.purpose)
        self.writeRest(request.rest, knowing: isFirst ? [] : ["normalize"], &losses, &body)
        body.endObject()
    }

    private static func writeRest(
        _ rest: [RestMember],
        knowing names: [StaticString],
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        for member in rest {
            if names.contains(where: { member.name.equals($0) }) {
                body.write([member])
            } else {
                losses.dropWishes(in: [member])
            }
        }
    }
}

extension EmbeddingRequest {
    /// Calls `visit` for each input, in their order.
    func forEachInput(_ visit: (JSONFragment) -> Void) {
        if self.count == 1 { return visit(JSONFragment(checked: self.inputs)) }
        var list = ByteBufferAllocator().buffer(capacity: self.inputs.readableBytes + 2)
        list.beginArray()
        list.writeImmutableBuffer(self.inputs)
        list.endArray()
        BodyReader.read(list) { reader in
            try? reader.elements(of: reader.root) { (element) throws(AnswerUnreadable) in
                visit(reader.fragment(element))
            }
        }
    }
}
