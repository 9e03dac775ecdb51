package import Core
package import Transport

extension GatewayError {
    /// What a client learns of a provider's failure.
    ///
    /// - Parameters:
    ///   - provider: Who failed.
    ///   - credential: What was sent to it; taken out of every word that passes.
    ///   - model: The name the client asked for.
    ///   - nearest: The known name closest to it, looked up only where it is shown.
    package init(
        _ fault: ProviderFault,
        provider: Provider,
        credential: Credential?,
        model: String,
        nearest: () -> String?
    ) {
        let who = "The provider '\(provider.name)'"
        func scrub(_ text: String) -> String {
            credential?.scrub(text) ?? Scrubber.scrub(text, credential: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        switch fault {
        case .credentialRejected:
            self.init(
                .credentialRejected,
                "\(who) refused this group's credential. Your own gateway key is fine.",
                cause: fault
            )
        case .rateLimited(let wait, let type):
            self.init(.providerRateLimited, "\(who) is limiting this group's calls.", retryAfter: wait, cause: fault)
            let complaint = ProviderComplaint(status: 429, type: type.map(scrub), code: nil)
            self.provider = ComplaintWords.translate(
                complaint,
                meaning: fault.kind(at: provider.family),
                from: provider.family.kind
            )
        case .modelNotFound:
            let hint = nearest().map { " Did you mean '\($0)'?" } ?? ""
            let text = "The model '\(scrub(model))' does not exist there.\(hint)"
            self.init(.modelNotFound, text, param: "model", cause: fault)
        case .complaint(let status, let complaint):
            self.init(.providerRefused, scrub(complaint.message), param: complaint.param.map(scrub), cause: fault)
            let words = ProviderComplaint(
                status: status,
                type: complaint.type.map(scrub),
                code: complaint.code.map(scrub)
            )
            self.provider = ComplaintWords.translate(
                words,
                meaning: fault.kind(at: provider.family),
                from: provider.family.kind
            )
        case .failed(let status):
            self.init(.providerError, "\(who) failed (status \(status)).", cause: fault)
        case .unavailable(let status, let wait):
            let text = "\(who) is not available (status \(status))."
            self.init(.providerUnavailable, text, retryAfter: wait, cause: fault)
            // Anthropic's own status for it, which its clients know.
            if status == 529 {
                self.provider = ProviderComplaint(status: 529, type: nil, code: nil)
                self.provider?.anthropicType = "overloaded_error"
            }
        case .timedOut(let status):
            self.init(.providerTimeout, "\(who) ran out of time by itself (status \(status)).", cause: fault)
        case .redirected:
            self.init(.providerError, "\(who) answered with a redirect, which is never followed.", cause: fault)
        case .encoded:
            self.init(.providerError, "\(who) compressed an answer that must not be.", cause: fault)
        case .unreadable:
            self.init(.providerError, "\(who) sent an answer that cannot be read.", cause: fault)
        }
    }

    /// What a client learns of a key that is there and cannot be used: that it is for an administrator to mend.
    package init(_ error: CredentialUnreadable, provider: Provider) {
        self.init(
            .credentialUnreadable,
            "This group's credential for the provider '\(provider.name)' cannot be read. "
                + "An administrator must replace it or bring back its encryption key.",
            cause: error
        )
    }

    /// What a client learns of a failure on the way to a provider.
    ///
    /// Addresses and reasons stay in the log.
    package init(_ error: TransportError, provider: Provider) {
        let who = "The provider '\(provider.name)'"
        switch error {
        case .timeout(let clock, let limit, _):
            let text =
                "\(who) did not answer in time: the \(clock.rawValue) limit of \(limit.milliseconds) ms was reached."
            self.init(.providerTimeout, text, cause: error)
            self.details = [
                (key: "clock", value: clock.label), (key: "limitMs", value: "\(limit.milliseconds)"),
            ]
        case .nameNotResolved:
            self.init(.providerUnavailable, "\(who) cannot be found: its name has no address.", cause: error)
        case .forbiddenAddress:
            let text = "\(who) is at an address that may not be called unless its entry says allow_private."
            self.init(.providerError, text, cause: error)
        case .connectFailed:
            self.init(.providerUnavailable, "\(who) does not accept connections.", cause: error)
        case .tlsFailed:
            self.init(.providerUnavailable, "\(who) could not be reached securely.", cause: error)
        case .closedBeforeHead:
            self.init(.providerError, "\(who) closed the connection without an answer.", cause: error)
        case .closedInBody:
            self.init(.providerError, "\(who) broke off its answer.", cause: error)
        case .protocolViolation:
            self.init(.providerError, "\(who) sent an answer that cannot be read.", cause: error)
        case .bodyTooLarge(let limit):
            self.init(.providerError, "\(who) sent an answer of more than \(limit) bytes.", cause: error)
        }
    }
}
