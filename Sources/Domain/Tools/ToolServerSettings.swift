package import Core
package import NIOCore
package import Transport

/// A tool server as the boot file names it.
package struct ToolServerSettings: Sendable {
    /// Where it is.
    package enum Way: Sendable {
        case http(ToolEndpoint)
        /// A program of this machine, spoken to over its standard input and output.
        case program(ProgramPlan)
    }

    /// What becomes of tools that nobody has approved.
    package enum Approval: String, Sendable, CaseIterable {
        /// As they are seen for the first time.
        case firstUse = "first_use"
        /// They are off until an administrator approves them.
        case manual
    }

    package let name: String
    package let way: Way
    package var approval: Approval
    /// Tools that are approved by the settings, with their hashes; for these nothing else counts.
    package var pins: [String: String]
    /// The groups whose agents may use it; nil: those of every group (row 102).
    package var groups: [GroupID]?
    /// The longest that one call may take.
    package var timeout: TimeAmount
    /// Calls that may be under way at once.
    package var concurrent: Int

    package init(
        name: String,
        way: Way,
        approval: Approval = .firstUse,
        pins: [String: String] = [:],
        groups: [GroupID]? = nil,
        timeout: TimeAmount = .seconds(30),
        concurrent: Int = 8
    ) {
        self.name = name
        self.way = way
        self.approval = approval
        self.pins = pins
        self.groups = groups
        self.timeout = timeout
        self.concurrent = concurrent
    }
}

extension ToolServerSettings: Equatable {
    /// Whether both are the same, their secrets included.
    package static func == (left: ToolServerSettings, right: ToolServerSettings) -> Bool {
        left.name == right.name && left.approval == right.approval && left.pins == right.pins
            && left.groups == right.groups && left.timeout == right.timeout && left.concurrent == right.concurrent
            && left.way.isSame(as: right.way)
    }
}

extension ToolServerSettings.Way {
    fileprivate func isSame(as other: Self) -> Bool {
        typealias Secrets = [(name: String, value: Secret<String>)]
        func same(_ one: Secrets, _ other: Secrets) -> Bool {
            one.elementsEqual(other) { pair, other in
                pair.name == other.name && pair.value.reveal { text in other.value.reveal { $0 == text } }
            }
        }
        switch (self, other) {
        case (.http(let one), .http(let other)):
            return one.endpoint == other.endpoint && one.query == other.query && same(one.fields, other.fields)
        case (.program(let one), .program(let other)):
            return one.path == other.path && one.arguments == other.arguments && one.limits == other.limits
                && same(one.environment, other.environment)
        default:
            return false
        }
    }

    /// How it is reached, for people: a URL or a path, without credentials, arguments or environment.
    package var address: String {
        switch self {
        case .http(let address): address.endpoint.url
        case .program(let plan): plan.path
        }
    }

    /// `http` or `stdio`.
    package var kind: String {
        switch self {
        case .http: "http"
        case .program: "stdio"
        }
    }
}
