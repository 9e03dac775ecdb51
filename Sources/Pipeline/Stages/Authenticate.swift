internal import Auth
internal import Chat
internal import Core
internal import Providers
internal import Telemetry

/// Lets only known keys pass, before a byte of the body was read (row 10).
struct Authenticate: Gate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws {
        let principal: Principal
        do throws(GatewayError) {
            principal = try CallerIdentity.of(call.head, call.headBytes, keys: call.snapshot.keys, now: call.time)
        } catch {
            self.instruments.metrics.authenticationFailed(loop: call.loop)
            throw error
        }
        guard principal.scopes.contains(.inference) else {
            throw GatewayError(.forbidden, "This key may not call models.")
        }
        call.principal = principal
        call.credentials = call.snapshot.credentials.row(of: principal.group)
    }
}
