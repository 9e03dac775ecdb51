package import Core
import NIOCore
package import Providers
import Signing
package import Transport

/// Asks a provider, with a key of a group, something that costs nothing.
package struct ProviderInquiry: Sendable {
    /// What came of it.
    package struct Answer: Sendable {
        package var status: Int
        package var verdict: ProviderQuestion.Verdict
        /// Empty where the provider has no list.
        package var models: [String]
        /// The provider's own words where it refused something.
        package var message: String?
    }

    let provider: Settings.Provider
    let fetcher: Fetcher
    let timeouts: Timeouts
    /// For who asks again and again: connections are pooled by the endpoint that is remembered here.
    let endpoints: EndpointMemory?

    private static let answerBytesMax = 16 << 20

    package init(provider: Settings.Provider, fetcher: Fetcher, timeouts: Timeouts = Self.usualTimeouts) {
        self.init(provider: provider, fetcher: fetcher, timeouts: timeouts, endpoints: nil)
    }

    init(provider: Settings.Provider, fetcher: Fetcher, timeouts: Timeouts, endpoints: EndpointMemory?) {
        self.provider = provider
        self.fetcher = fetcher
        self.timeouts = timeouts
        self.endpoints = endpoints
    }

    /// How long it waits where nobody says otherwise.
    package static let usualTimeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(10),
        idle: .seconds(10),
        total: .seconds(15)
    )

    /// - Parameter key: Nil where none is needed.
    /// - Throws: `EndpointError`, `FetchError`, `TransportError`, `SigningError`, `CancellationError`.
    package func ask(_ purpose: ProviderQuestion.Purpose, key: Secret<String>?, now: UnixTime) async throws -> Answer {
        let question = ProviderQuestion.about(self.provider.entry, at: self.provider.baseURL, purpose)
        let answer = try await self.send(question, key, now)
        let kind = self.provider.kind
        return Answer(
            status: answer.status,
            verdict: ProviderQuestion.verdict(answer.status, answer.body, of: kind),
            models: answer.status == 200 ? ProviderQuestion.models(in: answer.body, of: kind) : [],
            message: ErrorMessage.find(in: answer.body)
        )
    }

    /// Sends a request of any kind to the provider with what it wants of a key.
    package func send(_ question: ProviderQuestion, _ key: Secret<String>?, _ now: UnixTime) async throws -> FetchAnswer
    {
        let made = try Endpoint(
            url: question.baseURL,
            allowPrivate: self.provider.allowPrivate,
            caFile: self.provider.caFile
        )
        let endpoint = self.endpoints?.keep(made, for: self.provider.name) ?? made
        var request = FetchRequest(
            question.method,
            endpoint,
            path: question.path,
            fields: [("user-agent", "turnpike/\(Version.text)"), ("accept", "application/json")] + question.fields,
            body: question.body,
            answerBytesMax: Self.answerBytesMax,
            timeouts: self.timeouts
        )
        if let key { request.fields += try self.fields(for: request, question, key, now) }
        return try await self.fetcher.fetch(request)
    }

    private func fields(
        for request: FetchRequest,
        _ question: ProviderQuestion,
        _ key: Secret<String>,
        _ now: UnixTime
    ) throws -> [(name: String, value: String)] {
        let text = key.reveal { $0 }
        switch self.provider.auth {
        case .none: return []
        case .apiKey, .xAPIKey, .xGoogAPIKey: return [(self.provider.auth.rawValue, text)]
        case .bearer: return [("authorization", "Bearer \(text)")]
        case .aws:
            let parts = text.split(separator: ":", maxSplits: 2).map(String.init)
            guard parts.count >= 2 else { return [("authorization", "Bearer \(text)")] }
            let keys = AWSCredentials(
                accessKeyID: parts[0],
                secretAccessKey: Secret(parts[1]),
                sessionToken: parts.count == 3 ? Secret(parts[2]) : nil
            )
            let signed = SigV4.Request(
                method: request.method,
                host: request.endpoint.authority,
                path: request.endpoint.basePath + request.path,
                query: [],
                fields: [],
                body: request.body ?? ByteBuffer()
            )
            let region = self.provider.entry.region(at: request.endpoint.host)
            let signer = SigV4(region: region, service: "bedrock")
            return try signer.fields(for: signed, credentials: keys, now: now)
        }
    }
}
