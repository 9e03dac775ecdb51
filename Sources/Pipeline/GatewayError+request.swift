package import Core
package import Transport

extension GatewayError {
    /// What a client learns of a request that the server could not take in.
    package init(_ fault: RequestFault) {
        switch fault {
        case .malformed(let rule):
            self.init(.invalidRequest, "The request is not valid HTTP: \(rule).", cause: fault)
        case .headTooLarge:
            self.init(.headersTooLarge, "The request's head is too large.", cause: fault)
        case .bodyTooLarge(let limit):
            self.init(.payloadTooLarge, "The body is larger than the limit of \(limit) bytes.", cause: fault)
        case .timeout(let what):
            self.init(.requestTimeout, "The request came too slowly: \(what).", cause: fault)
        case .unsupported(let what):
            self.init(
                .unsupportedMediaType,
                "The request asks for something that is not supported: \(what).",
                cause: fault
            )
        case .overloaded(let wait):
            self.init(.overloaded, "The gateway is busy. Try again shortly.", retryAfter: wait, cause: fault)
        }
    }
}
