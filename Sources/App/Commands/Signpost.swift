import NIOConcurrencyHelpers

/// A yes that one task says and another sees.
final class Signpost: Sendable {
    private let value = NIOLockedValueBox(false)

    var isSet: Bool { self.value.withLockedValue { $0 } }

    func set() { self.value.withLockedValue { $0 = true } }

    /// Whether it was set; it no longer is afterwards.
    func take() -> Bool {
        self.value.withLockedValue { value in
            defer { value = false }
            return value
        }
    }
}
