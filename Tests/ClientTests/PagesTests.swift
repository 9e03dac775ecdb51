import Engine
import TestKit
import Testing
import TurnpikeClient

/// The pages about the library say what compiles and runs.
@Suite struct PagesTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")
    static let pages = [
        "docs/library.md", "Sources/Client/TurnpikeClient.docc/TurnpikeClient.md",
        "Sources/Client/TurnpikeClient.docc/Calling.md", "Sources/Client/TurnpikeClient.docc/Remote.md",
    ]

    private static func lines(_ path: String) throws -> [String] {
        try SmallFile.read("\(Self.root)/\(path)", bytesMax: 1 << 20).split(
            separator: "\n",
            omittingEmptySubsequences: false
        ).map(String.init)
    }

    /// The code between the marks, without the indentation it has there.
    private static func snippets() throws -> Set<String> {
        var found: Set<String> = []
        var open: [String]?
        for line in try Self.lines("Tests/ClientTests/Snippets.swift") {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("// snippet:") {
                open = []
            } else if text == "// end", let code = open {
                found.insert(code.map { String($0.dropFirst(8)) }.joined(separator: "\n"))
                open = nil
            } else {
                open?.append(line)
            }
        }
        return found
    }

    @Test(arguments: pages)
    func `every piece of Swift on a page is one that is compiled`(page: String) throws {
        let snippets = try Self.snippets()
        #expect(snippets.count >= 8)
        var code: [String]?
        var count = 0
        for line in try Self.lines(page) {
            if line == "```swift" {
                code = []
            } else if line == "```", let piece = code {
                count += 1
                #expect(snippets.contains(piece.joined(separator: "\n")), "\(page): \(piece.first ?? "")")
                code = nil
            } else {
                code?.append(line)
            }
        }
        #expect(count > 0)
    }

    @Test func `what the pages show runs`() async throws {
        try await House.with { house in
            try await house.withClients { clients in
                let client = try await clients.client(forGroup: "acme")
                var said: [String] = []
                try await Snippets.stream(client) { said.append($0) }
                #expect(said.last?.hasSuffix(" tokens") == true)
                #expect(try await Snippets.chat(client).isEmpty == false)
                #expect(try await Snippets.missing(clients).isEmpty == false)
                #expect(try await Snippets.tools(client) { _ in "sunny" }.contains("sunny"))
            }
        }
    }
}
