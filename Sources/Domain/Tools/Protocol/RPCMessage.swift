package import Core
package import NIOCore

/// What names a request, so that its answer can be told from others (JSON-RPC 2.0, section 4).
package enum RPCID: Sendable, Hashable {
    case integer(Int64)
    case text(String)

    /// The longest text that is taken, in bytes.
    package static let textBytesMax = 256

    /// Reads an id; nil for anything but a whole number or a short text.
    package init?(_ json: JSONValue?) {
        switch json {
        case .integer(let number): self = .integer(number)
        case .string(let text) where text.utf8.count <= Self.textBytesMax: self = .text(text)
        default: return nil
        }
    }

    /// As it is written.
    package var json: JSONValue {
        switch self {
        case .integer(let number): .integer(number)
        case .text(let text): .string(text)
        }
    }
}

/// An error of the protocol, as it is sent (JSON-RPC 2.0, section 5.1; MCP 2026-07-28).
package struct RPCFault: Error, Sendable, Equatable {
    /// The longest message that is taken from the other side, in characters.
    package static let messageLengthMax = 300

    package static let parseError = -32_700
    package static let invalidRequest = -32_600
    package static let methodNotFound = -32_601
    package static let invalidParams = -32_602
    package static let internalError = -32_603
    /// Fields of HTTP say something else than the message (MCP 2026-07-28).
    package static let headerMismatch = -32_020
    /// The version is not spoken here; `data.supported` names those that are (MCP 2026-07-28).
    package static let unsupportedVersion = -32_022

    package let code: Int
    package let message: String
    package let data: JSONValue?

    package init(_ code: Int, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [("code", .integer(Int64(self.code))), ("message", .string(self.message))]
        if let data = self.data { members.append(("data", data)) }
        return .object(members)
    }
}

/// One message of JSON-RPC 2.0, in either direction.
///
/// Batches are refused: MCP has none since 2025-06-18.
package enum RPCMessage: Sendable, Equatable {
    /// The largest message that is read or written, in bytes (row 105).
    ///
    /// Its nesting ends at `JSONScanner.depthMax`, 64.
    package static let bytesMax = 1 << 20

    /// Wants an answer.
    case request(id: RPCID, method: String, params: JSONValue)
    /// Wants none.
    case notification(method: String, params: JSONValue)
    case result(id: RPCID, JSONValue)
    /// Without an id where the request's could not be read.
    case failure(id: RPCID?, RPCFault)

    /// Reads one message.
    ///
    /// - Throws: `RPCFault` with `parseError` for what is no JSON or too large, `invalidRequest` for JSON that is no
    ///   message.
    package static func parse(_ bytes: ByteBuffer) throws(RPCFault) -> RPCMessage {
        guard bytes.readableBytes <= Self.bytesMax else {
            throw RPCFault(RPCFault.parseError, "The message is larger than \(Self.bytesMax) bytes.")
        }
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONValue.parse(bytes)
        } catch .tooDeep {
            throw RPCFault(RPCFault.parseError, "The message is nested too deeply.")
        } catch {
            throw RPCFault(RPCFault.parseError, "The message is not JSON: byte \(error.offset) is wrong.")
        }
        return try Self.read(json)
    }

    private static func read(_ json: JSONValue) throws(RPCFault) -> RPCMessage {
        guard json.objectValue != nil, json["jsonrpc"]?.stringValue == "2.0" else {
            throw RPCFault(RPCFault.invalidRequest, "The message is not one JSON-RPC 2.0 object.")
        }
        let id = RPCID(json["id"])
        if let method = json["method"] {
            guard let name = method.stringValue, (1...256).contains(name.utf8.count) else {
                throw RPCFault(RPCFault.invalidRequest, "'method' must be a text.")
            }
            let params = json["params"] ?? [:]
            guard params.objectValue != nil else {
                throw RPCFault(RPCFault.invalidRequest, "'params' must be an object.")
            }
            guard json["id"] != nil else { return .notification(method: name, params: params) }
            guard let id else { throw RPCFault(RPCFault.invalidRequest, "'id' must be a whole number or a text.") }
            return .request(id: id, method: name, params: params)
        }
        if let fault = json["error"] {
            guard let code = fault["code"]?.intValue, let message = fault["message"]?.stringValue else {
                throw RPCFault(RPCFault.invalidRequest, "'error' must have a code and a message.")
            }
            let shown = SafeText.line(message, max: RPCFault.messageLengthMax)
            return .failure(id: id, RPCFault(code, shown, data: fault["data"]))
        }
        guard let result = json["result"], result.objectValue != nil, let id else {
            throw RPCFault(RPCFault.invalidRequest, "The message is neither a request nor an answer to one.")
        }
        return .result(id: id, result)
    }

    /// The message as an object.
    package var json: JSONValue {
        switch self {
        case .request(let id, let method, let params):
            ["jsonrpc": "2.0", "id": id.json, "method": .string(method), "params": params]
        case .notification(let method, let params):
            ["jsonrpc": "2.0", "method": .string(method), "params": params]
        case .result(let id, let result):
            ["jsonrpc": "2.0", "id": id.json, "result": result]
        case .failure(let id, let fault):
            ["jsonrpc": "2.0", "id": id?.json ?? .null, "error": fault.json]
        }
    }

    /// The message as it is sent, on one line and without a line end.
    package var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        self.json.write(into: &buffer)
        return buffer
    }
}

/// Texts of strangers, made fit to be shown.
package enum SafeText {
    /// On one line, without control characters and what turns the direction of writing, and cut.
    ///
    /// - Parameter max: Characters that are kept.
    package static func line(_ text: String, max: Int) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(max) {
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                shown.append(" ")
            default: shown.append(scalar)
            }
        }
        if text.unicodeScalars.count > max { shown.append("…") }
        return String(shown)
    }
}
