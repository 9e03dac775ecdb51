import Core
import Glibc
import Testing

@testable import turnpike

/// A folder of a test's own, gone with the test, and settings whose data is in it.
final class DataFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/turnpike-app-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        self.path = template.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    deinit { Self.remove(self.path) }

    /// Settings from a text and variables, with the data here.
    func settings(_ yaml: String? = nil, _ environment: [String: String] = [:]) throws -> Settings {
        try Given.settings(yaml, environment.merging(["TURNPIKE_DATA_DIR": self.path]) { $1 })
    }

    var keyFile: String { self.path + "/encryption.key" }

    /// Every byte of every file here, as text.
    func everything() throws -> String {
        try Self.names(in: self.path).map { try SmallFile.read("\(self.path)/\($0)", bytesMax: 1 << 26) }.joined()
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        for name in Self.names(in: path) where unlink("\(path)/\(name)") != 0 { Self.remove("\(path)/\(name)") }
        rmdir(path)
    }
}
