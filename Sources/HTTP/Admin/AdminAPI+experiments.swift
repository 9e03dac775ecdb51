internal import Core
internal import Metering
internal import Operations
internal import Providers

extension AdminAPI {
    /// The experiments of the settings, with what each side has used.
    func experiments(_ context: Context) async throws(GatewayError) -> AdminAnswer {
        let times = try UsageRequest.times(of: context.query, now: context.now)
        let reports = try await self.administration.experiments(times, for: context.actor)
        return .list(AdminJSON.list(reports.map(\.json), next: nil))
    }
}

extension ExperimentReport {
    fileprivate var json: JSONValue {
        [
            "model": .string(self.alias),
            "by": .string(self.stickiness?.rawValue ?? "call"),
            "variants": .array(
                self.sides.map { side in
                    side.sums.json([
                        ("name", .string(side.variant.name)),
                        ("model", .string(side.variant.route ?? self.alias)),
                        ("weight", .integer(Int64(side.variant.weight))),
                    ])
                }
            ),
        ]
    }
}
