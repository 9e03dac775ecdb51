package import Chat
internal import Core
package import NIOCore

/// What has to be changed in a client's body before it goes to a provider; everything else goes as it came.
package struct RequestEdits: Sendable {
    /// One change: the bytes of `range` give way to `text`.
    struct Edit: Sendable {
        var range: Range<Int>
        var text: ByteBuffer
    }

    /// In the order of their places.
    var edits: [Edit] = []
    /// Paths of the fields that the provider does not take and that were left out.
    package internal(set) var dropped: [String] = []
    /// Whether usage is asked for although the client did not: the answer then shows more than the client expects.
    package private(set) var addsUsage = false
    /// Whether the answer may have fewer tokens than the client allows, because no more can be paid for.
    package private(set) var limitsOutput = false
    /// Whether the answer may have so few tokens that the provider refuses to think within them, as the client wants.
    ///
    /// Such a request must not go out: the client could not tell why it is refused.
    package internal(set) var leavesNoRoomToThink = false

    private init() {}

    /// Nothing is changed.
    package static let none = RequestEdits()

    /// Plans the changes for one target.
    ///
    /// - Parameters:
    ///   - body: The client's bytes, which `index` was made of.
    ///   - model: The target's model as JSON, or nil where the client's own word is right.
    ///   - format: How the body is written, here and at the provider.
    ///   - outputLimit: The most tokens that the answer may have because no more can be paid for; nil where the
    ///     client's own word is right.
    ///   - isPaidAhead: Whether a budget has set aside what the answer may cost, so that nothing may make it longer
    ///     than `index` knows.
    package init(
        body: ByteBuffer,
        index: RequestIndex,
        operation: Operation,
        format: WireFormat = .openAIChat,
        model: ByteBuffer?,
        outputLimit: Int? = nil,
        isPaidAhead: Bool = false,
        quirks: Quirks
    ) {
        var keptMembers = index.memberCount
        var inserted = ByteBuffer()
        let isChat = operation == .chat && format == .openAIChat
        if isChat, isPaidAhead || quirks.changesRequests {
            keptMembers = self.applyQuirks(quirks, body: body, index: index, isPaidAhead: isPaidAhead)
        }
        if let model {
            if let slice = index.model {
                self.edits.append(Edit(range: slice.range, text: model))
            } else {
                inserted.writeStaticString("\"model\":")
                inserted.writeImmutableBuffer(model)
            }
        }
        if isChat, index.isStream, !index.wantsUsage, quirks.streamUsage == .onRequest {
            self.addsUsage = true
            self.askForUsage(index.streamOptions, body: body, inserted: &inserted)
        }
        if let outputLimit, operation == .chat {
            self.limitsOutput = true
            self.limitOutput(outputLimit, index, Self.limitField(format, quirks), inserted: &inserted)
            if format == .anthropic { self.limitThinking(outputLimit, body: body) }
        }
        if inserted.readableBytes > 0 {
            if keptMembers > 0 { inserted.writeStaticString(",") }
            self.edits.append(Edit(range: index.firstMember..<index.firstMember, text: inserted))
        }
        if self.edits.count > 1 {
            self.edits.sort {
                ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
            }
        }
    }

    /// How many bytes the changed body has.
    package func length(of body: ByteBuffer) -> Int {
        self.edits.reduce(body.readableBytes) { $0 - $1.range.count + $1.text.readableBytes }
    }

    /// Appends the changed body.
    package func write(_ body: ByteBuffer, into buffer: inout ByteBuffer) {
        guard !self.edits.isEmpty else {
            buffer.writeImmutableBuffer(body)
            return
        }
        body.withUnsafeReadableBytes { bytes in
            var position = 0
            for edit in self.edits {
                if edit.range.lowerBound > position {
                    buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position..<edit.range.lowerBound]))
                }
                buffer.writeImmutableBuffer(edit.text)
                position = max(position, edit.range.upperBound)
            }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position...]))
        }
    }

    /// The changed body in pieces that share the client's bytes, for bodies too large to be worth copying.
    package func pieces(of body: ByteBuffer) -> [ByteBuffer] {
        var pieces: [ByteBuffer] = []
        var position = 0
        func keep(to end: Int) {
            guard end > position else { return }
            if let slice = body.getSlice(at: body.readerIndex + position, length: end - position) {
                pieces.append(slice)
            }
            position = end
        }
        for edit in self.edits {
            keep(to: edit.range.lowerBound)
            if edit.text.readableBytes > 0 { pieces.append(edit.text) }
            position = max(position, edit.range.upperBound)
        }
        keep(to: body.readableBytes)
        return pieces
    }

    // MARK: - Usage

    /// Sets `stream_options.include_usage`, keeping what else is in `stream_options`.
    private mutating func askForUsage(_ options: JSONSlice?, body: ByteBuffer, inserted: inout ByteBuffer) {
        guard let options else {
            if inserted.readableBytes > 0 { inserted.writeStaticString(",") }
            inserted.writeStaticString("\"stream_options\":{\"include_usage\":true}")
            return
        }
        body.withUnsafeReadableBytes { bytes in
            var members: [JSONMember] = []
            var flag: JSONSlice?
            var scanner = JSONScanner(bytes, at: options)
            // `null` in place of the object throws, and is replaced below like an empty one.
            try? scanner.members { (key, value) throws(JSONError) in
                members.append(JSONMember(key: key.slice, value: value))
                if key.equals("include_usage") { flag = value }
            }
            if let flag {
                self.edits.append(Edit(range: flag.range, text: ByteBuffer(staticString: "true")))
            } else if let first = members.first {
                let place = first.key.start..<first.key.start
                self.edits.append(Edit(range: place, text: ByteBuffer(staticString: "\"include_usage\":true,")))
            } else {
                self.edits.append(
                    Edit(range: options.range, text: ByteBuffer(staticString: "{\"include_usage\":true}"))
                )
            }
        }
    }

    // MARK: - Output limit

    private static func limitField(_ format: WireFormat, _ quirks: Quirks) -> StaticString {
        switch format {
        case .openAIChat: quirks.outputLimitField
        case .openAIResponses: "max_output_tokens"
        case .anthropic, .cohere, .gemini, .bedrock: "max_tokens"
        }
    }

    /// Lowers the limits that the client gave, or sets one where it gave none.
    private mutating func limitOutput(
        _ limit: Int,
        _ index: RequestIndex,
        _ field: StaticString,
        inserted: inout ByteBuffer
    ) {
        let text = ByteBuffer(string: "\(limit)")
        // One that is left out because the provider has another name for it stays out.
        let limits = [index.maxTokens, index.maxCompletionTokens, index.maxOutputTokens]
        let given = limits.compactMap { $0 }.filter { slice in
            !self.edits.contains { $0.text.readableBytes == 0 && $0.range.contains(slice.start) }
        }
        for slice in given { self.edits.append(Edit(range: slice.range, text: text)) }
        guard given.isEmpty else { return }
        if inserted.readableBytes > 0 { inserted.writeStaticString(",") }
        inserted.writeStaticString("\"")
        inserted.writeStaticString(field)
        inserted.writeStaticString("\":")
        inserted.writeImmutableBuffer(text)
    }

    // MARK: - Quirks

    /// Takes out and renames what the provider does not know.
    ///
    /// - Returns: How many top-level members stay.
    private mutating func applyQuirks(
        _ quirks: Quirks,
        body: ByteBuffer,
        index: RequestIndex,
        isPaidAhead: Bool
    ) -> Int {
        body.withUnsafeReadableBytes { bytes in
            var members: [JSONMember] = []
            var renamed: [(position: Int, rename: Quirks.Rename)] = []
            var present: [String] = []
            var scanner = JSONScanner(bytes)
            // The index was made of these bytes, so they are known to be an object.
            try? scanner.members { (key, value) throws(JSONError) in
                var member = JSONMember(key: key.slice, value: value)
                if let name = quirks.refusedFields.first(where: { key.equals($0) }) {
                    member.isKept = false
                    self.dropped.append("\(name)")
                } else if isPaidAhead, let name = OtherLimits.atTop.first(where: { key.equals($0) }) {
                    member.isKept = false
                    self.dropped.append("\(name)")
                } else if let rename = quirks.renamedFields.first(where: { key.equals($0.from) }) {
                    renamed.append((members.count, rename))
                } else if let rename = quirks.renamedFields.first(where: { key.equals($0.to) }) {
                    present.append("\(rename.to)")
                }
                members.append(member)
            }
            for (position, rename) in renamed {
                // Where the client used both names, the provider's own one wins and the other is reported.
                if present.contains("\(rename.to)") {
                    members[position].isKept = false
                    self.dropped.append("\(rename.from)")
                } else {
                    let text = ByteBuffer(string: "\"\(rename.to)\"")
                    self.edits.append(Edit(range: members[position].key.range, text: text))
                }
            }
            self.cut(members)
            if let word = quirks.toolChoiceRequired, let choice = index.toolChoice,
                JSONScanner(bytes).equals(choice, "required")
            {
                self.edits.append(Edit(range: choice.range, text: ByteBuffer(string: "\"\(word)\"")))
            }
            if let messages = index.messages { self.cleanMessages(messages, quirks, bytes) }
            if quirks.needsToolParameters { self.fillTools(bytes) }
            return members.count { $0.isKept }
        }
    }

    private mutating func cleanMessages(_ messages: JSONSlice, _ quirks: Quirks, _ bytes: UnsafeRawBufferPointer) {
        guard !quirks.refusedMessageFields.isEmpty || quirks.hasShortCallIDs else { return }
        var position = 0
        var scanner = JSONScanner(bytes, at: messages)
        try? scanner.elements { (element) throws(JSONError) in
            defer { position += 1 }
            var members: [JSONMember] = []
            var inner = JSONScanner(bytes, at: element)
            // A message that is no object is the provider's to refuse.
            guard inner.kind(element) == .object else { return }
            try inner.members { (key, value) throws(JSONError) in
                var member = JSONMember(key: key.slice, value: value)
                if let name = quirks.refusedMessageFields.first(where: { key.equals($0) }) {
                    member.isKept = false
                    self.dropped.append("messages[\(position)].\(name)")
                }
                if quirks.hasShortCallIDs { self.shortenCallIDs(key, value, bytes, isKept: &member.isKept) }
                members.append(member)
            }
            self.cut(members)
        }
    }

    private mutating func cut(_ members: [JSONMember]) {
        for range in JSONMember.cuts(members) { self.edits.append(Edit(range: range, text: ByteBuffer())) }
    }
}
