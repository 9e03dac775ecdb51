internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers

/// A request for reranking in the words of Cohere, and its answer in those that everybody else has.
final class RerankTranslation: Translation {
    let format: WireFormat
    let losses: NamedLosses
    private let request: RerankRequest
    private let model: JSONString
    private var body: ByteBuffer

    /// - Throws: `GatewayError` if the body is no request for reranking, or would lose what the group does not want to
    ///   lose.
    init(_ call: Call, to target: CallTarget, as format: WireFormat) throws(GatewayError) {
        do throws(RequestUnreadable) {
            self.request = try RerankRequest.read(call.body)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        let traits = TargetTraits(target, of: call)
        var losses = Losses()
        var body = ByteBuffer()
        self.request.write(
            as: format == .bedrock ? .cohereOnBedrock : .cohere,
            for: traits,
            losses: &losses,
            into: &body
        )
        self.format = format
        self.model = traits.model
        self.body = body
        self.losses = try NamedLosses(losses, call, at: target.provider)
    }

    func takeBody() -> ByteBuffer {
        defer { self.body = ByteBuffer() }
        return self.body
    }

    func answer(_ body: ByteBuffer, of call: Call) throws -> ByteBuffer? {
        var written = ByteBuffer()
        do throws(AnswerUnreadable) {
            call.usage.merge(try self.request.answer(from: body, model: self.model, into: &written))
        } catch {
            switch error {
            case .garbled: throw ProviderFault.unreadable
            case .failure(let body): throw ProviderFault(inSuccess: body)
            }
        }
        return written
    }
}

@available(*, unavailable, message: "confined to its loop")
extension RerankTranslation: Sendable {}
