import Chat
import Core
import Dialects
import Glibc
import NIOCore
import Testing

/// The page that says what is lost between which dialects.
@Suite struct LossTableTests {
    private static let page = #filePath.replacing(
        "Tests/DialectsTests/LossTableTests.swift",
        with: "docs/translation.md"
    )

    @Test func `the page in docs is the one that the codecs make`() throws {
        let text = try LossTable.markdown()
        if ["write", "1"].contains(getenv("TURNPIKE_GOLDEN").map { String(cString: $0) } ?? "") {
            let file = try #require(fopen(Self.page, "wb"))
            defer { fclose(file) }
            #expect(fputs(text, file) >= 0)
        } else {
            let written = String(decoding: try FixtureFile.bytes(at: Self.page), as: UTF8.self)
            #expect(written == text, "docs/translation.md is old; `make golden` rewrites it")
        }
    }

    @Test func `the page has a row for everything, and nothing in it is unreadable`() throws {
        let rows = try LossTable.markdown().split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count > 100)
        for client in WireFormat.clients {
            for provider in WireFormat.allCases {
                for body in LossTable.bodies(of: client) {
                    let fate = LossTable.fate(of: body, from: client, at: provider, model: "m")
                    #expect(fate != .refused("The request cannot be read."), "\(client.label): \(body)")
                    if client == provider { #expect(fate == .said, "\(client.label): \(body)") }
                }
            }
        }
    }

    @Test func `what is lost and what is not is told apart`() {
        let fate = { (members: String, provider: WireFormat) in
            LossTable.fate(
                of: #"{"messages":[{"role":"user","content":"a"}],\#(members)}"#,
                from: .openAIChat,
                at: provider,
                model: "m"
            )
        }
        #expect(fate(#""temperature":0.5"#, .anthropic) == .said)
        #expect(fate(#""logit_bias":{"1":1}"#, .anthropic) == .lost(["logit_bias"]))
        #expect(fate(#""temperature":"x""#, .anthropic) == .refused("The request cannot be read."))
    }
}
