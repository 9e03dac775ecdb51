/// What a field of a protocol-buffers message holds, as its JSON form is read: Google's APIs all read JSON this way.
indirect enum ProtoField: Sendable {
    case text, bytes, flag, number
    /// A whole number; may stand in quotes, as 64-bit numbers do.
    case whole
    /// One of these words, in whatever case.
    case word([String])
    case message(ProtoMessage)
    /// A list; one value without the brackets is a list of one.
    case list(ProtoField)
    /// An object whose keys are free.
    case map(ProtoField)
    /// Any object.
    case object
    /// Any value.
    case anything
}

/// The messages of the Gemini API that the simulator reads.
///
/// Names of fields are those of `google.ai.generativelanguage.v1beta`, in camel case.
enum ProtoMessage: String, Sendable {
    case generateContentRequest = "GenerateContentRequest"
    case countTokensRequest = "CountTokensRequest"
    case embedContentRequest = "EmbedContentRequest"
    case batchEmbedContentsRequest = "BatchEmbedContentsRequest"
    case content = "Content"
    case part = "Part"
    case blob = "Blob"
    case fileData = "FileData"
    case functionCall = "FunctionCall"
    case functionResponse = "FunctionResponse"
    case tool = "Tool"
    case functionDeclaration = "FunctionDeclaration"
    case schema = "Schema"
    case toolConfig = "ToolConfig"
    case functionCallingConfig = "FunctionCallingConfig"
    case safetySetting = "SafetySetting"
    case generationConfig = "GenerationConfig"
    case thinkingConfig = "ThinkingConfig"

    /// Fields of which only one may be set.
    var oneOf: Set<String> {
        guard case .part = self else { return [] }
        return [
            "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
            "codeExecutionResult", "toolCall", "toolResponse",
        ]
    }

    var fields: [String: ProtoField] {
        switch self {
        case .generateContentRequest: return Self.generateContentFields
        case .countTokensRequest:
            return ["contents": .list(.message(.content)), "generateContentRequest": .message(.generateContentRequest)]
        case .embedContentRequest:
            return [
                "model": .text, "content": .message(.content), "title": .text, "outputDimensionality": .whole,
                "taskType": .word(Self.taskTypes), "embedContentConfig": .object,
            ]
        case .batchEmbedContentsRequest: return ["requests": .list(.message(.embedContentRequest))]
        case .content: return ["role": .text, "parts": .list(.message(.part))]
        case .part: return Self.partFields
        case .blob: return ["mimeType": .text, "data": .bytes, "displayName": .text]
        case .fileData: return ["mimeType": .text, "fileUri": .text, "displayName": .text]
        case .functionCall: return ["id": .text, "name": .text, "args": .object]
        case .functionResponse:
            return [
                "id": .text, "name": .text, "response": .object, "parts": .list(.object), "willContinue": .flag,
                "scheduling": .word(["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"]),
            ]
        case .tool: return Self.toolFields
        case .functionDeclaration:
            return [
                "name": .text, "description": .text, "parameters": .message(.schema), "parametersJsonSchema": .anything,
                "response": .message(.schema), "responseJsonSchema": .anything,
                "behavior": .word(["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"]),
            ]
        case .schema: return Self.schemaFields
        case .toolConfig:
            return [
                "functionCallingConfig": .message(.functionCallingConfig), "retrievalConfig": .object,
                "includeServerSideToolInvocations": .flag,
            ]
        case .functionCallingConfig:
            return [
                "mode": .word(["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"]),
                "allowedFunctionNames": .list(.text),
            ]
        case .safetySetting: return ["category": .text, "threshold": .text, "method": .text]
        case .generationConfig: return Self.generationFields
        case .thinkingConfig:
            return [
                "includeThoughts": .flag, "thinkingBudget": .whole,
                "thinkingLevel": .word(["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]),
            ]
        }
    }

    private static let generateContentFields: [String: ProtoField] = [
        "model": .text, "systemInstruction": .message(.content), "contents": .list(.message(.content)),
        "tools": .list(.message(.tool)), "toolConfig": .message(.toolConfig),
        "safetySettings": .list(.message(.safetySetting)), "generationConfig": .message(.generationConfig),
        "cachedContent": .text, "serviceTier": .text, "store": .flag, "labels": .map(.text),
        "continuationToken": .bytes,
    ]

    private static let partFields: [String: ProtoField] = [
        "text": .text, "inlineData": .message(.blob), "fileData": .message(.fileData),
        "functionCall": .message(.functionCall), "functionResponse": .message(.functionResponse),
        "executableCode": .object, "codeExecutionResult": .object, "toolCall": .object, "toolResponse": .object,
        "thought": .flag, "thoughtSignature": .bytes, "videoMetadata": .object, "mediaResolution": .object,
        "partMetadata": .object, "audioTranscription": .object, "mediaProcessing": .object,
        "speechMetadata": .object, "documentMetadata": .object, "spreadsheetMetadata": .object,
        "audioMetadata": .object,
    ]

    private static let toolFields: [String: ProtoField] = [
        "functionDeclarations": .list(.message(.functionDeclaration)), "googleSearch": .object,
        "googleSearchRetrieval": .object, "codeExecution": .object, "urlContext": .object, "computerUse": .object,
        "fileSearch": .object, "googleMaps": .object, "mcpServers": .list(.object),
    ]

    /// The part of OpenAPI 3.0 that `Schema` knows.
    ///
    /// Whoever needs more of JSON Schema has `parametersJsonSchema` and `responseJsonSchema`.
    private static let schemaFields: [String: ProtoField] = [
        "type": .word(["type_unspecified", "string", "number", "integer", "boolean", "array", "object", "null"]),
        "format": .text, "title": .text, "description": .text, "nullable": .flag, "enum": .list(.text),
        "items": .message(.schema), "minItems": .whole, "maxItems": .whole, "properties": .map(.message(.schema)),
        "required": .list(.text), "minProperties": .whole, "maxProperties": .whole, "minLength": .whole,
        "maxLength": .whole, "pattern": .text, "example": .anything, "anyOf": .list(.message(.schema)),
        "propertyOrdering": .list(.text), "default": .anything, "minimum": .number, "maximum": .number,
    ]

    private static let generationFields: [String: ProtoField] = [
        "candidateCount": .whole, "stopSequences": .list(.text), "maxOutputTokens": .whole, "temperature": .number,
        "topP": .number, "topK": .whole, "seed": .whole, "presencePenalty": .number, "frequencyPenalty": .number,
        "responseMimeType": .text, "responseSchema": .message(.schema), "responseJsonSchema": .anything,
        "_responseJsonSchema": .anything, "responseLogprobs": .flag, "logprobs": .whole,
        "responseModalities": .list(.text), "mediaResolution": .text, "speechConfig": .object,
        "thinkingConfig": .message(.thinkingConfig), "imageConfig": .object, "enableEnhancedCivicAnswers": .flag,
        "audioTranscriptionConfig": .object,
    ]

    private static let taskTypes = [
        "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION",
        "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
    ]
}
