/// Who may import whom, as in ARCHITECTURE.md.
///
/// `Base ← Seams ← Domain ← (Pipeline, Operations) ← (Engine, HTTP) ← (App, Client)`.
enum Layers {
    /// One row of the map: a folder of modules, or a module that is a folder itself.
    struct Row: Sendable {
        /// Folder below `Sources`.
        let folder: String
        /// Whether each folder inside is a module of its own.
        let holdsModules: Bool
        /// Rows whose modules may be imported.
        let mayImport: Set<String>
        /// Whether modules of the same row may import each other.
        let seesSiblings: Bool
    }

    private static let assembly: Set<String> = [
        "Base", "Seams", "Net", "Domain", "Pipeline", "Operations", "HTTP", "Drivers", "Simulator",
    ]

    static let rows: [Row] = [
        Row(folder: "Base", holdsModules: true, mayImport: [], seesSiblings: true),
        Row(folder: "Seams", holdsModules: true, mayImport: ["Base"], seesSiblings: false),
        Row(folder: "Net", holdsModules: false, mayImport: ["Base", "Seams"], seesSiblings: false),
        Row(folder: "Drivers", holdsModules: true, mayImport: ["Base", "Seams"], seesSiblings: false),
        // What two domain folders share moves down to Base; what joins them is a stage or an operation.
        Row(folder: "Domain", holdsModules: true, mayImport: ["Base", "Seams"], seesSiblings: false),
        Row(folder: "Pipeline", holdsModules: false, mayImport: ["Base", "Seams", "Domain"], seesSiblings: false),
        Row(folder: "Operations", holdsModules: false, mayImport: ["Base", "Seams", "Domain"], seesSiblings: false),
        Row(
            folder: "HTTP",
            holdsModules: false,
            mayImport: ["Base", "Seams", "Domain", "Pipeline", "Operations"],
            seesSiblings: false
        ),
        // The oracle for billing shares nothing with the gateway's own accounting, nor with its codecs.
        Row(folder: "Simulator", holdsModules: false, mayImport: ["Base", "Seams", "Net"], seesSiblings: false),
        Row(folder: "Engine", holdsModules: false, mayImport: assembly.subtracting(["HTTP"]), seesSiblings: false),
        Row(folder: "ClientAPI", holdsModules: false, mayImport: ["Base"], seesSiblings: false),
        Row(
            folder: "Client",
            holdsModules: false,
            mayImport: assembly.subtracting(["HTTP"]).union(["Engine", "ClientAPI"]),
            seesSiblings: false
        ),
        Row(
            folder: "Remote",
            holdsModules: false,
            mayImport: ["Base", "Seams", "Net", "ClientAPI"],
            seesSiblings: false
        ),
        Row(folder: "App", holdsModules: false, mayImport: assembly.union(["Engine"]), seesSiblings: false),
        Row(folder: "TestKit", holdsModules: false, mayImport: assembly.union(["Engine"]), seesSiblings: false),
    ]

    /// Modules of others that only some folders may import, and why.
    static let outsiders: [(modules: Set<String>, folders: [String], reason: String)] = [
        (["NIOPosix", "NIOSSL", "NIOTLS"], ["Net/", "Simulator/", "App/", "TestKit/"], "only Net touches sockets"),
        (["NIOHTTP1"], ["Simulator/", "TestKit/"], "the road has its own codec; llhttp is what we test it against"),
        (["ArgumentParser", "UnixSignals"], ["App/"], "commands are read in App alone"),
        (["Yams"], ["Engine/", "App/"], "files of settings and agents are read there alone"),
    ]

    /// What the folders of `Base` may import from outside, since everything stands on it.
    static let baseMayImport: Set<String> = [
        "NIOCore", "NIOConcurrencyHelpers", "DequeModule", "HashTreeCollections", "OrderedCollections", "Collections",
        "FoundationEssentials", "Glibc", "Musl", "Darwin",
        "Crypto",  // of hashes and signatures alone
    ]

    /// The row a source belongs to, and the name of its module's folder.
    static func place(of path: String) -> (row: Row, module: String)? {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count > 2, parts[0] == "Sources", let row = Self.rows.first(where: { $0.folder == parts[1] }) else {
            return nil
        }
        return (row, row.holdsModules ? parts[2] : parts[1])
    }

    /// The names a source imports, without `@testable`, access level or the name of a single declaration.
    static func imports(of source: SourceText) -> [(line: Int, module: String)] {
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "typealias", "var", "let", "actor"]
        var found: [(line: Int, module: String)] = []
        for (index, line) in source.code.enumerated() {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
            guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { continue }
            guard words[..<keyword].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) }) else {
                continue
            }
            let name =
                kinds.contains(words[keyword + 1]) && keyword + 2 < words.count
                ? words[keyword + 2] : words[keyword + 1]
            found.append((index + 1, String(name.prefix { $0 != "." })))
        }
        return found
    }

    private static let accessLevels: Set<String> = [
        "package", "public", "internal", "fileprivate", "private", "#if", "canImport",
    ]

    /// A complaint for each import of `source` that runs against an arrow.
    ///
    /// - Parameter modules: Each module of this package and the folder of its row.
    static func violations(in source: SourceText, modules: [String: String]) -> [String] {
        guard let (row, own) = Self.place(of: source.path) else { return [] }
        return Self.imports(of: source).compactMap { line, module in
            let position = "\(source.path):\(line): imports \(module): "
            if let folder = modules[module] {
                if module == own || row.mayImport.contains(folder) { return nil }
                if folder == row.folder, row.seesSiblings { return nil }
                let allowed = row.mayImport.sorted().joined(separator: ", ")
                return position + "\(row.folder) may import from \(allowed.isEmpty ? "nowhere" : allowed) only"
            }
            if row.folder == "Base", !Self.baseMayImport.contains(module) {
                return position + "Base may import \(Self.baseMayImport.sorted().joined(separator: ", ")) only"
            }
            for rule in Self.outsiders where rule.modules.contains(module) {
                if !rule.folders.contains(where: { source.path.hasPrefix("Sources/\($0)") }) {
                    return position + rule.reason
                }
            }
            return nil
        }
    }
}
