/// Errors as Amazon Bedrock gives them: the name of an exception in a header, and a message.
///
/// The name is `APIFailure.type`.
enum BedrockErrors {
    static func validation(_ message: String) -> APIFailure {
        APIFailure(400, message, type: "ValidationException")
    }

    /// A value that breaks a constraint of the API's model.
    ///
    /// `member` is in the model's words, as in `messages.1.member.role`.
    static func constraint(_ value: JSONValue?, at member: String, _ rule: String) -> APIFailure {
        let shown: String
        switch value {
        case nil, .null: shown = "null"
        case .string(let text): shown = "'\(text.prefix(100))'"
        case .some(let other): shown = "'\(other.text.prefix(100))'"
        }
        return Self.validation(
            "1 validation error detected: Value \(shown) at '\(member)' failed to satisfy constraint: \(rule)"
        )
    }

    static func missing(_ member: String) -> APIFailure {
        Self.constraint(nil, at: member, "Member must not be null")
    }

    /// A value of a type that the API cannot read.
    static func serialization(_ message: String) -> APIFailure {
        APIFailure(400, message, type: "SerializationException")
    }

    static func wrongType(_ value: JSONValue, at member: String, wants: String) -> APIFailure {
        Self.serialization("\(member): \(value.kindWithArticle) can not be converted to \(wants)")
    }

    /// What a signature that is not accepted earns.
    static func signature(_ problem: RequestSignature.Problem) -> APIFailure {
        switch problem {
        case .incomplete(let part):
            return APIFailure(
                403,
                "Authorization header requires \(part).",
                type: "IncompleteSignatureException"
            )
        case .wrongScope(let why): return APIFailure(403, why, type: "InvalidSignatureException")
        case .mismatch:
            return APIFailure(
                403,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
                    + " Access Key and signing method. Consult the service documentation for details.",
                type: "InvalidSignatureException"
            )
        case .expired:
            return APIFailure(
                403,
                "Signature expired or not yet current: the clocks of the two sides are more than five minutes apart.",
                type: "InvalidSignatureException"
            )
        case .unknownKey, .wrongToken:
            return APIFailure(
                403,
                "The security token included in the request is invalid.",
                type: "UnrecognizedClientException"
            )
        }
    }

    static let missingKey = APIFailure(403, "Missing Authentication Token", type: "MissingAuthenticationTokenException")

    static let wrongBearer = APIFailure(
        403,
        "Authentication failed: Please make sure your API Key is valid.",
        type: "AccessDeniedException"
    )

    /// The words that go with a status.
    static func usual(_ status: Int) -> APIFailure {
        switch status {
        case 400: return Self.validation("The input fails to satisfy the constraints specified by the service.")
        case 401, 403:
            return APIFailure(
                status,
                "You don't have access to the model with the specified model ID.",
                type: "AccessDeniedException"
            )
        case 404:
            return APIFailure(
                404,
                "Could not resolve the foundation model from the provided model identifier.",
                type: "ResourceNotFoundException"
            )
        case 408:
            return APIFailure(408, "Model processing exceeded the time limit.", type: "ModelTimeoutException")
        case 413: return APIFailure(413, "The request is too large.", type: "RequestEntityTooLargeException")
        case 424:
            return APIFailure(
                424,
                "The system encountered an unexpected error during processing.",
                type: "ModelErrorException"
            )
        case 429:
            return APIFailure(
                429,
                "Too many requests, please wait before trying again.",
                type: "ThrottlingException"
            )
        case 500: return APIFailure(500, "Internal server error.", type: "InternalServerException")
        case 502:
            return APIFailure(502, "The model's stream broke off.", type: "ModelStreamErrorException")
        case 503, 529:
            return APIFailure(
                status,
                "Bedrock is unable to process your request.",
                type: "ServiceUnavailableException"
            )
        default:
            let type = status >= 500 ? "InternalServerException" : "ValidationException"
            return APIFailure(status, "The simulator was told to answer \(status).", type: type)
        }
    }

    /// An error in the middle of a stream: only five kinds can be told there.
    static func inStream(_ failure: APIFailure) -> EventStreamMessage {
        let name = failure.type.prefix(1).lowercased() + failure.type.dropFirst()
        let known = [
            "internalServerException", "modelStreamErrorException", "validationException", "throttlingException",
            "serviceUnavailableException",
        ]
        return .exception(known.contains(name) ? name : "internalServerException", message: failure.message)
    }
}
