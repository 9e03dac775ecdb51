internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Providers

/// The guards that calls of one snapshot found, so that each is looked up by its names once.
///
/// A credential is an object of the snapshot, so that it can be found by its identity.
final class GuardCache: Sendable {
    private struct Key: Hashable {
        var provider: Int
        var model: String
        var credential: ObjectIdentifier?
    }

    private static let countMax = 4096
    private let guards = NIOLockedValueBox<[Key: TargetGuard]>([:])

    /// The guard of a target for a credential of the snapshot; nil where the provider needs none.
    func target(
        _ provider: Provider,
        _ model: String,
        _ credential: Credential?,
        in book: GuardBook,
        now: () -> NIODeadline
    ) -> TargetGuard {
        let key = Key(provider: provider.index, model: model, credential: credential.map { ObjectIdentifier($0) })
        if let target = self.guards.withLockedValue({ $0[key] }), !target.isForgotten { return target }
        let target = book.target(
            provider: provider.name,
            model: model,
            credentialID: credential?.id ?? "",
            now: now()
        )
        guard !target.isForgotten else { return target }
        self.guards.withLockedValue { guards in
            // Names come from clients too, so there is an end to what is kept; those in use are soon back.
            if guards.count >= Self.countMax { guards.removeAll(keepingCapacity: true) }
            guards[key] = target
        }
        return target
    }
}

extension Call {
    /// The guard of a target for the caller's group.
    func guarding(_ target: CallTarget, _ instruments: Instruments) -> TargetGuard {
        let provider = target.provider
        return self.snapshot.guards.target(
            provider,
            target.model,
            provider.needsNoCredential ? nil : self.credentials.credential(for: provider),
            in: instruments.guards,
            now: instruments.monotonicClock
        )
    }
}
