internal import Chat
internal import Core
internal import NIOCore

/// Tool calls and pictures, which are items of their own.
extension ResponsesStreamWriter {
    func openCall(_ id: JSONString, _ name: JSONString, isCustom: Bool, _ outlet: Outlet) throws {
        self.open = .call(id: id, name: name, isCustom: isCustom)
        self.writePlace(isCustom ? .customCall : .functionCall)
        try self.emit(.itemAdded, outlet) { body in
            body.writeMember("output_index", self.item)
            body.writeKey("item")
            self.writeCall(id, name, isCustom, status: "in_progress", arguments: ByteBuffer(), into: &body)
        }
    }

    func argue(_ piece: JSONString, _ outlet: Outlet) throws {
        guard case .call(_, _, let isCustom) = self.open, !piece.isEmpty else { return }
        try self.held.write(piece, into: &self.text)
        try self.emit(isCustom ? .inputDelta : .argumentsDelta, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeMember("delta", piece)
        }
    }

    func closeCall(_ id: JSONString, _ name: JSONString, isCustom: Bool, _ outlet: Outlet) throws {
        // No arguments at all are an empty object.
        if self.text.readableBytes == 0, !isCustom {
            try self.argue(JSONString(checked: ByteBuffer(staticString: "\"{}\"")), outlet)
        }
        try self.emit(isCustom ? .inputDone : .argumentsDone, outlet) { body in
            body.writeImmutableBuffer(self.place)
            if isCustom {
                body.writeQuoted("input", self.text)
            } else {
                body.writeMember("name", name)
                body.writeQuoted("arguments", self.text)
            }
        }
        try self.finishItem(outlet) { output in
            self.writeCall(id, name, isCustom, status: "completed", arguments: self.text, into: &output)
        }
    }

    /// A picture, which comes whole.
    func show(_ image: Media, _ outlet: Outlet) throws {
        guard case .data(let data) = image.source else {
            self.losses.insert(.images)
            return
        }
        try self.begin(outlet)
        try self.closeItem(outlet)
        try self.held.add(data.readableBytes)
        try self.emit(.itemAdded, outlet) { body in
            body.writeMember("output_index", self.item)
            body.writeKey("item")
            body.beginObject()
            body.writeKey("id")
            body.writeItemID(.image, self.id, self.item)
            body.writeMember("type", word: "image_generation_call")
            body.writeMember("status", word: "in_progress")
            body.writeNull("result")
            body.endObject()
        }
        try self.finishItem(outlet) { $0.writeImageItem(self.id, self.item, data, image.mediaType) }
    }

    private func writeCall(
        _ id: JSONString,
        _ name: JSONString,
        _ isCustom: Bool,
        status: StaticString,
        arguments: ByteBuffer,
        into body: inout ByteBuffer
    ) {
        body.writeCallItem(
            isCustom ? .customCall : .functionCall,
            self.id,
            self.item,
            status: status,
            callID: id,
            name: name,
            arguments: arguments
        )
    }
}
