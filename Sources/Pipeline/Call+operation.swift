internal import Auth
internal import Chat
internal import Core
internal import Glibc
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

    /// What the model costs for this operation.
    ///
    /// A price for sound, characters or searches alone is none for anything else that the model can do: nobody knows
    /// what its tokens cost then.
    func rates(_ facts: ModelFacts) -> Rates {
        let rates = facts.rates
        guard rates.isByUnits, rates.image <= 0, rates.request <= 0, self.operation != .passThrough else {
            return rates
        }
        let isPriced =
            switch self.operation {
            case .speech: rates.characters > 0
            case .transcriptions, .translations: rates.minute > 0
            case .rerank: rates.searches > 0
            default: false
            }
        return isPriced ? rates : .unpriced
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
            size.units.characters = self.measuredUnits().characters ?? self.bodyLength
            size.fixedOutput = TokenBound.speech(textBytes: self.bodyLength)
        case .rerank:
            let documents = self.body.withUnsafeReadableBytes { RerankBody.documents($0) }
            size.units.searches = TokenBound.searches(documents: documents, bodyBytes: self.bodyLength)
            self.measuredUnits()
        case .transcriptions, .translations:
            size.units.soundMilliseconds = TokenBound.soundMilliseconds(bytes: self.uploadBound)
            size.inputBound = TokenBound.sound(bytes: self.uploadBound)
            size.fixedOutput = facts.outputMax ?? min(size.inputBound, OutputGrant.assumed)
        case .passThrough:
            size.inputBound = TokenBound.input(bodyBytes: self.uploadBound, prompt: prompt, contextMax: nil)
            let wanted = min(index.outputTokensMax ?? OutputGrant.assumed, facts.outputMax ?? .max)
            size.fixedOutput = min(wanted, 10_000_000) * index.choices
            size.units = UnitBound(
                characters: self.units?.characters ?? self.uploadBound,
                soundMilliseconds: TokenBound.soundMilliseconds(bytes: self.uploadBound),
                // No document is shorter than an empty text and its comma.
                searches: TokenBound.searches(documents: self.uploadBound / 3, bodyBytes: self.uploadBound)
            )
        default: break
        }
        return size
    }

    /// What the request shows of what is paid for by other units than tokens, measured once, as long as its body is
    /// there.
    @discardableResult
    private func measuredUnits() -> RequestUnits {
        if let units = self.units { return units }
        var units = RequestUnits()
        self.body.withUnsafeReadableBytes { bytes in
            switch self.operation {
            case .speech:
                // A text under another name is told from none by nobody here: all of the body counts then.
                units.characters = SpeechBody.characters(bytes) ?? self.bodyLength
            case .rerank: units.searchesGuess = RequestUnits.searchesGuess(documents: RerankBody.documents(bytes))
            default: break
            }
        }
        self.units = units
        return units
    }

    /// The same with what is known of an upload by now.
    var unitsSeen: RequestUnits {
        var units = self.units ?? RequestUnits()
        if let upload = self.upload { units.soundGuess = RequestUnits.soundGuess(bytes: upload.received) }
        return units
    }

    /// Whether the request may ask to keep something in a cache for an hour: `"ttl":"1h"`, in any dialect that has it.
    ///
    /// Looks for the value however it is written; a text that has it in quotes within quotes is none.
    var mayWriteLong: Bool {
        guard self.upload == nil else { return true }
        return self.body.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            var start = 0
            while let found = memchr(base + start, Int32(UInt8(ascii: "1")), bytes.count - start) {
                let one = UnsafeRawPointer(found) - base
                if Self.isHour(bytes, at: one) { return true }
                start = one + 1
            }
            return false
        }
    }

    /// Whether the digit at a place begins `1h` as the whole of a string, or is written as `\u0031`, which nobody does
    /// without a reason.
    private static func isHour(_ bytes: UnsafeRawBufferPointer, at one: Int) -> Bool {
        if bytes[..<one].suffix(5).elementsEqual("\\u003".utf8) { return true }
        guard one > 0, bytes[one - 1] == UInt8(ascii: "\"") else { return false }
        let rest = bytes[(one + 1)...]
        return rest.starts(with: "h\"".utf8) || rest.starts(with: "\\u0068\"".utf8)
    }

    /// The most bytes that an upload can have.
    private var uploadBound: Int { self.upload?.length ?? self.snapshot.limits.uploadBytesMax }
}
