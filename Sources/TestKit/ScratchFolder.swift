internal import Glibc

/// A folder of a test's own, gone with this object.
package final class ScratchFolder: Sendable {
    /// The system's reason why there is none.
    package struct Failure: Error { package let code: Int32 }

    package let path: String

    package init() throws(Failure) {
        var template = Array("/tmp/turnpike-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template).map({ String(cString: $0) }) else { throw Failure(code: errno) }
        self.path = made
    }

    deinit { Self.remove(self.path) }

    /// Names in the folder, sorted.
    package var names: [String] { Self.names(in: self.path).sorted() }

    /// Names in a folder; none if it cannot be read.
    package static func names(in path: String) -> [String] {
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
