import Conversations
import Core
import Database
import EventBus
import Glibc
package import Logging
package import Metering
import NIOCore
import Telemetry

/// What accounts for calls in this process: the meter, its journal, and what brings that into the ledger.
package struct Accounting: Sendable {
    package let meter: Meter
    package let fold: LedgerFold
    package let keeper: JournalKeeper
    /// Where this process tells what was used.
    let events = EmbeddedEventBus()
    private let store: Store
    private let logger: Logger

    /// Takes an epoch, opens its journal, and reads the journals that processes left behind which are no more.
    ///
    /// When this returns, budgets and clients' keys are as if those had ended in peace; their rows follow into the
    /// ledger while calls are served.
    ///
    /// - Parameter onBudget: Called with each threshold that a budget has passed, where it happened: must not wait.
    /// - Throws: `CommandFailure` with one line for the operator.
    package static func open(
        _ settings: Settings,
        _ store: Store,
        instance: String,
        logger: Logger,
        onBudget: @escaping @Sendable (BudgetAlert) -> Void = { _ in }
    ) async throws -> Accounting {
        let folder = "\(settings.dataDirectory)/journal"
        do {
            return try await Self.open(folder, settings, store, instance: instance, logger: logger, onBudget)
        } catch let error as JournalError {
            throw CommandFailure("\(folder): \(error)")
        }
    }

    private static func open(
        _ folder: String,
        _ settings: Settings,
        _ store: Store,
        instance: String,
        logger: Logger,
        _ onBudget: @escaping @Sendable (BudgetAlert) -> Void
    ) async throws -> Accounting {
        let dead = try DeadJournal.all(in: folder)
        let last = dead.map(\.epoch).max() ?? 0
        let epoch = try await store.database.write { session in
            try LedgerStore().newEpoch(instance: instance, after: last, now: SystemClock.now, in: session)
        }
        var random = SystemRandomNumberGenerator()
        let key = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        var options = JournalOptions(now: { SystemClock.now }) { error in
            // Nothing can be promised any more: what a sync that failed was to keep may be gone already.
            logger.critical("The journal cannot be written; stopping", metadata: [LogKeys.errorReason: "\(error)"])
            _exit(1)
        }
        options.bytesMax = settings.ledger.journalBytesMax
        options.syncEvery = .nanoseconds(settings.ledger.sync.nanoseconds)
        let (writer, encoder, keeper) = try Journal.open(
            folder: folder,
            epoch: epoch,
            key: JournalKey(key),
            options: options
        )
        let meter = Meter(
            epoch: epoch,
            journal: writer,
            encoder: encoder,
            keeper: keeper,
            awaitsDisk: settings.ledger.awaitsDisk,
            onAlert: {
                Self.warn(of: $0, logger)
                onBudget($0)
            }
        )
        let fold = LedgerFold(
            meter: meter,
            keeper: keeper,
            database: store.database,
            surroundings: Self.surroundings(logger)
        )
        let accounting = Accounting(meter: meter, fold: fold, keeper: keeper, store: store, logger: logger)
        try await accounting.recover(dead)
        return accounting
    }

    private func recover(_ dead: [DeadJournal]) async throws {
        let claims = dead.isEmpty ? [] : try await self.fold.recover(dead)
        let epochs = await self.fold.deadEpochs
        try await self.store.database.write { session in
            try IdempotencyStore().recover(deadEpochs: epochs, hadAttempt: { claims.contains($0) }, in: session)
            try SessionStore().recover(deadEpochs: epochs, now: SystemClock.now, in: session)
        }
        guard !dead.isEmpty else { return }
        let (ended, interrupted) = await self.fold.recovered
        self.logger.notice(
            "Read the journal of a process that did not end in peace",
            metadata: ["ended": "\(ended)", "interrupted": "\(interrupted)"]
        )
    }

    /// Keeps the journal and the ledger until cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keeper.run() }
            group.addTask { try await self.fold.run() }
            group.addTask { await self.publish() }
            try await group.waitForAll()
        }
    }

    /// Follows the ledger and tells those who listen, until cancelled.
    private func publish() async {
        let (events, logger) = (self.events, self.logger)
        let publisher = UsagePublisher(database: self.store.database, bus: events) {
            events.hasSubscribers(to: UsagePublisher.topic)
        }
        await publisher.run(wait: { try await Task.sleep(for: $0) }) { error in
            logger.warning("Usage events wait", metadata: [LogKeys.errorReason: "\(error)"])
        }
    }

    /// The last of it, once no call is running any more: everything into the ledger, and the journal away.
    ///
    /// If the store does not take it, the journal stays for the next start.
    package func finish() async {
        do {
            try await self.fold.fold()
            let epoch = self.meter.epoch
            try await self.store.database.write { session in
                try LedgerStore().closeEpoch(epoch, now: SystemClock.now, in: session)
            }
            await self.fold.close()
            try await self.keeper.close(removing: self.meter.counts.open == 0)
        } catch {
            self.logger.error(
                "The ledger could not be brought up to date; the journal stays for the next start",
                metadata: [LogKeys.errorReason: "\(error)"]
            )
            try? await self.keeper.close()
        }
    }

    // MARK: - What it says

    private static func surroundings(_ logger: Logger) -> LedgerFold.Surroundings {
        LedgerFold.Surroundings(
            now: { SystemClock.now },
            onFault: { logger.error("The journal is damaged", metadata: [LogKeys.errorReason: "\($0)"]) },
            onTrouble: { trouble in
                if let trouble {
                    logger.error(
                        "The ledger cannot be written; the journal keeps what calls use",
                        metadata: [LogKeys.errorReason: "\(trouble)"]
                    )
                } else {
                    logger.info("The ledger can be written again")
                }
            }
        )
    }

    private static func warn(of alert: BudgetAlert, _ logger: Logger) {
        logger.warning(
            "A budget has passed a threshold",
            metadata: [
                "budget": "\(alert.rule.name)", "percent": "\(alert.percent)",
                "spent": "\(alert.rule.text(of: alert.spent))", "limit": "\(alert.rule.text(of: alert.rule.limit))",
                "for": "\(alert.subject.text)",
            ]
        )
    }
}
