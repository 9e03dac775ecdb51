import NIOConcurrencyHelpers
import Transport

/// The endpoint of each name as it was made the last time.
///
/// Connections are pooled by endpoint, as an object: one that is made anew for each request would keep an idle
/// connection of its own each time.
final class EndpointMemory: Sendable {
    private let known = NIOLockedValueBox<[String: Endpoint]>([:])

    /// The endpoint that was made for `name` before if nothing about it has changed, else this one.
    func keep(_ endpoint: Endpoint, for name: String) -> Endpoint {
        self.known.withLockedValue { known in
            if let old = known[name], old == endpoint { return old }
            known[name] = endpoint
            return endpoint
        }
    }
}
