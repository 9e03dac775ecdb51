internal import NIOConcurrencyHelpers
internal import Synchronization

/// Hands finished calls to whoever is watching, for `turnpike tail`.
///
/// Costs one atomic read a call while nobody watches. Each reader has a bounded queue; a reader that is too slow loses
/// the oldest calls and is told how many.
package final class LiveCalls: Sendable {
    /// Calls that wait for one reader at most.
    package static let queueMax = 256
    /// Readers at a time.
    package static let readersMax = 32

    private struct Reader {
        var group: String?
        var queue: [CallRecord] = []
        var lost = 0
    }

    private struct State {
        var readers: [Int: Reader] = [:]
        var nextID = 0
    }

    private let state = NIOLockedValueBox(State())
    private let readerCount = Atomic<Int>(0)

    package init() {}

    /// Shows a finished call to the readers that may see it.
    package func publish(_ record: @autoclosure () -> CallRecord) {
        guard self.readerCount.load(ordering: .relaxed) > 0 else { return }
        let record = record()
        self.state.withLockedValue { state in
            for (id, reader) in state.readers where reader.group == nil || reader.group == record.group {
                if reader.queue.count >= Self.queueMax {
                    state.readers[id]?.queue.removeFirst()
                    state.readers[id]?.lost += 1
                }
                state.readers[id]?.queue.append(record)
            }
        }
    }

    /// Begins to watch.
    ///
    /// End it with `leave`.
    ///
    /// - Parameter group: Only this group's calls; nil: all.
    /// - Returns: The reader's number, or nil if there are too many readers.
    package func join(group: String?) -> Int? {
        self.state.withLockedValue { state in
            guard state.readers.count < Self.readersMax else { return nil }
            let id = state.nextID
            state.nextID += 1
            state.readers[id] = Reader(group: group)
            self.readerCount.store(state.readers.count, ordering: .relaxed)
            return id
        }
    }

    /// The calls since the last time, and how many were lost because the reader was slow.
    package func take(_ reader: Int) -> (calls: [CallRecord], lost: Int) {
        self.state.withLockedValue { state in
            guard let found = state.readers[reader] else { return ([], 0) }
            state.readers[reader]?.queue = []
            state.readers[reader]?.lost = 0
            return (found.queue, found.lost)
        }
    }

    /// Ends watching.
    package func leave(_ reader: Int) {
        self.state.withLockedValue { state in
            state.readers[reader] = nil
            self.readerCount.store(state.readers.count, ordering: .relaxed)
        }
    }
}
