/// A group has no key for the provider it wants.
public struct AINotConfiguredError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The group; nil where only the far gateway knows it.
    public let group: String?
    /// The provider; nil where the gateway decides.
    public let provider: AIProvider?
    /// Where the group's people can add a key; nil if the settings do not say.
    public let settingsURL: String?

    package init(group: String?, provider: AIProvider?, settingsURL: String?) {
        self.group = group
        self.provider = provider
        self.settingsURL = settingsURL
    }

    /// What to tell people.
    public var description: String { "AI is not configured for this group. Please add an API key in settings." }
}

/// There is no provider of that name.
public struct AIUnknownProviderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name that was asked for.
    public let name: String
    /// The names there are.
    public let known: [String]

    package init(name: String, known: [String]) {
        self.name = name
        self.known = known
    }

    /// The name, and those there are.
    public var description: String {
        "There is no provider '\(self.name)'; there are: \(self.known.joined(separator: ", "))."
    }
}

/// There is no person of that id.
public struct AIUnknownUserError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The id that was asked for.
    public let user: String

    package init(user: String) { self.user = user }

    /// The id.
    public var description: String { "There is no user '\(self.user)'." }
}

/// The clients cannot be put together; says why in one line, or in one for each mistake in the settings.
public struct AIConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong; names no key but by where it stands.
    public let message: String

    package init(_ message: String) { self.message = message }

    /// What is wrong.
    public var description: String { self.message }
}

/// Why a call was not answered.
public struct AIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One of the fixed codes of the gateway's errors, such as `PROVIDER_TIMEOUT` or `BUDGET_EXCEEDED`.
    public let code: String
    /// Safe to show: no keys, no prompts.
    public let message: String
    /// The field of the request that is to blame.
    public let param: String?
    /// How long to wait before trying again; nil if waiting cannot help or the time is not known.
    public let retryAfter: Duration?
    /// The time limit that ran out, as it was configured.
    public let timeout: Duration?
    /// What happened can be looked up by it.
    public let requestId: String?

    package init(
        code: String,
        message: String,
        param: String? = nil,
        retryAfter: Duration? = nil,
        timeout: Duration? = nil,
        requestId: String? = nil
    ) {
        self.code = code
        self.message = message
        self.param = param
        self.retryAfter = retryAfter
        self.timeout = timeout
        self.requestId = requestId
    }

    /// Code and message.
    public var description: String { "\(self.code): \(self.message)" }
}
