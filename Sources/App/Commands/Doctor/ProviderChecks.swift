import Chat
import Core
import Dialects
import Engine
import NIOCore
import Providers
import Transport

/// Asks providers whether they would answer.
struct ProviderChecks: Sendable {
    let loaded: LoadedSettings
    let input: SettingsInput
    let client: CommandClient

    private static let timeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(15),
        idle: .seconds(15),
        total: .seconds(30),
        streamMax: .seconds(30)
    )

    /// What a provider says to a list of its models.
    private struct Listing: Sendable {
        var finding: Finding
        var models: [String] = []
    }

    /// Checks every provider that can be reached by somebody, then the default model.
    func run(_ report: (Finding) -> Void) async {
        let settings = self.loaded.settings
        let answerer = Answerer(self.loaded, input: self.input)
        var models: [String] = []
        var count = 0
        for provider in settings.providers {
            for (group, key) in self.keys(for: provider) {
                let listing = await self.list(provider, group: group, key: key)
                report(listing.finding)
                if provider.name == answerer.provider { models = listing.models }
                count += 1
            }
        }
        if settings.simulator { report(.ok("simulator", "is on and needs no key")) }
        if count == 0, !settings.simulator {
            report(
                .fail(
                    "providers",
                    "no group has a key for any provider",
                    mend: answerer.advice ?? "set OPENROUTER_API_KEY"
                )
            )
            return
        }
        if !answerer.isSimulator { report(await self.tryDefaultModel(answerer, known: models)) }
    }

    /// One key of each group that has one; a provider that needs none is asked once, without.
    private func keys(for provider: Settings.Provider) -> [(group: String?, key: Secret<String>?)] {
        if provider.auth == .none { return [(nil, nil)] }
        return self.loaded.settings.groups.compactMap { group in
            group.credentials.first { $0.provider == provider.name }.map { (group.id.text, $0.key) }
        }
    }

    // MARK: - The list of models

    private func list(_ provider: Settings.Provider, group: String?, key: Secret<String>?) async -> Listing {
        let subject = "provider \(provider.name)" + (group.map { $0 == "default" ? "" : " (\($0))" } ?? "")
        do {
            let answer = try await self.inquiry(provider).ask(.models, key: key, now: SystemClock.now)
            return Self.judge(answer, subject, provider, hasKey: key != nil)
        } catch is EndpointError {
            return Listing(finding: .fail(subject, "its base_url cannot be used"))
        } catch {
            return Listing(finding: Self.unreachable(error, subject, provider))
        }
    }

    private func inquiry(_ provider: Settings.Provider) -> ProviderInquiry {
        ProviderInquiry(provider: provider, fetcher: self.client.fetcher, timeouts: Self.timeouts)
    }

    private static func judge(
        _ answer: ProviderInquiry.Answer,
        _ subject: String,
        _ provider: Settings.Provider,
        hasKey: Bool
    ) -> Listing {
        switch answer.verdict {
        case .accepted where answer.models.isEmpty:
            return Listing(finding: .ok(subject, "answers at \(provider.baseURL)"))
        case .accepted:
            let text = "\(answer.models.count) models at \(provider.baseURL)"
            return Listing(finding: .ok(subject, text), models: answer.models)
        case .refused:
            let mend = hasKey ? "put a working key in its place" : "give the group a key, or set auth"
            return Listing(finding: .fail(subject, "refuses the key (\(answer.status))", mend: mend))
        case .unlisted:
            return Listing(finding: .ok(subject, "answers at \(provider.baseURL); has no list of models"))
        case .limited: return Listing(finding: .warn(subject, "answers, but its limit is reached (429)"))
        case .other: return Listing(finding: .warn(subject, "answers with status \(answer.status)"))
        }
    }

    private static func unreachable(_ error: any Error, _ subject: String, _ provider: Settings.Provider) -> Finding {
        let text = (error as? TransportError)?.sentence ?? "\(error)"
        let mend: String
        switch error {
        case TransportError.nameNotResolved: mend = "check providers.\(provider.name).base_url and the name server"
        case TransportError.forbiddenAddress: mend = "if it is yours: providers.\(provider.name).allow_private: true"
        case TransportError.tlsFailed: mend = "for an authority of your own: providers.\(provider.name).ca_file"
        case TransportError.connectFailed: mend = "check that it runs and that no firewall is between"
        default: mend = "check the way to \(provider.baseURL)"
        }
        return .fail(subject, text, mend: mend)
    }

    // MARK: - The default model

    /// Asks the default model for one token, as a call on the road would.
    private func tryDefaultModel(_ answerer: Answerer, known: [String]) async -> Finding {
        let subject = "default model"
        let settings = self.loaded.settings
        guard let provider = settings.provider(answerer.provider), let key = self.keys(for: provider).first else {
            return .fail(subject, "\(answerer.provider) needs a key", mend: answerer.advice)
        }
        do {
            let answer = try await self.ask(provider, model: answerer.upstreamModel, key: key.key)
            let name = "\(answerer.upstreamModel) at \(provider.name)"
            switch answer.status {
            case 200 where answer.errorMessage == nil: return .ok(subject, "\(name) answers")
            case 401, 403:
                return .fail(subject, "\(provider.name) refuses the key", mend: "put a working key in its place")
            case 402: return .fail(subject, "\(provider.name) asks for credit", mend: "top up the account")
            case 429: return .warn(subject, "\(name): the limit is reached (429)")
            case 400, 404, 422:
                return .fail(
                    subject,
                    "\(name) is refused: \(answer.errorMessage ?? "status \(answer.status)")",
                    mend: Self.proposal(for: answerer.upstreamModel, known: known)
                )
            default:
                return .fail(subject, "\(name): \(answer.errorMessage ?? "status \(answer.status)")")
            }
        } catch {
            return Self.unreachable(error, subject, provider)
        }
    }

    private func ask(_ provider: Settings.Provider, model: String, key: Secret<String>?) async throws -> CommandAnswer {
        let chat = JSONValue.object([
            ("model", .string(model)), ("max_tokens", 1),
            ("messages", [.object([("role", "user"), ("content", "Say ok.")])]),
        ])
        var body = ByteBuffer()
        chat.write(into: &body)
        let format = provider.kind.format
        if format != .openAIChat {
            let request = try Codecs.readRequest(body, as: .openAIChat)
            var losses = Losses()
            body.clear()
            let traits = TargetTraits(model: JSONString(model), modelID: model)
            try Codecs.writeRequest(request, as: format, for: traits, losses: &losses, into: &body)
        }
        let question = try ProviderQuestion.chat(provider.entry, model: model, body: body)
        let answer = try await self.inquiry(provider).send(question, key, SystemClock.now)
        return CommandAnswer(status: answer.status, body: answer.body)
    }

    /// Another model from the provider's list: the nearest by name, else one of the same maker, else the first.
    static func proposal(for model: String, known: [String]) -> String? {
        let maker = model.split(separator: "/").first.map { $0 + "/" } ?? ""
        let near = NearestName.find(model, in: known)
        let other = model.contains("/") ? known.first { $0.hasPrefix(maker) } : nil
        return (near ?? other ?? known.first).map { "try another: AI_DEFAULT_MODEL=\($0), or defaults.model: \($0)" }
    }
}
