import Core
import Glibc
import TestKit
import Testing

@testable import Vault

@Suite struct KeyFileTests {
    private static let good = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0b"

    private func failure(reading file: KeyFile) -> EncryptionKeyError? {
        do {
            _ = try file.read()
            return nil
        } catch {
            return error
        }
    }

    private func failure(parsing text: String) -> EncryptionKeyError? {
        do {
            _ = try EncryptionKeySource(Secret(text), name: "credentials.encryption_key")
            return nil
        } catch {
            return error
        }
    }

    @Test func `a first start makes a key file that only its owner can read, and the next one reads it`() throws {
        let folder = try ScratchFolder()
        let file = KeyFile("\(folder.path)/encryption.key")
        let (made, isNew) = try file.readOrCreate()
        let (read, isNewAgain) = try file.readOrCreate()
        #expect(isNew && !isNewAgain && made.map(\.id) == read.map(\.id))
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        #expect(folder.names == ["encryption.key"])
        let text = try String(contentsOfFile: file.path)
        #expect(text.utf8.count == 65 && text.hasSuffix("\n"))
        #expect(read[0].source == "file \(file.path)")
        #expect(try KeyMaterial(hex: String(text.dropLast()), source: "x").id == read[0].id)
        #expect(throws: EncryptionKeyError.exists(path: file.path)) { try file.create() }
    }

    @Test func `a file of several keys gives them in its order, comments and blank lines left out`() throws {
        let folder = try ScratchFolder()
        let other = String(Self.good.reversed())
        let text = "# new\r\n\(Self.good.uppercased())  \r\n\n# old\n\(other)"
        let keys = try KeyFile(try folder.write(text, to: "k")).read()
        #expect(
            keys.map(\.id) == [
                try KeyMaterial(hex: Self.good, source: "x").id, try KeyMaterial(hex: other, source: "x").id,
            ]
        )
    }

    @Test func `writing keys replaces the file as a whole, and reading gives them back (row 68)`() throws {
        let folder = try ScratchFolder()
        let file = KeyFile("\(folder.path)/k")
        let first = try file.create()
        let second = try KeyMaterial(newFrom: .system, source: "x")
        try file.write([second, first], replacing: true)
        #expect(try file.read().map(\.id) == [second.id, first.id])
        #expect(folder.names == ["k"])
        // A leftover of a start that was killed does not matter.
        _ = try folder.write("torn", to: "k.\(getpid()).new")
        try file.write([first], replacing: true)
        #expect(try file.read().map(\.id) == [first.id])
        #expect(folder.names == ["k"])
    }

    @Test func `a rotation arranges the keys of the file, and only destroying takes one out`() throws {
        let folder = try ScratchFolder()
        let file = KeyFile("\(folder.path)/k")
        let old = try file.create()
        let new = try KeyMaterial(newFrom: .system, source: "x")
        for _ in 0..<2 {
            try file.arrange(first: old.id, adding: [new, new])
            #expect(try file.read().map(\.id) == [old.id, new.id])
        }
        try file.arrange(first: new.id)
        #expect(try file.read().map(\.id) == [new.id, old.id])
        let stranger = try KeyMaterial(newFrom: .system, source: "x").id
        #expect(throws: EncryptionKeyError.emptyFile(path: file.path)) { try file.arrange(first: stranger) }
        try file.remove(stranger)
        try file.remove(old.id)
        #expect(try file.read().map(\.id) == [new.id])
        #expect(throws: EncryptionKeyError.emptyFile(path: file.path)) { try file.remove(new.id) }
        #expect(try file.read().map(\.id) == [new.id])
    }

    @Test func `a key that a driver fetched is checked like any other`() throws {
        var chance = SeededGenerator(seed: 9)
        let bytes = chance.bytes(32)
        let key = try KeyMaterial(copying: Secret(bytes), source: "aws-kms alias/turnpike")
        #expect(key.bytes.plain == bytes && key.source == "aws-kms alias/turnpike")
        #expect(throws: EncryptionKeyError.weak(.zero, source: "x")) {
            try KeyMaterial(copying: Secret([UInt8](repeating: 0, count: 32)), source: "x")
        }
        #expect(throws: EncryptionKeyError.notHex(source: "x", characters: 62)) {
            try KeyMaterial(copying: Secret(Array(bytes.dropLast())), source: "x")
        }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620, 0o660, 0o666, 0o777, 0o610, 0o601] as [mode_t])
    func `a file that others may touch is refused (row 48)`(mode: mode_t) throws {
        let folder = try ScratchFolder()
        let file = KeyFile(try folder.write(Self.good, to: "k", mode: mode))
        #expect(self.failure(reading: file) == .notPrivate(path: file.path, mode: UInt32(mode)))
        let key = try KeyMaterial(newFrom: .system, source: "x")
        #expect(throws: EncryptionKeyError.notPrivate(path: file.path, mode: UInt32(mode))) {
            try file.write([key], replacing: true)
        }
    }

    @Test(arguments: [0o600, 0o400] as [mode_t])
    func `a file of its owner alone is read`(mode: mode_t) throws {
        let folder = try ScratchFolder()
        #expect(self.failure(reading: KeyFile(try folder.write(Self.good, to: "k", mode: mode))) == nil)
    }

    @Test func `what is no file of ours is refused without waiting (row 48)`() throws {
        let folder = try ScratchFolder()
        #expect(self.failure(reading: KeyFile(folder.path)) == .notAFile(path: folder.path))
        let pipe = "\(folder.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(self.failure(reading: KeyFile(pipe)) == .notAFile(path: pipe))
        let missing = "\(folder.path)/missing"
        #expect(
            self.failure(reading: KeyFile(missing)) == .file(path: missing, reason: "No such file or directory")
        )
        let empty = try folder.write("\n# nothing\n", to: "empty")
        #expect(self.failure(reading: KeyFile(empty)) == .emptyFile(path: empty))
        let large = try folder.write(String(repeating: "#", count: 5000), to: "large")
        #expect(self.failure(reading: KeyFile(large)) == .tooLarge(path: large))
        let many = try folder.write(String(repeating: Self.good + "\n", count: 17), to: "many")
        #expect(self.failure(reading: KeyFile(many)) == .tooLarge(path: many))
        let foreign = try folder.write(Self.good, to: "foreign")
        if geteuid() == 0 {
            #expect(chown(foreign, 12_345, 12_345) == 0)
            #expect(self.failure(reading: KeyFile(foreign)) == .notOwned(path: foreign, owner: 12_345))
        }
    }

    @Test func `only 64 hexadecimal digits are a key, and no error shows any of them (row 48)`() throws {
        let source = "setting credentials.encryption_key"
        for text in [
            "", "00", String(Self.good.dropLast()), Self.good + "0", Self.good.dropLast() + "g", "0x" + Self.good,
            " " + Self.good, Self.good + "\n", String(repeating: "ü", count: 32), Self.good.dropLast(2) + " a",
        ] {
            let failure = try #require(self.failure(parsing: String(text)))
            #expect(failure == .notHex(source: source, characters: text.utf8.count))
            #expect(!"\(failure)".contains("9f86"))
        }
        #expect(self.failure(parsing: Self.good) == nil)
        #expect(self.failure(parsing: Self.good.uppercased()) == nil)
    }

    @Test func `settings name files and drivers, and unknown schemes are refused`() throws {
        let name = "credentials.encryption_key"
        guard case .file(let path) = try EncryptionKeySource(Secret("file:data/k"), name: name) else {
            Issue.record("not a file")
            return
        }
        #expect(path == "data/k")
        guard case .remote(let scheme, let rest) = try EncryptionKeySource(Secret("aws-kms:arn:aws:x"), name: name)
        else {
            Issue.record("not remote")
            return
        }
        #expect(scheme == "aws-kms" && rest == "arn:aws:x")
        #expect(self.failure(parsing: "vault:secret/x") == .unknownSource("vault"))
        // A scheme is repeated in the message; what could be part of a key is not.
        let odd = "9f86d081884c7d659a2feaa0:5ad015a3bf4f1b2b0b822cd15d6c15b0f00a0b"
        #expect(self.failure(parsing: odd) == .notHex(source: "setting \(name)", characters: odd.utf8.count))
    }

    /// Row 48.
    @Test(arguments: [
        (String(repeating: "0", count: 64), WeakKey.zero),
        (String(repeating: "ab", count: 32), .repeated),
        (String(repeating: "0123456789abcdef", count: 4), .repeated),
        (String(repeating: "00112233445566778899aabbccddeeff", count: 2), .repeated),
        ("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", .sequence),
        ("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", .sequence),
        ("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100", .sequence),
        (hexText("correct horse battery staple! 42".utf8), .text),
        ("0102030405060708090001020304050607080900010203040506070809020103", .fewValues),
        ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", .published),
        ("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", .published),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", .published),
        ("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", .published),
    ])
    func `keys that are no secret are refused, one clear line each`(digits: String, reason: WeakKey) throws {
        let failure = try #require(self.failure(parsing: digits))
        #expect(failure == .weak(reason, source: "setting credentials.encryption_key"))
        #expect(!"\(failure)".contains("\n") && !"\(failure)".contains(digits.prefix(8)))
    }

    @Test func `random keys are never called weak`() throws {
        for _ in 0..<2000 {
            let key = try KeyMaterial(newFrom: .system, source: "x")
            #expect(WeakKey.reason(against: key.bytes) == nil)
        }
    }

    @Test func `every error is one line that says what to do`() {
        let errors: [EncryptionKeyError] = [
            .notHex(source: "s", characters: 3), .weak(.zero, source: "s"), .file(path: "p", reason: "r"),
            .notAFile(path: "p"), .notPrivate(path: "p", mode: 0o644), .notOwned(path: "p", owner: 7),
            .emptyFile(path: "p"), .tooLarge(path: "p"), .exists(path: "p"), .unknownSource("x"), .vault(.noSodium),
        ]
        for error in errors { #expect(!"\(error)".isEmpty && !"\(error)".contains("\n")) }
        #expect("\(EncryptionKeyError.notPrivate(path: "p", mode: 0o644))".contains("chmod 600 p"))
    }
}
