internal import Chat
internal import Core
internal import Providers

/// Finds what serves the model that was asked for.
struct ResolveModel: Gate {
    func pass(_ call: Call, _ reply: any ReplySink) throws {
        if call.operation == .passThrough { return try PassThroughTarget.resolve(call) }
        // An agent's intents answer without a model, also where there is none.
        if call.agent?.answer != nil { return }
        do throws(ResolutionError) {
            call.resolution = try call.snapshot.catalog.resolve(call.model, credentials: call.credentials)
        } catch {
            let hint = call.snapshot.catalog.nearestModel(to: call.model).map { " Did you mean '\($0)'?" } ?? ""
            throw GatewayError(.modelNotFound, "There is no such model here.\(hint)", param: "model")
        }
    }
}
