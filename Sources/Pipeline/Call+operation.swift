internal import Auth
internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Wire

/// What operations other than conversations need to be decided.
extension Call {
    /// Whether a provider can serve this call: the group has what it needs, and the provider has the operation.
    func canUse(_ provider: Provider) -> Bool {
        self.credentials.canUse(provider)
            && (!self.operation.isApart || provider.family.kind.serves(self.operation))
    }

    /// What the client is told where providers could be used that do not have the operation.
    var missingOperation: GatewayError? {
        guard self.operation.isApart else { return nil }
        let providers: [Provider]
        switch self.resolution {
        case .direct(let provider, _, _): providers = [provider]
        case .route(let route): providers = route.targets.map(\.provider)
        case nil: providers = []
        }
        guard let provider = providers.first(where: { self.credentials.canUse($0) }) else { return nil }
        return GatewayError(
            .invalidRequest,
            "The provider '\(provider.name)' has no \(self.operation.noun) for the model '\(self.model)'.",
            param: "model"
        )
    }

    /// Whether what was sent of the body is gone, so that nobody else can be asked.
    var hasLostUpload: Bool {
        if self.operation == .passThrough { return true }
        return self.upload.map { !$0.mayRewind } ?? false
    }

    /// Whether a provider has nothing to generate for it, and so nothing to bill.
    var isWithoutWork: Bool {
        self.operation == .passThrough && (self.head.method == .get || self.head.method == .delete)
    }

    /// The size of the attempt to come, for budgets.
    func attemptSize(_ index: RequestIndex, _ facts: ModelFacts) -> AttemptSize {
        // Measured wherever a budget could ask, and there is anything in it that its length does not bound.
        let prompt = self.prompt ?? PromptMeasure()
        var size = AttemptSize(
            inputBound: TokenBound.input(bodyBytes: self.bodyLength, prompt: prompt, contextMax: facts.contextMax),
            outputWanted: index.outputTokensMax,
            outputPossible: facts.outputMax,
            choices: index.choices,
            hasOutput: self.operation == .chat
        )
        guard self.operation.isApart else { return size }
        switch self.operation {
        case .images, .imageEdits, .imageVariations:
            size.images = self.upload?.form?.count ?? index.choices
            size.fixedOutput = size.images * TokenBound.imageMade
            if self.operation.isForm { size.inputBound = TokenBound.imageForm }
        case .speech:
            size.fixedOutput = TokenBound.speech(textBytes: self.bodyLength)
        case .transcriptions, .translations:
            size.inputBound = TokenBound.sound(bytes: self.uploadBound)
            size.fixedOutput = facts.outputMax ?? min(size.inputBound, OutputGrant.assumed)
        case .passThrough:
            size.inputBound = TokenBound.input(bodyBytes: self.uploadBound, prompt: prompt, contextMax: nil)
            let wanted = min(index.outputTokensMax ?? OutputGrant.assumed, facts.outputMax ?? .max)
            size.fixedOutput = min(wanted, 10_000_000) * index.choices
        default: break
        }
        return size
    }

    /// The most bytes that an upload can have.
    private var uploadBound: Int { self.upload?.length ?? self.snapshot.limits.uploadBytesMax }
}
