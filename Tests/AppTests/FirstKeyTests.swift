import Core
import Glibc
import Providers
import Testing

@testable import Engine
@testable import turnpike

/// Counts up, so that a test knows what it gets.
private struct Counter: RandomNumberGenerator {
    var value: UInt64 = 0

    mutating func next() -> UInt64 {
        self.value &+= 0x9E37_79B9_7F4A_7C15
        return self.value
    }
}

@Suite struct FirstKeyTests {
    /// Lends a folder that does not exist yet, and removes it afterwards.
    private func withFolder(_ use: (String) throws -> Void) throws {
        var template = Array("/tmp/turnpike-test-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            unlink(made + "/data/deep/first-key")
            rmdir(made + "/data/deep")
            rmdir(made + "/data")
            rmdir(made)
        }
        try use(made + "/data/deep")
    }

    @Test func `the first start makes a key that only the owner can read, and later starts use it again`() throws {
        try self.withFolder { folder in
            var random = Counter()
            let none = try FirstKey.existing(in: folder)
            #expect(none.map { _ in true } == nil)
            let first = try FirstKey.existingOrNew(in: folder, using: &random)
            #expect(first.isNew)
            let text = first.key.reveal { $0 }
            #expect(text.hasPrefix("tp_"))
            let stamp = try #require(SmallFile.stamp(FirstKey.path(in: folder)))
            #expect(stamp.mode == 0o600)
            #expect(SmallFile.stamp(folder)?.mode == 0o700)
            let second = try FirstKey.existingOrNew(in: folder, using: &random)
            #expect(!second.isNew)
            #expect(second.key.reveal { $0 } == text)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o602] as [mode_t])
    func `a key that others may have seen is refused`(mode: mode_t) throws {
        try self.withFolder { folder in
            var random = Counter()
            _ = try FirstKey.existingOrNew(in: folder, using: &random)
            chmod(FirstKey.path(in: folder), mode)
            #expect(throws: FirstKey.Failure.self) { try FirstKey.existing(in: folder) }
            #expect(throws: FirstKey.Failure.self) { try FirstKey.existingOrNew(in: folder, using: &random) }
        }
    }

    @Test func `a file that holds no key is not overwritten`() throws {
        try self.withFolder { folder in
            try SmallFile.makeFolder(folder)
            try SmallFile.writePrivate("hello\n", to: FirstKey.path(in: folder), replacing: false)
            var random = Counter()
            #expect(throws: FirstKey.Failure.self) { try FirstKey.existingOrNew(in: folder, using: &random) }
            #expect(try SmallFile.read(FirstKey.path(in: folder), bytesMax: 100) == "hello\n")
        }
    }

    @Test func `writing a private file never replaces one that must not be replaced`() throws {
        try self.withFolder { folder in
            try SmallFile.makeFolder(folder)
            let path = FirstKey.path(in: folder)
            try SmallFile.writePrivate("one", to: path, replacing: false)
            #expect(throws: SmallFile.Failure.self) { try SmallFile.writePrivate("two", to: path, replacing: false) }
            #expect(try SmallFile.read(path, bytesMax: 100) == "one")
            try SmallFile.writePrivate("three", to: path, replacing: true)
            #expect(try SmallFile.read(path, bytesMax: 100) == "three")
        }
    }

    @Test func `a folder that cannot be made is a failure that names it`() {
        var random = Counter()
        #expect(throws: FirstKey.Failure.self) { try FirstKey.existingOrNew(in: "/proc/nope/data", using: &random) }
    }

    @Test func `the simulator needs no key, so that every group can try it`() throws {
        var settings = try Given.settings("simulator: true", ["OPENAI_API_KEY": "sk"])
        settings.addSimulator(baseURL: "http://127.0.0.1:1/v1")
        #expect(settings.group(.defaultGroup)?.credentials.map(\.provider) == ["openai"])
        #expect(settings.provider("simulator")?.auth == AuthStyle.none)
        #expect(settings.provider("simulator")?.allowPrivate == true)
    }
}
