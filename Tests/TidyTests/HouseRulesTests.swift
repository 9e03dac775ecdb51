import Testing

/// The rules of the house, held against the sources.
///
/// A failure says which line, what is wrong and what to do instead.
@Suite struct HouseRulesTests {
    static let code = ["Sources/", "Tests/", "Fuzz/", "Benchmarks/"]

    /// Files and functions that may be longer, each with its reason.
    ///
    /// A row that is no longer needed fails too.
    static let lengthExceptions: [String: (limit: Int, reason: String)] = [:]

    static let fileLinesMax = 400
    static let functionLinesMax = 70
    static let lineColumnsMax = 120

    @Test func `no source says what is banned`() throws {
        let sources = try Repository().sources(in: Self.code)
        #expect(sources.count > 20, "the sources were not found")
        let violations = sources.flatMap { source in Ban.all.flatMap { $0.violations(in: source) } }
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
    }

    @Test func `imports follow the arrows of ARCHITECTURE`() throws {
        let repository = try Repository()
        let modules = repository.modules()
        let violations = repository.sources(in: ["Sources/"]).flatMap { Layers.violations(in: $0, modules: modules) }
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
    }

    @Test func `every source below Sources has a place in the map`() throws {
        let lost = try Repository().sources(in: ["Sources/"]).map(\.path).filter { Layers.place(of: $0) == nil }
        #expect(lost.isEmpty, "not in Layers.rows: \(lost.joined(separator: ", "))")
    }

    @Test func `files, functions and lines are short enough to read`() throws {
        var complaints: [String] = []
        var used: Set<String> = []
        for source in try Repository().sources(in: Self.code) {
            func check(_ name: String, _ count: Int, _ limit: Int, _ what: String) {
                guard count > limit else { return }
                if let exception = Self.lengthExceptions[name], count <= exception.limit {
                    used.insert(name)
                } else {
                    complaints.append("\(name): \(count) \(what), \(limit) is the limit: split it by subject")
                }
            }
            check(source.path, source.lines.count - 1, Self.fileLinesMax, "lines")
            for function in FunctionLength.functions(in: source) {
                let name = "\(source.path):\(function.name)"
                check(name, function.bodyLines, Self.functionLinesMax, "lines in the body at line \(function.line)")
            }
            for (index, line) in source.lines.enumerated() where line.count > Self.lineColumnsMax {
                complaints.append(
                    "\(source.path):\(index + 1): \(line.count) columns, \(Self.lineColumnsMax) is the limit"
                )
            }
        }
        for stale in Set(Self.lengthExceptions.keys).subtracting(used).sorted() {
            complaints.append("\(stale): has an exception that it no longer needs")
        }
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    @Test func `ARCHITECTURE names every module`() throws {
        let repository = try Repository()
        guard let page = repository.text(of: "ARCHITECTURE.md") else {
            Issue.record("ARCHITECTURE.md is not there")
            return
        }
        let words = Set(page.split { !$0.isLetter && !$0.isNumber }.map(String.init))
        let unnamed = repository.modules().keys.filter { !words.contains($0) }.sorted()
        #expect(unnamed.isEmpty, "ARCHITECTURE.md does not name: \(unnamed.joined(separator: ", "))")
    }

    @Test func `nothing is left for later and no machine is named`() throws {
        let repository = try Repository()
        var complaints: [String] = []
        for path in repository.files {
            guard let text = repository.text(of: path) else { continue }
            complaints += LeftOvers.violations(in: text, path: path)
        }
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }
}
