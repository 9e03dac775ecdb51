package import Core
internal import Database
package import Metering
package import Providers

/// How an experiment of the settings stands.
package struct ExperimentReport: Sendable {
    /// One side of it.
    package struct Side: Sendable {
        package let variant: Split.Variant
        /// What its calls used and cost, with the second attempts that hedging made for them.
        package let sums: UsageSums
    }

    /// The alias that is split.
    package let alias: String
    /// Who stays on one side; nil: nobody.
    package let stickiness: Stickiness?
    /// In the order of the settings.
    package let sides: [Side]
}

extension Administration {
    /// The experiments that run, with what the ledger has of each side.
    ///
    /// Everybody sees what `usageSums` would show of it: administrators their groups, others what they used themselves.
    ///
    /// - Parameter query: From when to when; whole hours. Other conditions hold as well.
    package func experiments(_ query: UsageQuery, for actor: Actor) async throws(GatewayError) -> [ExperimentReport] {
        var reports: [ExperimentReport] = []
        for route in self.surroundings.routes() {
            guard let split = route.split else { continue }
            var query = query
            query.filters.append(.init(.model, route.name))
            let page = try await self.usageSums(query, by: [.variant], limit: LedgerStore.pageMax, for: actor)
            let sides = split.variants.map { variant in
                var sums = UsageSums()
                for group in page.groups where group.isOn(variant.name) { sums += group.sums }
                return ExperimentReport.Side(variant: variant, sums: sums)
            }
            reports.append(ExperimentReport(alias: route.name, stickiness: split.stickiness, sides: sides))
        }
        return reports
    }
}

extension UsageGroup {
    /// Whether a group by variant belongs to a side: it has its name, or that and `+hedge`.
    fileprivate func isOn(_ side: String) -> Bool {
        guard case .text(let variant)? = self.values.first else { return false }
        return variant == side || variant.hasPrefix(side + "+")
    }
}
