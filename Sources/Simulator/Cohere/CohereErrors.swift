/// Errors as Cohere gives them: a status and a sentence.
enum CohereErrors {
    /// A request that is well formed and makes no sense.
    static func invalid(_ message: String) -> APIFailure { APIFailure(400, "invalid request: \(message).") }

    /// A request with a field that is not one, or of another type.
    static func unprocessable(_ message: String, page: String) -> APIFailure {
        APIFailure(422, "\(message) For proper usage, please refer to https://docs.cohere.com/v2/reference/\(page)")
    }

    static let missingKey = APIFailure(401, "no api key supplied")

    static let wrongKey = APIFailure(401, "invalid api token")

    static func unknownModel(_ model: String) -> APIFailure {
        APIFailure(
            404,
            "model '\(model)' not found, make sure the correct model ID was used and that you have access to the model."
        )
    }

    /// The words that go with a status.
    static func usual(_ status: Int) -> APIFailure {
        switch status {
        case 400: return APIFailure(400, "invalid request: the request is not valid.")
        case 401: return Self.wrongKey
        case 402: return APIFailure(402, "please add or update your payment method to continue")
        case 403: return APIFailure(403, "you are not allowed to use this.")
        case 404: return APIFailure(404, "the resource was not found.")
        case 422: return APIFailure(422, "the request cannot be processed.")
        case 429: return APIFailure(429, "too many requests: please wait and try again later.")
        case 498: return APIFailure(498, "blocked output: please try again with another prompt.")
        case 499: return APIFailure(499, "request cancelled by user")
        case 500: return APIFailure(500, "internal server error, this has been reported to our developers.")
        case 501: return APIFailure(501, "this is not implemented.")
        case 503, 529: return APIFailure(status, "service is overloaded, please try again later.")
        case 504: return APIFailure(504, "gateway timeout")
        default: return APIFailure(status, "The simulator was told to answer \(status).")
        }
    }
}
