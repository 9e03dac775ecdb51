package import Chat
package import Core
package import NIOCore
package import Transport

/// What the boot file says about one provider.
package struct ProviderEntry: Sendable {
    /// The wire a provider speaks.
    package enum Kind: String, Sendable, CaseIterable {
        case openAI = "openai"
        case anthropic, cohere, gemini, bedrock
        case azure

        /// How conversations are written for it.
        package var format: WireFormat {
            switch self {
            case .openAI, .azure: .openAIChat
            case .anthropic: .anthropic
            case .cohere: .cohere
            case .gemini: .gemini
            case .bedrock: .bedrock
            }
        }
    }

    package var name: String
    package var kind: Kind
    /// Nil: the family's own.
    package var baseURL: String?
    /// Whether loopback, private and link-local addresses may be dialled.
    package var allowPrivate: Bool
    /// Nil: the family's own.
    package var auth: AuthStyle?
    /// PEM file of the authorities trusted for this provider, in place of the system's.
    package var caFile: String?
    /// Azure's `api-version`.
    package var apiVersion: String?
    /// Bedrock's region, which signatures name; nil: as its address says.
    package var region: String?
    /// Azure's choice of URLs; nil: v1.
    package var urls: Family.PathStyle?
    /// Nil: the catalog's default.
    package var timeouts: Timeouts?
    /// What becomes of an answer whose client leaves.
    package var onDisconnect = DisconnectPolicy.cancel
    /// Further attempts after the first, for calls that no alias names.
    package var retriesMax = 2

    package init(
        name: String,
        kind: Kind = .openAI,
        baseURL: String? = nil,
        allowPrivate: Bool = false,
        auth: AuthStyle? = nil,
        caFile: String? = nil,
        apiVersion: String? = nil,
        urls: Family.PathStyle? = nil,
        timeouts: Timeouts? = nil
    ) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.allowPrivate = allowPrivate
        self.auth = auth
        self.caFile = caFile
        self.apiVersion = apiVersion
        self.urls = urls
        self.timeouts = timeouts
    }
}

extension ProviderEntry {
    /// Amazon's region, which signatures name: the entry's own, or the one in an address such as
    /// `bedrock-runtime.eu-west-1.amazonaws.com`; else `us-east-1`.
    package func region(at host: String) -> String {
        if let region { return region }
        let parts = host.split(separator: ".")
        return parts.count >= 4 && parts[parts.count - 2] == "amazonaws" ? String(parts[1]) : "us-east-1"
    }
}

/// What becomes of a provider's answer when the client leaves (RELIABILITY.md A+.3).
package enum DisconnectPolicy: String, Sendable, CaseIterable {
    /// The connection is closed at once: what is not generated is not billed.
    case cancel
    /// It is read on, within bounds, to learn what it used: some providers bill all of it anyway.
    case drain
}

/// A configured upstream, ready to be called: everything that is the same for all its calls is rendered once.
package final class Provider: Sendable {
    package let name: String
    /// Position in its catalog; credential books and statistics are arrays by it.
    package let index: Int
    package let family: Family
    package let endpoint: Endpoint
    package let auth: AuthStyle
    package let timeouts: Timeouts
    package let onDisconnect: DisconnectPolicy
    /// Further attempts after the first, for calls that no alias names.
    package let retriesMax: Int
    /// Bedrock's region; empty for all others.
    package let region: String
    /// Azure has no deployment's own URL for responses.
    private let speaksResponses: Bool
    /// The head's lines that never change, request line included.
    private let heads: HeadTemplates

    /// - Throws: `CatalogError` naming this entry and what is wrong with it.
    package init(
        _ entry: ProviderEntry,
        index: Int,
        timeouts: Timeouts,
        userAgent: String,
        reusing old: Provider?
    ) throws(CatalogError) {
        let family = Family.row(
            kind: entry.kind,
            named: entry.name,
            host: entry.baseURL.flatMap(Self.host(of:))
        )
        guard let url = entry.baseURL ?? family.baseURL else { throw .missingBaseURL(provider: entry.name) }
        let paths = entry.urls ?? family.paths
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(url: url, allowPrivate: entry.allowPrivate, caFile: entry.caFile)
        } catch {
            throw .badBaseURL(provider: entry.name, error)
        }
        if paths == .azureDeployments, entry.apiVersion == nil { throw .missingAPIVersion(provider: entry.name) }
        if let version = entry.apiVersion, !version.utf8.allSatisfy(Self.isVersionByte) || version.isEmpty {
            throw .badAPIVersion(provider: entry.name)
        }
        self.name = entry.name
        self.index = index
        self.family = family
        // Connections are pooled by object, so an entry that did not change keeps its endpoint.
        self.endpoint = old.flatMap { $0.endpoint == endpoint ? $0.endpoint : nil } ?? endpoint
        self.auth = entry.auth ?? family.auth
        self.timeouts = entry.timeouts ?? timeouts
        self.onDisconnect = entry.onDisconnect
        self.retriesMax = entry.retriesMax
        self.region = entry.kind == .bedrock ? entry.region(at: endpoint.host) : ""
        self.speaksResponses = family.speaksResponses && paths != .azureDeployments
        self.heads = HeadTemplates(family, endpoint, paths: paths, version: entry.apiVersion, agent: userAgent)
    }

    /// How a conversation is written for this provider when its client has it in `client`.
    package func format(for client: WireFormat) -> WireFormat {
        client == .openAIResponses && self.speaksResponses ? client : self.family.kind.format
    }

    /// Whether calls work without a credential.
    package var needsNoCredential: Bool { self.auth == .none }

    /// Appends the request line and the constant header lines, without a blank line.
    ///
    /// - Parameters:
    ///   - format: One that the provider speaks.
    ///   - model: The upstream model id; percent-encoded where the path has it.
    package func writeHead(
        _ operation: Operation,
        as format: WireFormat,
        isStream: Bool,
        model: String,
        into buffer: inout ByteBuffer
    ) {
        self.heads.write(operation, as: format, isStream: isStream, model: model, into: &buffer)
    }

    private static func isVersionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default:
            false
        }
    }

    private static func host(of url: String) -> String? {
        try? Endpoint(url: url, allowPrivate: false).host
    }
}
