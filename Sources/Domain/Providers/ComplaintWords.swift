package import Core

/// A provider's words for what is wrong, in the words of the client's dialect.
///
/// Each dialect names errors in its own way; clients branch on the names of theirs. Messages stay the provider's own.
package enum ComplaintWords {
    /// The complaint with names that clients of OpenAI's and of Anthropic's dialects know.
    ///
    /// - Parameters:
    ///   - complaint: The names as the provider gave them, scrubbed.
    ///   - kind: What it means.
    ///   - provider: The kind of provider; those of OpenAI's dialect keep their own names.
    package static func translate(
        _ complaint: GatewayError.ProviderComplaint,
        meaning kind: ProviderFault.Kind,
        from provider: ProviderEntry.Kind
    ) -> GatewayError.ProviderComplaint {
        var words = complaint
        // Not a status of HTTP's: Cohere says by it that something was blocked.
        if words.status == 498, kind == .contentRefused { words.status = 400 }
        switch provider {
        case .openAI, .azure:
            // Mistral's codes are numbers, which say nothing to clients of OpenAI's.
            let isNumber = complaint.code?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? true
            words.code = isNumber ? self.code(kind) ?? complaint.code : complaint.code
        case .anthropic:
            words.anthropicType = complaint.type
            words.type = self.type(kind, words.status)
            words.code = self.code(kind)
        case .cohere, .gemini, .bedrock:
            words.type = self.type(kind, words.status)
            words.code = self.code(kind)
        }
        return words
    }

    /// OpenAI's code; nil where it has none for it.
    private static func code(_ kind: ProviderFault.Kind) -> String? {
        switch kind {
        case .tooLong: "context_length_exceeded"
        case .contentRefused: "content_filter"
        case .spent: "insufficient_quota"
        case .modelMissing: "model_not_found"
        case .rateLimited: "rate_limit_exceeded"
        case .credential, .complaint, .conflict, .failed, .unavailable, .timedOut, .garbled: nil
        }
    }

    /// OpenAI's type; nil where the status says it.
    private static func type(_ kind: ProviderFault.Kind, _ status: Int) -> String? {
        switch kind {
        case .spent: "insufficient_quota"
        case .tooLong, .contentRefused, .modelMissing, .complaint: status < 500 ? "invalid_request_error" : nil
        case .credential, .conflict, .failed, .garbled, .rateLimited, .timedOut, .unavailable: nil
        }
    }
}
