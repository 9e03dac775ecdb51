internal import Core
internal import Metering
internal import Operations

extension AdminAPI {
    func shadows(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        switch action {
        case .listShadows:
            let alias = context.query.text("model")
            let page = try await self.administration.shadowAnswers(context.page(), of: alias, by: context.actor)
            return .list(AdminJSON.page(page) { $0.json(withTexts: false) })
        case .summarizeShadows:
            let alias = context.query.text("model")
            let summaries = try await self.administration.shadowSummaries(of: alias, by: context.actor)
            return .list(["data": .array(summaries.map(\.json))])
        default:
            let id = context.path["shadow"] ?? ""
            let found = try await self.administration.shadowAnswer(id, by: context.actor)
            return .object(found.json(withTexts: true))
        }
    }
}
