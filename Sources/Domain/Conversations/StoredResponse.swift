package import Core
package import NIOCore

/// An answer of `/v1/responses` that is kept, so that its client can ask for it again and go on from it.
package struct StoredResponse: Sendable, Equatable {
    /// What the client knows it by, such as `resp_…`; unique within its group.
    package let id: String
    package let group: GroupID
    package let createdAt: UnixTime
    /// All that the model was told, what went before included: a JSON list of items.
    package let items: ByteBuffer
    /// What the client was answered: a JSON object, whose `output` goes on from `items`.
    package let response: ByteBuffer

    package init(id: String, group: GroupID, createdAt: UnixTime, items: ByteBuffer, response: ByteBuffer) {
        self.id = id
        self.group = group
        self.createdAt = createdAt
        self.items = items
        self.response = response
    }

    /// How much it takes.
    package var bytes: Int { self.items.readableBytes + self.response.readableBytes }
}

/// How long and how much is kept of responses.
package struct ResponseLimits: Sendable, Equatable {
    /// How long a response is kept (`responses.keep`); zero: none is.
    package var keep: TimeAmount
    /// The largest response that is kept, with all that led to it, in bytes (`responses.max_response`).
    package var responseBytesMax: Int
    /// The most bytes that are kept (`responses.max_bytes`).
    package var bytesMax: Int

    package init(keep: TimeAmount = .hours(720), responseBytesMax: Int = 8 << 20, bytesMax: Int = 4 << 30) {
        self.keep = keep
        self.responseBytesMax = responseBytesMax
        self.bytesMax = bytesMax
    }
}
