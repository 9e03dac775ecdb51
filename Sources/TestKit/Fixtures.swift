/// Files that tests read from the repository.
package enum Fixtures {
    /// The repository's `Tests/Fixtures` folder.
    package static let folder: String = {
        let parts = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/Tests/Fixtures"
    }()

    /// A file of `Tests/Fixtures/tls`.
    package static func tls(_ name: String) -> String { "\(self.folder)/tls/\(name)" }
}
