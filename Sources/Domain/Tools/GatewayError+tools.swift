package import Core

extension GatewayError {
    /// Says to a caller of the gateway why a tool could not be called.
    package init(_ error: ToolError) {
        switch error {
        case .unknownServer, .unknownTool: self.init(.notFound, error.description, cause: error)
        case .changed: self.init(.toolChanged, error.description, cause: error)
        case .notApproved: self.init(.toolNotApproved, error.description, cause: error)
        case .badArguments: self.init(.invalidRequest, error.description, param: "arguments", cause: error)
        case .busy: self.init(.overloaded, error.description, retryAfter: .seconds(1), cause: error)
        case .paused(_, let time): self.init(.toolUnavailable, error.description, retryAfter: time, cause: error)
        case .timedOut: self.init(.toolTimeout, error.description, cause: error)
        case .unreachable, .refused, .badAnswer, .failed, .stopped, .closed:
            self.init(.toolUnavailable, error.description, cause: error)
        case .cancelled: self.init(.clientGone, "The client went away.", cause: error)
        }
    }
}
