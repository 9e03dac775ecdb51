package import NIOCore

/// Which addresses a name had in the answers of the last while.
///
/// Names of large services have more addresses than one answer shows, each time others. So an address counts as gone
/// only when several answers in a row were without it.
package struct AddressMemory: Sendable {
    /// After how many answers without it an address is gone.
    package static let missesMax = 4

    /// Counts the answers.
    package private(set) var round = 0
    private var seen: [(address: SocketAddress, round: Int)] = []

    package init() {}

    /// Takes in an answer.
    package mutating func note(answer addresses: [SocketAddress]) {
        self.round += 1
        for address in addresses { self.note(address) }
        self.seen.removeAll { self.round - $0.round >= Self.missesMax }
    }

    /// Takes in an address that somebody got and dials now.
    package mutating func note(_ address: SocketAddress) {
        if let index = self.seen.firstIndex(where: { $0.address == address }) {
            self.seen[index].round = self.round
        } else {
            self.seen.append((address, self.round))
        }
    }

    /// Whether `address` was in none of the last answers.
    package func isGone(_ address: SocketAddress) -> Bool { !self.seen.contains { $0.address == address } }
}
