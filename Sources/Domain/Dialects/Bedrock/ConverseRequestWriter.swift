package import Chat
internal import Core
package import NIOCore

/// Says a request in the words of Bedrock's `Converse` and `ConverseStream`, which have one body.
///
/// Model and streaming are in the address, not in the body. Members that only Bedrock has may be given at the top level
/// under their own names: `guardrailConfig` (or `amazon-bedrock-guardrailConfig`), `requestMetadata`,
/// `performanceConfig`, `promptVariables`, `additionalModelRequestFields` and `additionalModelResponseFieldPaths`.
/// Source: the API reference of `Converse`, checked against botocore's model of it.
package enum ConverseRequestWriter {
    /// Appends the request to `body`.
    ///
    /// - Throws: If there is nothing to send.
    package static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        var writer = ConverseWriter(request, target)
        swap(&writer.body, &body)
        swap(&writer.losses, &losses)
        defer {
            swap(&writer.body, &body)
            swap(&writer.losses, &losses)
        }
        try writer.write()
    }
}

/// One request on its way into Bedrock's dialect.
struct ConverseWriter {
    let request: ChatRequest
    let target: TargetTraits
    let model: ConverseModel
    let plan: ConversePlan
    var body = ByteBuffer()
    var losses = Losses()
    /// The turn that is being written; its list of blocks is open.
    var turn: Turn?
    /// The names of documents so far: no two may be the same.
    var documentNames: Set<ByteBuffer> = []
    /// How many there are, each with a name of its own.
    var documentCount = 0

    /// What is known of the turn that is being written.
    struct Turn {
        var isUser: Bool
        var hasText = false
        var hasDocument = false
    }

    /// What stands where a text must be and none is: no text may be blank.
    static let filler: StaticString = "."

    init(_ request: ChatRequest, _ target: TargetTraits) {
        self.request = request
        self.target = target
        self.model = ConverseModel(target.modelID)
        self.plan = ConversePlan(request, target, self.model)
    }

    mutating func write() throws(RequestUnwritable) {
        self.losses.take(self.plan.losses)
        self.body.beginObject()
        try self.writeMessages()
        self.writeSystem()
        self.writeInference()
        self.writeTools()
        self.writeOutput()
        self.writeNative()
        self.noteUnsaid()
        self.body.endObject()
    }

    /// Limits and sampling.
    private mutating func writeInference() {
        let start = self.body.writerIndex
        self.body.writeKey("inferenceConfig")
        self.body.beginObject()
        let empty = self.body.writerIndex
        if let limit = self.plan.maxTokens { self.body.writeMember("maxTokens", limit) }
        if let temperature = self.plan.temperature { self.body.writeMember("temperature", temperature) }
        if let topP = self.plan.topP { self.body.writeMember("topP", topP) }
        let stops = self.request.stop.filter { !$0.value.isBlank }
        for stop in self.request.stop where stop.value.isBlank { self.losses.drop(stop) }
        if !stops.isEmpty {
            self.body.writeKey("stopSequences")
            self.body.beginArray()
            for stop in stops {
                self.body.separate()
                stop.value.write(into: &self.body)
            }
            self.body.endArray()
        }
        if self.body.writerIndex == empty {
            self.body.moveWriterIndex(to: start)
        } else {
            self.body.endObject()
        }
    }

    /// What Converse has no word for.
    private mutating func noteUnsaid() {
        let request = self.request
        self.losses.drop(request.frequencyPenalty)
        self.losses.drop(request.presencePenalty)
        self.losses.drop(request.seed)
        if let choices = request.choices, choices.value != 1 { self.losses.drop(choices) }
        if request.logprobs?.value == true { self.losses.drop(request.logprobs) }
        self.losses.drop(request.topLogprobs)
        self.losses.drop(request.logitBias)
        self.losses.drop(request.user)
        if request.parallelToolCalls?.value == false { self.losses.drop(request.parallelToolCalls) }
    }
}
