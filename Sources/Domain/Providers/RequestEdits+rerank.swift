internal import Core
package import NIOCore

extension RequestEdits {
    private static let rerankNames = JSONNames("documents", "return_documents", "rank_fields", "max_chunks_per_doc")

    /// Puts a request for reranking, as Jina and all who followed it have it, into Cohere's second version.
    ///
    /// There documents are texts and never come back, so that an object gives way to its `text`, and what asks for
    /// documents in the answer is left out and named.
    package mutating func writeRerankForCohere(_ body: ByteBuffer) {
        body.withUnsafeReadableBytes { bytes in
            var members: [JSONMember] = []
            var documents: JSONSlice?
            var scanner = JSONScanner(bytes)
            // The body was checked when its index was made.
            try? scanner.members { (key, value) throws(JSONError) in
                var member = JSONMember(key: key.slice, value: value)
                switch Self.rerankNames.position(of: key) {
                case 0: documents = value
                case .some(let name):
                    member.isKept = false
                    let reader = JSONScanner(bytes)
                    if reader.bool(value) != false, !reader.isNull(value) {
                        self.dropped.append(["", "return_documents", "rank_fields", "max_chunks_per_doc"][name])
                    }
                case nil: break
                }
                members.append(member)
            }
            for range in JSONMember.cuts(members) { self.edits.append(Edit(range: range, text: ByteBuffer())) }
            if let documents { self.flatten(documents, bytes) }
            self.edits.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        }
    }

    /// Puts the text of each document in the place of its object.
    private mutating func flatten(_ documents: JSONSlice, _ bytes: UnsafeRawBufferPointer) {
        let reader = JSONScanner(bytes)
        guard reader.kind(documents) == .array else { return }
        var position = 0
        var list = JSONScanner(bytes, at: documents)
        try? list.elements { (document) throws(JSONError) in
            defer { position += 1 }
            guard reader.kind(document) == .object else { return }
            var text: JSONSlice?
            var others: [String] = []
            var members = JSONScanner(bytes, at: document)
            try members.members { (key, value) throws(JSONError) in
                if key.equals("text"), reader.kind(value) == .string { return text = value }
                others.append(reader.string(key.slice) ?? "")
            }
            // What has no text is the provider's to refuse.
            guard let text else { return }
            self.dropped += others.map { "documents[\(position)].\($0)" }
            var plain = ByteBuffer()
            plain.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[text.range]))
            self.edits.append(Edit(range: document.range, text: plain))
        }
    }
}
