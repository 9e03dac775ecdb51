/// An error as the provider's API gives it.
struct APIFailure: Error, Sendable {
    var status: Int
    var message: String
    var type: String
    var param: String?
    var code: String?

    init(
        _ status: Int,
        _ message: String,
        type: String = "invalid_request_error",
        param: String? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
    }

    /// The error object in the words of `flavour`, without the `{"error":…}` around it.
    func object(_ flavour: Flavour) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        switch flavour {
        case .openAI:
            return .object([
                .init("message", .string(self.message)),
                .init("type", .string(self.type)),
                .init("param", text(self.param)),
                .init("code", text(self.code)),
            ])
        case .openRouter:
            return .object([
                .init("message", .string(self.message)),
                .init("code", .integer(self.status)),
                .init("metadata", .object([.init("provider_name", .string("Simulator"))])),
            ])
        case .azure:
            // Azure's gateway answers with a bare status as the code; the model behind it answers as OpenAI does.
            let isGateway = self.status == 401 || self.status == 429
            var members: [JSONValue.Member] = [
                .init("code", .string(isGateway ? String(self.status) : self.code ?? String(self.status))),
                .init("message", .string(self.message)),
            ]
            if !isGateway, self.status != 404 {
                members.append(.init("type", .string(self.type)))
                members.append(.init("param", text(self.param)))
            }
            return .object(members)
        }
    }

    /// The whole error body.
    func body(_ flavour: Flavour) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONValue.object([.init("error", self.object(flavour))]).write(into: &bytes)
        return bytes
    }
}

// MARK: - The errors the APIs are known for

extension APIFailure {
    static func missingKey(_ flavour: Flavour) -> APIFailure {
        switch flavour {
        case .openAI:
            return APIFailure(
                401,
                "You didn't provide an API key. Provide it in an Authorization header using Bearer auth"
                    + " (i.e. Authorization: Bearer YOUR_KEY).",
                code: "invalid_api_key"
            )
        case .openRouter: return APIFailure(401, "No auth credentials found")
        case .azure: return APIFailure(401, "Access denied due to missing subscription key.")
        }
    }

    static func wrongKey(_ key: String, _ flavour: Flavour) -> APIFailure {
        switch flavour {
        case .openAI:
            let shown = key.count > 8 ? "\(key.prefix(3))***\(key.suffix(4))" : "***"
            return APIFailure(401, "Incorrect API key provided: \(shown).", code: "invalid_api_key")
        case .openRouter: return APIFailure(401, "User not found.")
        case .azure:
            return APIFailure(401, "Access denied due to invalid subscription key or wrong API endpoint.")
        }
    }

    static func unknownModel(_ model: String, _ flavour: Flavour) -> APIFailure {
        switch flavour {
        case .openAI:
            return APIFailure(
                404,
                "The model `\(model)` does not exist or you do not have access to it.",
                code: "model_not_found"
            )
        case .openRouter: return APIFailure(404, "No endpoints found for \(model).")
        case .azure:
            return APIFailure(
                404,
                "The API deployment for this resource does not exist.",
                code: "DeploymentNotFound"
            )
        }
    }

    static func unknownPath(method: String, path: String, _ flavour: Flavour) -> APIFailure {
        switch flavour {
        case .azure: return APIFailure(404, "Resource not found")
        default: return APIFailure(404, "Invalid URL (\(method) \(path))")
        }
    }

    static func wrongMethod(_ method: String, path: String) -> APIFailure {
        APIFailure(405, "Not allowed to \(method) on \(path).", code: "method_not_allowed")
    }

    static func missing(_ field: String) -> APIFailure {
        APIFailure(
            400,
            "Missing required parameter: '\(field)'.",
            param: field,
            code: "missing_required_parameter"
        )
    }

    static func wrongType(_ field: String, wants: String, got value: JSONValue) -> APIFailure {
        APIFailure(
            400,
            "Invalid type for '\(field)': expected \(wants), but got \(value.kindWithArticle) instead.",
            param: field,
            code: "invalid_type"
        )
    }

    static func invalid(_ field: String, _ message: String, code: String = "invalid_value") -> APIFailure {
        APIFailure(400, message, param: field, code: code)
    }

    static func emptyArray(_ field: String) -> APIFailure {
        APIFailure(
            400,
            "Invalid '\(field)': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param: field,
            code: "empty_array"
        )
    }
}
