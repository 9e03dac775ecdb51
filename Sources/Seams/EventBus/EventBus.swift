package import NIOCore

/// Where events go that others listen to: in this process for now, Kafka where it is configured.
///
/// Delivery is at least once: whoever publishes repeats what was not confirmed, and a listener drops an id it has seen.
package protocol EventBus: Sendable {
    /// Hands events over, in order.
    ///
    /// When it returns they are kept, as surely as the driver can: a listener of the same process has seen them.
    ///
    /// - Throws: What went wrong; possibly some were taken, so all are to be published again.
    func publish(_ events: [Event]) async throws
}

/// One event, ready for the wire.
package struct Event: Sendable, Equatable {
    /// The topic's name in the contract, such as `billing-usage`.
    package var topic: String
    /// Events with the same key stay in order.
    package var key: String
    /// Names the event for ever, so that a repeated one can be told.
    package var id: String
    /// JSON.
    package var body: ByteBuffer

    package init(topic: String, key: String, id: String, body: ByteBuffer) {
        self.topic = topic
        self.key = key
        self.id = id
        self.body = body
    }
}
