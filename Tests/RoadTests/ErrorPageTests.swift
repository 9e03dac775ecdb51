import Chat
import Core
import Glibc
import HTTP
import NIOCore
import Testing

/// docs/errors.md says what the gateway does.
@Suite struct ErrorPageTests {
    /// The rows of the page's first table: code and status.
    private static func rows() throws -> [String: String] {
        let folder = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        let file = try #require(fopen(folder.joined(separator: "/") + "/docs/errors.md", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF {
            bytes.append(UInt8(truncatingIfNeeded: byte))
            byte = fgetc(file)
        }
        var rows: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingPrefix(" ") }
            let code = String(cells[0].dropFirst().prefix { $0 != "`" })
            guard !code.hasPrefix("/") else { continue }
            #expect(rows[code] == nil, "\(code) is there twice")
            rows[code] = String(cells[1].prefix { $0 != " " })
        }
        return rows
    }

    @Test func `the page has every code with its status, and no other`() throws {
        let rows = try Self.rows()
        #expect(Set(rows.keys) == Set(GatewayError.Code.allCases.map(\.rawValue)))
        for code in GatewayError.Code.allCases where code != .providerRefused {
            let status = ErrorBodies.status(of: GatewayError(code, "x"))
            #expect(rows[code.rawValue] == "\(status)", "\(code.rawValue)")
        }
    }

    @Test(arguments: GatewayError.Code.allCases)
    func `every code has its shape in every dialect, and a 429 or 503 a time to wait`(code: GatewayError.Code) throws {
        let error = GatewayError(code, "x")
        let id = RequestID(high: 1, low: 2)
        func json(_ dialect: Dialect) throws -> JSONValue {
            try JSONValue.parse(ErrorBodies.body(of: error, dialect: dialect, requestID: id))
        }
        let native = try json(.native)
        #expect(native["code"] == .string(code.rawValue))
        #expect(native["statusCode"] == .integer(Int64(ErrorBodies.status(of: error))))
        #expect(native["error"]?.stringValue?.isEmpty == false)
        let openAI = try json(.openAI)["error"]
        #expect(openAI?["type"]?.stringValue?.isEmpty == false)
        #expect(code == .providerRefused || openAI?["code"] == .string(code.rawValue.lowercased()))
        let anthropic = try json(.anthropic)
        #expect(anthropic["type"] == "error")
        #expect(anthropic["error"]?["type"]?.stringValue?.isEmpty == false)
        var fields = ByteBuffer()
        ErrorBodies.writeFields(of: error, attempts: 1, into: &fields)
        let mustWait = [429, 503].contains(ErrorBodies.status(of: error))
        #expect(String(buffer: fields).contains("retry-after: ") == mustWait)
    }
}
