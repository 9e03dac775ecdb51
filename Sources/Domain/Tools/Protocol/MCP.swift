package import Core

/// The words of the Model Context Protocol, of both its generations.
///
/// Source: modelcontextprotocol.io/specification, revisions 2025-06-18, 2025-11-25 and 2026-07-28.
package enum MCP {
    /// The first generation: `initialize` begins a session, which all further messages belong to.
    package static let sessionVersions = ["2025-11-25", "2025-06-18", "2025-03-26"]
    /// The second: each request says all there is to know, and there are no sessions.
    package static let statelessVersion = "2026-07-28"

    package enum Method {
        package static let initialize = "initialize"
        package static let initialized = "notifications/initialized"
        package static let discover = "server/discover"
        package static let ping = "ping"
        package static let listTools = "tools/list"
        package static let callTool = "tools/call"
        package static let progress = "notifications/progress"
        package static let cancelled = "notifications/cancelled"
        package static let toolsChanged = "notifications/tools/list_changed"
    }

    package enum Meta {
        package static let version = "io.modelcontextprotocol/protocolVersion"
        package static let clientInfo = "io.modelcontextprotocol/clientInfo"
        package static let clientCapabilities = "io.modelcontextprotocol/clientCapabilities"
        package static let serverInfo = "io.modelcontextprotocol/serverInfo"
        package static let progressToken = "progressToken"
    }

    /// Fields of HTTP, in lower case.
    package enum Field {
        package static let version: StaticString = "mcp-protocol-version"
        package static let session: StaticString = "mcp-session-id"
        package static let method: StaticString = "mcp-method"
        package static let name: StaticString = "mcp-name"
        /// What stands before the name that a schema gives an argument with `x-mcp-header`.
        package static let parameterPrefix = "mcp-param-"
    }

    /// How two sides have agreed to talk.
    package enum Era: Sendable, Hashable {
        /// With a session of this version.
        case session(version: String)
        case stateless
    }

    /// Who we are, as `clientInfo` or `serverInfo`.
    package static func info(name: String, title: String? = nil, version: String) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(name)), ("version", .string(version))]
        if let title { members.append(("title", .string(title))) }
        return .object(members)
    }

    /// A value as a field of HTTP: as it is if it is plain ASCII, else in base64 between marks (2026-07-28).
    package static func fieldValue(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && text.first != " " && text.last != " "
            && !(text.hasPrefix("=?base64?") && text.hasSuffix("?="))
        return isPlain ? text : "=?base64?\(Base64.encode(Array(text.utf8)))?="
    }

    /// Reads a field's value; nil for marks around what is not base64 of a text.
    package static func text(ofField value: String) -> String? {
        guard value.hasPrefix("=?base64?"), value.hasSuffix("?="), value.utf8.count >= 11 else { return value }
        guard let bytes = Base64.decode(value.dropFirst(9).dropLast(2)) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// Base64 with its padding (RFC 4648, section 4), which accepts the canonical form alone.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for index in 0..<3 { word = word << 8 | UInt32(index < rest.count ? rest[rest.startIndex + index] : 0) }
            for index in 0..<4 {
                let digit = Int(word >> (18 - 6 * UInt32(index)) & 63)
                text.append(index <= rest.count ? Self.digits[digit] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: Substring) -> [UInt8]? {
        var word: UInt32 = 0
        var bits = 0
        var bytes: [UInt8] = []
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            guard let digit = Self.digits.firstIndex(of: byte) else { return nil }
            word = word << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
                word &= 1 << UInt32(bits) - 1
            }
        }
        return Self.encode(bytes).utf8.elementsEqual(text.utf8) ? bytes : nil
    }
}
