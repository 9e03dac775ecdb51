internal import Synchronization

/// Memory for answers that are held until somebody has looked at them, over all calls of the process.
package final class HeldBytes: Sendable {
    private let bytesMax: Int
    private let bytes = Atomic<Int>(0)

    /// - Parameter bytesMax: So much may be held at the same time.
    package init(bytesMax: Int = 256 << 20) { self.bytesMax = bytesMax }

    /// What is held now.
    package var count: Int { self.bytes.load(ordering: .relaxed) }

    /// Takes room for more; false, and nothing is taken, if there is none.
    func take(_ count: Int) -> Bool {
        let total = self.bytes.wrappingAdd(count, ordering: .relaxed).newValue
        guard total > self.bytesMax else { return true }
        self.bytes.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    /// Gives back what was taken.
    func give(_ count: Int) { self.bytes.wrappingSubtract(count, ordering: .relaxed) }
}
