package import Logging
internal import NIOConcurrencyHelpers
package import NIOCore
internal import Resilience

/// The breakers of all targets and the retry budgets of all providers, for the whole life of the process.
///
/// Keyed by names, so that a reload changes rules and forgets nothing. The road keeps what it found here in its
/// snapshot (`GuardCache`). Bounded; safe to use from any thread.
package final class GuardBook: Sendable {
    /// Targets that are remembered at most; names of models come from clients too.
    package static let targetsMax = 4096

    private struct Name: Hashable {
        var provider: String
        var model: String
        var credentialID: String
    }

    private struct Hold {
        var selector: GuardSelector
        /// Nil: until an operator says otherwise.
        var until: NIODeadline?
    }

    /// Words of operators that are remembered at most.
    private static let holdsMax = 256

    private struct Contents {
        var rules: [String: GuardRules] = [:]
        var providers: [String: ProviderGuard] = [:]
        var targets: [Name: TargetGuard] = [:]
        /// What operators keep calls away from, for targets that nobody called yet.
        var holds: [Hold] = []
        /// When room was made the last time.
        var sweptAt: NIODeadline?
    }

    private let contents = NIOLockedValueBox(Contents())
    /// Where changes of breakers are told.
    package let news: GuardNews

    package init(logger: Logger? = nil) { self.news = GuardNews(logger) }

    // MARK: - Settings

    /// Puts rules in force, by the providers' names; what is counted stays.
    package func use(_ rules: [String: GuardRules]) {
        let (providers, targets) = self.contents.withLockedValue { contents in
            contents.rules = rules
            return (Array(contents.providers.values), Array(contents.targets.values))
        }
        for provider in providers { provider.use(rules[provider.name] ?? GuardRules()) }
        for target in targets { target.use(target.provider.rules.breaker) }
    }

    // MARK: - Finding

    /// The guard of a target; made now if nobody asked for it before.
    ///
    /// Where too many are remembered already, those that nothing is known of make room, once a second at most; if that
    /// does not help, the one that is handed out is not remembered, and guards nothing.
    package func target(provider: String, model: String, credentialID: String, now: NIODeadline) -> TargetGuard {
        let name = Name(provider: provider, model: model, credentialID: credentialID)
        return self.contents.withLockedValue { contents in
            if let target = contents.targets[name] { return target }
            let target = TargetGuard(self.provider(provider, in: &contents), model: model, credentialID: credentialID)
            for hold in contents.holds where hold.selector.matches(target) && hold.until.map({ $0 > now }) ?? true {
                target.hold(until: hold.until)
            }
            if contents.targets.count >= Self.targetsMax { Self.makeRoom(in: &contents, now: now) }
            if contents.targets.count < Self.targetsMax {
                contents.targets[name] = target
            } else {
                target.forget()
            }
            return target
        }
    }

    private static func makeRoom(in contents: inout Contents, now: NIODeadline) {
        if let last = contents.sweptAt, now - last < .seconds(1) { return }
        contents.sweptAt = now
        contents.targets = contents.targets.filter { _, target in
            guard target.isForgettable(now: now) else { return true }
            target.forget()
            return false
        }
    }

    private func provider(_ name: String, in contents: inout Contents) -> ProviderGuard {
        if let provider = contents.providers[name] { return provider }
        let provider = ProviderGuard(name, rules: contents.rules[name] ?? GuardRules(), news: self.news)
        contents.providers[name] = provider
        return provider
    }

    // MARK: - Operators

    /// Keeps calls away from targets, those that nobody called yet included.
    ///
    /// - Parameter time: For how long; nil: until `close`.
    /// - Returns: The targets that are known so far.
    package func open(_ selector: GuardSelector, for time: TimeAmount?, now: NIODeadline) -> [TargetGuard] {
        let until = time.map { now + $0 }
        let found = self.contents.withLockedValue { contents in
            contents.holds.removeAll { $0.selector == selector || $0.until.map { $0 <= now } ?? false }
            contents.holds.append(Hold(selector: selector, until: until))
            if contents.holds.count > Self.holdsMax { contents.holds.removeFirst() }
            return contents.targets.values.filter { selector.matches($0) }
        }
        for target in found {
            target.hold(until: until)
            self.news.report(.heldOpen, target, now: now)
        }
        return found
    }

    /// Lets calls go to targets again, whether an operator or failures kept them away, and ends their cool-downs.
    ///
    /// - Returns: The targets that are known so far.
    package func close(_ selector: GuardSelector, now: NIODeadline) -> [TargetGuard] {
        let found = self.contents.withLockedValue { contents in
            contents.holds.removeAll { selector.includes($0.selector) }
            return contents.targets.values.filter { selector.matches($0) }
        }
        for target in found { target.closeByHand(now: now) }
        return found
    }

    // MARK: - Looking

    /// All targets that calls went to, in the order of their names.
    package var targets: [TargetGuard] {
        self.contents.withLockedValue { Array($0.targets.values) }.sorted {
            ($0.provider.name, $0.model, $0.credentialID) < ($1.provider.name, $1.model, $1.credentialID)
        }
    }

    /// All providers that calls went to, in the order of their names.
    package var providers: [ProviderGuard] {
        self.contents.withLockedValue { Array($0.providers.values) }.sorted { $0.name < $1.name }
    }
}
