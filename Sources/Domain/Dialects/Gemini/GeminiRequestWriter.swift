package import Chat
internal import Core
package import NIOCore

/// Says a request in the words of Gemini's `generateContent` and `streamGenerateContent`.
///
/// Model and streaming are in the address, not in the body. Instructions go into `systemInstruction` wherever they
/// stand; those that stood inside the conversation are noted as changed. Members that only Gemini has may be given at
/// the top level or, as Google's own OpenAI endpoint has it, in `google` or `extra_body.google`, in either spelling
/// (`safety_settings`, `safetySettings`); see `GeminiNative`.
/// Source: ai.google.dev/api/generate-content and ai.google.dev/gemini-api/docs (function-calling, thinking,
/// thought-signatures).
package enum GeminiRequestWriter {
    /// Appends the request to `body`.
    ///
    /// - Throws: If a tool result answers no call, a call has no result, or there is nothing to send.
    package static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        var native = GeminiNative()
        native.take(from: request.rest, losses: &losses)
        let model = GeminiModel(target.modelID)
        body.beginObject()
        var contents = GeminiContents(request: request, model: model)
        swap(&contents.body, &body)
        swap(&contents.losses, &losses)
        defer {
            swap(&contents.body, &body)
            swap(&contents.losses, &losses)
        }
        try contents.write()
        contents.body.writeTools(of: request, model, losses: &contents.losses)
        var config = GeminiConfig(request: request, model: model, native: native)
        swap(&config.body, &contents.body)
        swap(&config.losses, &contents.losses)
        config.write(target)
        swap(&config.body, &contents.body)
        swap(&config.losses, &contents.losses)
        for member in native.root { contents.body.writeMember(member.name, member.value) }
        contents.noteUnsaid()
        contents.body.endObject()
    }
}

extension GeminiContents {
    /// Notes what no part of the body could say.
    fileprivate mutating func noteUnsaid() {
        self.losses.drop(self.request.logitBias)
        self.losses.drop(self.request.user)
        if self.request.parallelToolCalls?.value == false { self.losses.drop(self.request.parallelToolCalls) }
        guard let tier = self.request.serviceTier else { return }
        if tier.value.equals("flex") || tier.value.equals("priority") {
            self.body.writeMember("serviceTier", tier.value)
        } else if !tier.value.equals("auto"), !tier.value.equals("default"), !tier.value.equals("standard") {
            self.losses.drop(tier)
        }
    }
}

extension ByteBuffer {
    /// `tools` and `toolConfig`.
    fileprivate mutating func writeTools(of request: ChatRequest, _ model: GeminiModel, losses: inout Losses) {
        let functions = request.tools.filter { $0.kind == .function }
        let hosted = request.tools.filter { $0.kind != .function }
        if functions.isEmpty, hosted.isEmpty {
            losses.drop(request.toolChoice)
            return
        }
        self.writeKey("tools")
        self.beginArray()
        if !functions.isEmpty {
            self.beginObject()
            self.writeKey("functionDeclarations")
            self.beginArray()
            for tool in functions { self.writeDeclaration(tool, losses: &losses) }
            self.endArray()
            self.endObject()
        }
        for tool in hosted {
            if let definition = tool.definition, GeminiNative.isTool(definition) {
                self.separate()
                definition.write(into: &self)
            } else {
                losses.drop(at: tool.place)
            }
        }
        self.endArray()
        self.writeToolChoice(of: request, functions, model, losses: &losses)
    }

    private mutating func writeDeclaration(_ tool: ToolDefinition, losses: inout Losses) {
        self.separate()
        self.beginObject()
        self.writeMember("name", tool.name)
        if let description = tool.description { self.writeMember("description", description.value) }
        if let parameters = tool.parameters, !parameters.value.saysNothing {
            self.writeMember("parametersJsonSchema", parameters.value)
        }
        self.endObject()
        losses.drop(tool.cacheMark)
        losses.dropWishes(in: tool.rest)
    }

    private mutating func writeToolChoice(
        of request: ChatRequest,
        _ functions: [ToolDefinition],
        _ model: GeminiModel,
        losses: inout Losses
    ) {
        let strict = functions.filter { $0.isStrict?.value == true }
        var mode: StaticString?
        var name: JSONString?
        switch request.toolChoice?.value {
        // Both modes hold the model to the schemas.
        case .required: mode = "ANY"
        case .named(let wanted): (mode, name) = ("ANY", wanted)
        case .some(.none): mode = "NONE"
        case .auto, .other, nil:
            if case .other = request.toolChoice?.value { losses.drop(request.toolChoice) }
            if !strict.isEmpty {
                if model.canValidateCalls { mode = "VALIDATED" } else { strict.forEach { losses.drop($0.isStrict) } }
            }
        }
        guard let mode, !functions.isEmpty else { return }
        self.writeKey("toolConfig")
        self.beginObject()
        self.writeKey("functionCallingConfig")
        self.beginObject()
        self.writeMember("mode", word: mode)
        if let name {
            self.writeKey("allowedFunctionNames")
            self.beginArray()
            name.write(into: &self)
            self.endArray()
        }
        self.endObject()
        self.endObject()
    }
}
