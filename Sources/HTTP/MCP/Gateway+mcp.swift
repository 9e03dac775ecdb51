internal import Auth
internal import Core
internal import NIOCore
internal import Pipeline
internal import Tools
internal import Transport

extension Gateway {
    /// Answers a client of a tool server that is a part of the gateway, for the person or the key that calls.
    func toolServer(
        _ name: String,
        for principal: Principal?,
        _ exchange: any ServerExchange,
        _ id: RequestID
    ) async throws -> Answer {
        guard let principal else { throw CallerIdentity.refusal }
        guard let front = self.options.toolServers[name] else {
            throw GatewayError(.notFound, "There is no tool server of this name here.")
        }
        let caller = ToolCaller(
            group: principal.group,
            user: principal.user,
            key: GatewayKeyID(principal.keyID),
            agent: principal.agent,
            requestID: id.text
        )
        do {
            return try await front.answer(exchange, holder: principal.keyID, for: caller)
        } catch let fault as RequestFault {
            throw GatewayError(fault)
        }
    }
}
