import FoundationEssentials
import Testing

@testable import Simulator

@Suite struct GuideTests {
    private static let guide = #filePath.replacing("Tests/SimulatorTests/GuideTests.swift", with: "docs/simulator.md")

    @Test func `the guide describes every option, and none that does not exist`() throws {
        let text = try String(contentsOfFile: Self.guide, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        var described: Set<String> = []
        for row in rows {
            // The first cell names one option or several: | `a`, `b` | ...
            let cell = row.dropFirst(2).prefix { $0 != "|" }
            for (index, part) in cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            where index % 2 == 1 {
                described.insert(String(part.prefix { $0 != "=" }))
            }
        }
        let known = Set(BehaviourKey.all.map(\.name))
        #expect(known.subtracting(described).sorted() == [])
        #expect(described.subtracting(known).filter { !$0.contains(" ") && !$0.contains("/") }.sorted() == [])
    }

    @Test func `every option can be set by a value it says it takes`() throws {
        for key in BehaviourKey.all {
            var behaviour = Behaviour()
            let value: String
            if let words = key.takes.firstRange(of: "one of ") ?? key.takes.firstRange(of: "list of ") {
                value = String(key.takes[words.upperBound...].prefix { $0 != "," })
            } else if let from = key.takes.firstRange(of: "from ") {
                value = String(key.takes[from.upperBound...].prefix { $0.isNumber })
            } else {
                value = "1"
            }
            // "seconds from now" names no number.
            try behaviour.set(key.name, to: value.isEmpty ? "1" : value)
            #expect(behaviour.keys == [key.name])
            #expect(behaviour != Behaviour())
        }
    }
}
