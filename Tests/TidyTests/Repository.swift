import FoundationEssentials

/// The checked-out repository, found from where this file stands.
struct Repository: Sendable {
    /// Every file that belongs to it, as paths from its root, in order.
    let files: [String]
    private let root: String

    /// What is built, downloaded or left behind by a run.
    private static let notOurs: Set<String> = [
        ".git", ".build", ".swiftpm", "bench-results", "data", "__pycache__", ".pytest_cache", "Package.resolved",
    ]
    private static let notOursBeginnings = [".build-", ".venv"]

    init(thisFile: String = #filePath) throws {
        let root = thisFile.split(separator: "/").dropLast(3).joined(separator: "/")
        self.root = "/" + root
        var files: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(self.root)/\(folder)") {
                if Self.notOurs.contains(name) || name.hasSuffix(".pyc") { continue }
                if Self.notOursBeginnings.contains(where: name.hasPrefix) { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                var isFolder = false
                guard FileManager.default.fileExists(atPath: "\(self.root)/\(path)", isDirectory: &isFolder) else {
                    continue
                }
                if isFolder { folders.append(path) } else { files.append(path) }
            }
        }
        self.files = files.sorted()
    }

    /// The text of a file; nil if it is not text or is gone.
    func text(of path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: "\(self.root)/\(path)") else { return nil }
        return String(validating: data, as: UTF8.self)
    }

    /// Swift sources below `folders`.
    func sources(in folders: [String]) -> [SourceText] {
        self.files.filter { path in path.hasSuffix(".swift") && folders.contains { path.hasPrefix($0) } }
            .compactMap { path in self.text(of: path).map { SourceText(path: path, text: $0) } }
    }

    /// Each module below `Sources` that has a source, and the folder of its row in the map.
    func modules() -> [String: String] {
        var modules: [String: String] = [:]
        for path in self.files where path.hasPrefix("Sources/") && path.hasSuffix(".swift") {
            guard let (row, module) = Layers.place(of: path) else { continue }
            modules[module] = row.folder
        }
        return modules
    }
}
