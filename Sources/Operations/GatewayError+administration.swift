internal import Agents
internal import Audit
internal import Auth
internal import Conversations
package import Core
internal import Database
internal import Metering
internal import Vault

extension GatewayError {
    /// Says what a failed action means to whoever asked for it.
    ///
    /// - Parameter isChange: Whether something was to be written, and its audit record with it.
    package init(administration error: any Error, isChange: Bool) {
        switch error {
        case let error as GatewayError: self = error
        case let error as TenantError: self.init(error, isChange: isChange)
        case let error as CredentialStoreError: self.init(error, isChange: isChange)
        case let error as BudgetError: self.init(error, isChange: isChange)
        case let error as SessionError: self.init(error)
        case let error as AgentError: self.init(error, isChange: isChange)
        case let error as DatabaseError: self.init(error, isChange: isChange)
        case let error as AuditError: self.init(error)
        case let error as VaultError: self.init(error)
        case let error as PageError: self = .page(error)
        case is CancellationError: self.init(.clientGone, "The client went away.", cause: error)
        default: self.init(.internalFailure, "An action failed.", cause: error)
        }
    }

    /// A value that breaks a rule.
    package static func invalid(_ field: String, expected: String) -> GatewayError {
        var error = GatewayError(.invalidRequest, "'\(field)' must be \(expected).", param: field)
        error.details = [(key: "field", value: field), (key: "expected", value: expected)]
        return error
    }

    private static func page(_ error: PageError) -> GatewayError {
        switch error {
        case .badLimit: .invalid("limit", expected: "1 to 200")
        case .badCursor: .invalid("cursor", expected: "the nextCursor of the page before")
        }
    }

    private init(_ error: TenantError, isChange: Bool) {
        switch error {
        case .invalid(let field, let expected):
            self = .invalid(field, expected: expected)
        case .scopeNeedsUser:
            self = .invalid("scopes", expected: "without admin, unless the key belongs to a user")
        case .groupNotFound: self.init(.notFound, "There is no such group.", cause: error)
        case .userNotFound: self.init(.notFound, "There is no such user in this group.", cause: error)
        case .keyNotFound: self.init(.notFound, "There is no such key in this group.", cause: error)
        case .duplicateID, .duplicateIdentity, .duplicateSecret, .lastSystemAdmin, .keyNotActive:
            self.init(.conflict, Self.sentence("\(error)"), cause: error)
        case .store(let error): self.init(error, isChange: isChange)
        }
    }

    private init(_ error: CredentialStoreError, isChange: Bool) {
        switch error {
        case .duplicate(let provider):
            let text = "The group has an active credential for '\(provider)'. Replace it, or deactivate it first."
            self.init(.duplicateCredential, text, param: "provider", cause: error)
        case .notFound: self.init(.credentialNotFound, "There is no such credential in this group.", cause: error)
        case .unknownGroup: self.init(.notFound, "There is no such group.", cause: error)
        case .badKey: self = .invalid("apiKey", expected: "1 to 4096 visible ASCII characters without spaces")
        case .badProvider: self = .invalid("provider", expected: "1 to 100 characters on one line")
        case .badCursor: self = .page(.badCursor)
        case .vault(let error): self.init(error)
        case .database(let error): self.init(error, isChange: isChange)
        }
    }

    private init(_ error: BudgetError, isChange: Bool) {
        switch error {
        case .invalid(let field, let expected): self = .invalid(field, expected: expected)
        case .notFound: self.init(.notFound, "There is no such budget.", cause: error)
        case .groupNotFound: self.init(.notFound, "There is no such group.", cause: error)
        case .duplicateName: self.init(.conflict, Self.sentence("\(error)"), param: "name", cause: error)
        case .tooMany: self.init(.conflict, Self.sentence("\(error)"), cause: error)
        case .store(let error): self.init(error, isChange: isChange)
        }
    }

    private init(_ error: AgentError, isChange: Bool) {
        switch error {
        case .invalid(let fault): self.init(fault)
        case .notFound: self.init(.notFound, "There is no such agent.", cause: error)
        case .groupNotFound: self.init(.notFound, "There is no such group.", cause: error)
        case .duplicateID: self.init(.conflict, Self.sentence("\(error)"), param: "id", cause: error)
        case .tooMany: self.init(.conflict, Self.sentence("\(error)"), cause: error)
        case .changed(let version):
            self.init(.conflict, Self.sentence("\(error)"), param: "version", cause: error)
            self.details = [(key: "field", value: "version"), (key: "expected", value: "\(version)")]
        case .store(let error): self.init(error, isChange: isChange)
        }
    }

    private init(_ error: VaultError) {
        switch error {
        case .unknownKeyID, .unreadable:
            self.init(
                .credentialUnreadable,
                "The credential cannot be opened with the keys of this gateway.",
                cause: error
            )
        default:
            self.init(.internalFailure, "The vault failed.", cause: error)
        }
    }

    private init(_ error: AuditError) {
        switch error {
        case .badCursor: self = .page(.badCursor)
        case .unavailable, .detailsTooLong: self = .auditUnavailable(error)
        }
    }

    /// A store that cannot be written cannot take an audit record either, so nothing may happen (row 54).
    private init(_ error: DatabaseError, isChange: Bool) {
        switch error {
        case .busy, .interrupted:
            self.init(.storeUnavailable, "The store is busy. Try again.", retryAfter: .seconds(1), cause: error)
        case .full, .readOnly, .ioFailed, .closed, .corrupt, .cannotOpen:
            self =
                isChange
                ? .auditUnavailable(error) : GatewayError(.storeUnavailable, "The store did not answer.", cause: error)
        default:
            self.init(.internalFailure, "The store refused a statement.", cause: error)
        }
    }

    private static func auditUnavailable(_ cause: any Error) -> GatewayError {
        GatewayError(.auditUnavailable, "The audit log cannot be written, so nothing was changed.", cause: cause)
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }
}
