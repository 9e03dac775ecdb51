/// Names one tool of one tool server.
///
/// `tasks/add_task` in settings, logs and grants; `tasks__add_task` towards models. Safe to log.
package struct ToolName: Sendable, Hashable, CustomStringConvertible {
    /// The most bytes that a server's name may have.
    package static let serverBytesMax = 64
    /// The most bytes that a tool's own name may have (MCP 2025-11-25, "Tool Names": 1 to 128).
    package static let toolBytesMax = 128
    /// The longest name that providers take for a function.
    package static let modelNameBytesMax = 64

    /// The server, as the settings name it: letters, digits, `-`, `_` and `.`.
    package let server: String
    /// What the server itself calls the tool: visible ASCII without spaces.
    package let tool: String

    /// Takes the two parts as they are; see `init(parsing:)` for what was sent.
    package init(server: String, tool: String) {
        self.server = server
        self.tool = tool
    }

    /// Reads `server/tool`; nil if either part is not a name.
    ///
    /// The server ends at the first slash: tools may have further ones in their names.
    package init?(parsing text: String) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        self.init(server: String(text[..<slash]), tool: String(text[text.utf8.index(after: slash)...]))
        guard Self.isServer(self.server), Self.isTool(self.tool) else { return nil }
    }

    /// `server/tool`.
    package var text: String { "\(self.server)/\(self.tool)" }
    package var description: String { self.text }

    /// What models call it: `server__tool` in letters, digits, `_` and `-`, at most 64 of them.
    ///
    /// Where that had to change a character or to cut, eight hexadecimal digits of the whole name stand at the end, so
    /// that two tools do not come to have one name.
    package var modelName: String {
        let plain = "\(self.server)__\(self.tool)"
        let safe = String(decoding: plain.utf8.map { Self.isModelByte($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
        if safe.utf8.elementsEqual(plain.utf8), safe.utf8.count <= Self.modelNameBytesMax { return safe }
        return "\(safe.prefix(Self.modelNameBytesMax - 9))_\(Self.digits(of: self.text))"
    }

    /// Whether a text can name a server.
    package static func isServer(_ text: String) -> Bool {
        (1...Self.serverBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { Self.isModelByte($0) || $0 == UInt8(ascii: ".") }
    }

    /// Whether a text can name a tool of a server.
    package static func isTool(_ text: String) -> Bool {
        (1...Self.toolBytesMax).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func isModelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            return true
        default:
            return false
        }
    }

    /// Eight digits of 64-bit FNV-1a, which need not withstand anybody: what a tool is is pinned by a better hash.
    private static func digits(of text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let folded = String(UInt32(truncatingIfNeeded: hash ^ (hash >> 32)), radix: 16)
        return String(repeating: "0", count: 8 - folded.count) + folded
    }
}

/// What an agent may use: one tool, or all tools of a server that say they only read.
package enum ToolGrant: Sendable, Hashable, CustomStringConvertible {
    /// `server/tool`.
    case tool(ToolName)
    /// `server/*`: the server's tools whose annotations have `readOnlyHint: true`; anything that changes something has
    /// to be named (row 102).
    case readOnly(server: String)

    /// Reads `server/tool` or `server/*`; nil for anything else.
    package init?(parsing text: String) {
        if text.hasSuffix("/*"), ToolName.isServer(String(text.dropLast(2))) {
            self = .readOnly(server: String(text.dropLast(2)))
        } else if let name = ToolName(parsing: text) {
            self = .tool(name)
        } else {
            return nil
        }
    }

    /// The server it is about.
    package var server: String {
        switch self {
        case .tool(let name): name.server
        case .readOnly(let server): server
        }
    }

    /// As it is written.
    package var text: String {
        switch self {
        case .tool(let name): name.text
        case .readOnly(let server): "\(server)/*"
        }
    }

    package var description: String { self.text }
}
