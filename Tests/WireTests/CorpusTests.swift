import Foundation
import Testing

/// The fuzzers' corpora, and with them every input that once broke something, through the fuzzers' own checks.
@Suite struct CorpusTests {
    private static let checks: [(target: String, check: @Sendable (UnsafeRawBufferPointer) throws -> Void)] = [
        ("FuzzHTTPHead", checkHeads), ("FuzzChunked", checkBody), ("FuzzSSE", checkEvents), ("FuzzJSON", checkJSON),
        ("FuzzMultipart", checkForm),
    ]

    @Test(arguments: ["FuzzHTTPHead", "FuzzChunked", "FuzzSSE", "FuzzJSON", "FuzzMultipart"])
    func `every input of the corpus passes the fuzzer's checks`(target: String) throws {
        let check = try #require(Self.checks.first { $0.target == target }?.check)
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/Corpus/\(target)")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 15)
        for file in files {
            let bytes = Array(try Data(contentsOf: file))
            // Each beginning of it, too: what comes over a network is cut anywhere.
            for count in 0...bytes.count {
                do {
                    try bytes.withUnsafeBytes { try check(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                } catch {
                    Issue.record("\(file.lastPathComponent) up to \(count): \(error)")
                }
            }
        }
    }
}
