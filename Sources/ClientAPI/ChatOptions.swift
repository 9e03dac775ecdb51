/// How a chat is to be answered; what is nil is left to the gateway and the provider.
public struct ChatOptions: Sendable, Hashable {
    /// A model, an alias, or `agent/<id>`; nil: the client's default model.
    public var model: String?
    /// How adventurous the model is.
    public var temperature: Double?
    /// The longest answer, in tokens.
    public var tokensMax: Int?
    /// Texts that end the answer.
    public var stop: [String]
    /// What the model may want to have called.
    public var tools: [ChatTool]
    /// Further fields of `/v1/chat/completions`, each with its value in JSON: `["seed": "7"]`.
    ///
    /// They go before what the members above say.
    public var fields: [String: String]
    /// A JSON object of at most 2 KB, kept with the usage of the call.
    public var metadata: String?
    /// The most time up to the first content; nil: what the settings say.
    public var timeout: Duration?
    /// Makes it safe to send the same request again: it runs once.
    ///
    /// Of remote clients only. With it, a stream whose connection drops is resumed where it was.
    public var idempotencyKey: String?

    /// Nothing but what is given here.
    public init(
        model: String? = nil,
        temperature: Double? = nil,
        tokensMax: Int? = nil,
        stop: [String] = [],
        tools: [ChatTool] = [],
        fields: [String: String] = [:],
        metadata: String? = nil,
        timeout: Duration? = nil,
        idempotencyKey: String? = nil
    ) {
        self.model = model
        self.temperature = temperature
        self.tokensMax = tokensMax
        self.stop = stop
        self.tools = tools
        self.fields = fields
        self.metadata = metadata
        self.timeout = timeout
        self.idempotencyKey = idempotencyKey
    }
}
