internal import Chat
internal import Core
internal import Dialects
internal import Metering
internal import NIOCore
internal import Providers

/// Embeddings of a provider that has a form of its own for them.
///
/// A list that is longer than the provider takes at once goes out in several requests, one after the other, within one
/// attempt; what they used is added up.
final class EmbeddingTranslation: Translation {
    /// Requests that one call may be taken apart into.
    private static let partsMax = 512

    let format: WireFormat
    private(set) var losses: NamedLosses
    private let kind: EmbeddingFormat
    private let traits: TargetTraits
    private let provider: String
    private var parts: [EmbeddingRequest]
    /// The part whose answer is awaited.
    private var position = 0
    var hasAnsweredPart: Bool { self.position > 0 }
    private var body: ByteBuffer
    private var made: EmbeddingAnswer

    /// - Throws: `GatewayError` if the provider has no embeddings, or cannot be asked for these.
    init(_ call: Call, to target: CallTarget, as format: WireFormat) throws(GatewayError) {
        guard let kind = EmbeddingFormat(target.provider.family.kind, model: target.model) else {
            let name = target.provider.name
            throw GatewayError(
                .invalidRequest,
                "The provider '\(name)' has no embeddings under the model '\(target.model)'.",
                param: "model"
            )
        }
        let request: EmbeddingRequest
        do throws(RequestUnreadable) {
            request = try EmbeddingRequest.read(call.body)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        // Before anything is made of them: there may be millions.
        guard request.count <= Self.partsMax * kind.textsMax else {
            throw GatewayError(
                .invalidRequest,
                "'input' has more than \(Self.partsMax * kind.textsMax) texts, the most for this model.",
                param: "input"
            )
        }
        self.format = format
        self.kind = kind
        self.provider = target.provider.name
        self.traits = TargetTraits(target, of: call)
        self.parts = request.parts(ofAtMost: kind.textsMax)
        self.made = EmbeddingAnswer(to: request, from: kind, model: self.traits.model)
        var losses = Losses()
        self.body = try Self.write(self.parts.first ?? request, kind, self.traits, &losses, call, self.provider)
        self.losses = try NamedLosses(losses, call, at: target.provider)
    }

    private static func write(
        _ part: EmbeddingRequest,
        _ kind: EmbeddingFormat,
        _ traits: TargetTraits,
        _ losses: inout Losses,
        _ call: Call,
        _ provider: String
    ) throws(GatewayError) -> ByteBuffer {
        var body = ByteBuffer()
        do throws(RequestUnwritable) {
            try EmbeddingRequestWriter.write(part, as: kind, for: traits, losses: &losses, into: &body)
        } catch {
            throw GatewayError(error, in: call.body, provider: provider)
        }
        return body
    }

    func takeBody() -> ByteBuffer {
        defer { self.body = ByteBuffer() }
        return self.body
    }

    func answer(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer? {
        guard self.parts.indices.contains(self.position) else { throw ProviderFault.unreadable }
        do throws(AnswerUnreadable) {
            try self.made.add(body, expected: self.parts[self.position].count)
        } catch {
            switch error {
            case .garbled: throw ProviderFault.unreadable
            case .failure(let body): throw ProviderFault(inSuccess: body)
            }
        }
        call.usage.merge(self.made.usage)
        self.position += 1
        if self.position < self.parts.count {
            var losses = Losses()
            let part = self.parts[self.position]
            self.body = try Self.write(part, self.kind, self.traits, &losses, call, self.provider)
            return nil
        }
        return self.made.finish(estimate: call.attempt?.intent.inputEstimate ?? 0)
    }
}

extension EmbeddingFormat {
    /// How a provider of this kind wants to be asked for embeddings; nil if it has none.
    fileprivate init?(_ kind: ProviderEntry.Kind, model: String) {
        switch kind {
        case .cohere: self = .cohere
        case .gemini: self = .gemini
        case .bedrock:
            guard let format = EmbeddingFormat.bedrock(modelID: model) else { return nil }
            self = format
        case .openAI, .azure, .anthropic: return nil
        }
    }
}
