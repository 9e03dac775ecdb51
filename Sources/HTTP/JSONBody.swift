internal import Core
internal import NIOCore
internal import Pipeline
internal import Transport
internal import Wire

/// The JSON body of a request to the native API.
enum JSONBody {
    /// Takes it in and reads it; nil for none.
    ///
    /// - Throws: `GatewayError`, `CancellationError`.
    static func read(_ exchange: any ServerExchange, limit: Int) async throws -> JSONValue? {
        let bytes = exchange.headBytes
        if let field = exchange.head.first(.contentEncoding), !bytes.hasWord("identity", in: field.value) {
            let text = "Bodies must not be compressed; send them without content-encoding."
            throw GatewayError(.unsupportedMediaType, text)
        }
        let body: ByteBuffer
        do {
            body = try await exchange.readBody(limit: limit)
        } catch let fault as RequestFault {
            throw GatewayError(fault)
        }
        guard body.readableBytes > 0 else { return nil }
        if let field = exchange.head.first(.contentType), !bytes.isJSONType(in: field.value) {
            throw GatewayError(.unsupportedMediaType, "The body must be JSON; send content-type: application/json.")
        }
        do throws(JSONError) {
            return try JSONValue.parse(body)
        } catch .duplicateKey(let offset) {
            var error = GatewayError(.invalidRequest, "A property is there twice, at byte \(offset).")
            error.details = [(key: "expected", value: "every property once")]
            throw error
        } catch {
            throw GatewayError(.invalidJSON, "The body is not JSON: byte \(error.offset) is wrong.", cause: error)
        }
    }
}
