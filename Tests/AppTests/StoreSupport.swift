import Core
import Glibc
import TestKit
import Testing

@testable import Engine
@testable import turnpike

/// A folder of a test's own, gone with the test, and settings whose data is in it.
final class DataFolder: Sendable {
    private let folder: ScratchFolder
    var path: String { self.folder.path }

    init() throws { self.folder = try ScratchFolder() }

    /// Settings from a text and variables, with the data here.
    func settings(_ yaml: String? = nil, _ environment: [String: String] = [:]) throws -> Settings {
        try Given.settings(yaml, environment.merging(["TURNPIKE_DATA_DIR": self.path]) { $1 })
    }

    var keyFile: String { self.path + "/encryption.key" }

    /// Every byte of every file here, as text.
    func everything() throws -> String {
        try self.folder.names.map { try SmallFile.read("\(self.path)/\($0)", bytesMax: 1 << 26) }.joined()
    }
}
