internal import Chat
internal import Core
internal import Dialects
internal import NIOCore

/// The form that a request wants its answer in, as far as that can be checked.
struct StructureWish {
    enum Form {
        /// Any JSON object.
        case object
        /// JSON by this schema.
        case schema(JSONSchemaCheck)

        /// What is wrong with an answer, each in a sentence; nothing where it is right, or cannot be told.
        func faults(in text: JSONString) -> [String] {
            switch self {
            case .object:
                if case .object? = try? JSONValue.parse(text.utf8) { return [] }
                return ["$ must be a JSON object"]
            case .schema(let check):
                guard case .invalid(let faults) = check.check(text.utf8) else { return [] }
                return faults.map { "\($0.path) \($0.message)" }
            }
        }
    }

    /// Nil where any answer will do.
    let form: Form?

    /// - Throws: `GatewayError` if the body is no request of its dialect, or the schema cannot be used.
    init(_ call: Call) throws {
        let request: ChatRequest
        do throws(RequestUnreadable) {
            request = try Codecs.readRequest(call.body, as: call.format)
        } catch {
            throw GatewayError(error, in: call.body)
        }
        switch request.responseFormat?.value {
        case .jsonSchema(let format):
            guard let schema = format.schema else {
                self.form = .object
                return
            }
            do throws(SchemaUnusable) {
                self.form = .schema(try JSONSchemaCheck(schema.bytes))
            } catch {
                throw GatewayError(.invalidRequest, error.message, param: "response_format")
            }
        case .jsonObject: self.form = .object
        case .text, nil: self.form = nil
        }
    }
}
