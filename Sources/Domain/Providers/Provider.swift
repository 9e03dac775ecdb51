package import Core
package import NIOCore
package import Transport

/// What the boot file says about one provider.
package struct ProviderEntry: Sendable {
    /// The wire a provider speaks.
    ///
    /// Dialects other than OpenAI's have no row here yet.
    package enum Kind: String, Sendable, CaseIterable {
        case openAI = "openai"
        case azure
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
    /// By operation: the head's lines that never change, request line included.
    private let heads: [HeadTemplate]

    /// The head of a request up to the lines that differ from call to call.
    private struct HeadTemplate: Sendable {
        /// `POST <path>`, up to where a deployment's name goes.
        var before: ByteBuffer
        /// From behind the deployment's name to the last constant line; nil where the path has no model in it.
        var after: ByteBuffer?
    }

    /// - Throws: `CatalogError` naming this entry and what is wrong with it.
    package init(
        _ entry: ProviderEntry,
        index: Int,
        timeouts: Timeouts,
        userAgent: String,
        reusing old: Provider?
    ) throws(CatalogError) {
        let family =
            entry.kind == .azure
            ? Family.row(named: "azure", host: nil)
            : Family.row(named: entry.name, host: entry.baseURL.flatMap(Self.host(of:)))
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
        self.heads = Operation.allCases.map { operation in
            Self.template(operation, endpoint: endpoint, paths: paths, version: entry.apiVersion, agent: userAgent)
        }
    }

    /// Whether calls work without a credential.
    package var needsNoCredential: Bool { self.auth == .none }

    /// Appends the request line and the constant header lines for `operation`, without a blank line.
    ///
    /// - Parameter model: The upstream model id; only Azure's deployment URLs have it in the path, percent-encoded.
    package func writeHead(_ operation: Operation, model: String, into buffer: inout ByteBuffer) {
        let template = self.heads[Int(operation.rawValue)]
        buffer.writeImmutableBuffer(template.before)
        guard let after = template.after else { return }
        Self.writePathSegment(model, into: &buffer)
        buffer.writeImmutableBuffer(after)
    }

    private static func template(
        _ operation: Operation,
        endpoint: Endpoint,
        paths: Family.PathStyle,
        version: String?,
        agent: String
    ) -> HeadTemplate {
        var base = endpoint.basePath
        let query = version.map { "?api-version=\($0)" } ?? ""
        let rest =
            " HTTP/1.1\r\nhost: \(endpoint.authority)\r\nuser-agent: \(agent)\r\naccept-encoding: identity\r\n"
            + "content-type: application/json\r\n"
        switch paths {
        case .standard:
            return HeadTemplate(before: ByteBuffer(string: "POST \(base)\(operation.path)\(rest)"), after: nil)
        case .azureV1:
            if !base.hasSuffix("/v1") { base += base.hasSuffix("/openai") ? "/v1" : "/openai/v1" }
            return HeadTemplate(before: ByteBuffer(string: "POST \(base)\(operation.path)\(query)\(rest)"), after: nil)
        case .azureDeployments:
            if !base.hasSuffix("/openai") { base += "/openai" }
            return HeadTemplate(
                before: ByteBuffer(string: "POST \(base)/deployments/"),
                after: ByteBuffer(string: "\(operation.path)\(query)\(rest)")
            )
        }
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters, so that no model id can leave its segment.
    private static func writePathSegment(_ text: String, into buffer: inout ByteBuffer) {
        let digits: StaticString = "0123456789ABCDEF"
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                buffer.writeInteger(byte)
            case UInt8(ascii: ".") where text != "." && text != "..":
                buffer.writeInteger(byte)
            default:
                buffer.writeInteger(UInt8(ascii: "%"))
                buffer.writeInteger(digits.utf8Start[Int(byte >> 4)])
                buffer.writeInteger(digits.utf8Start[Int(byte & 15)])
            }
        }
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
