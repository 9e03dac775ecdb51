internal import Auth
internal import Chat
internal import Core
internal import Providers
internal import Telemetry

/// Lets only known keys and tokens pass, before a byte of the body was read (row 10).
///
/// Waits only for a token that was not seen before.
struct Authenticate: WaitingGate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        // One that the gateway makes for somebody who was let in.
        guard call.principal == nil else { return true }
        try CallerIdentity.checkBlock(call.exchange, self.instruments, call.snapshot.limits)
        do throws(GatewayError) {
            switch try CallerIdentity.find(call.head, call.headBytes, in: call.snapshot, now: call.time) {
            case .known(let principal):
                try self.admit(principal, call)
                return true
            case .unverified(let token):
                call.token = token
                return false
            }
        } catch {
            throw self.counted(error, call)
        }
    }

    func wait(_ call: Call, _ reply: any ReplySink) async throws {
        do {
            let token = call.token
            call.token = []
            try self.admit(try await CallerIdentity.verify(token, in: call.snapshot), call)
        } catch let error as GatewayError {
            throw self.counted(error, call)
        }
    }

    private func admit(_ principal: Principal, _ call: Call) throws(GatewayError) {
        guard principal.scopes.contains(.inference) else {
            throw GatewayError(.forbidden, "This key may not call models.")
        }
        if principal.allowedRoutes != nil, !principal.mayCall(path: call.path) {
            throw GatewayError(.forbidden, "This key may not call this route.")
        }
        if call.operation == .passThrough { try PassThroughTarget.check(principal, call) }
        self.instruments.credentials.noteUse(of: principal, at: call.time)
        call.principal = principal
        call.credentials = call.snapshot.credentials.row(of: principal.group)
    }

    private func counted(_ error: GatewayError, _ call: Call) -> GatewayError {
        CallerIdentity.refused(error, call.exchange, self.instruments, call.snapshot.limits)
    }
}
