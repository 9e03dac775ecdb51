import Glibc
import NIOConcurrencyHelpers
package import NIOSSL

/// The certificate and key this server shows, read from files and replaced while connections go on.
package final class ServerIdentity: Sendable {
    private struct State: Sendable {
        var context: NIOSSLContext
        var notAfter: Int
        var stamp: [Int]
    }

    private let certificateFile: String
    private let keyFile: String
    private let state: NIOLockedValueBox<State>

    /// Reads both files.
    ///
    /// The certificate file may hold a chain, leaf first.
    ///
    /// - Throws: `NIOSSLError` where a file is missing, unreadable, or the key does not fit the certificate.
    package init(certificateFile: String, keyFile: String) throws {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.state = NIOLockedValueBox(try Self.load(certificateFile, keyFile))
    }

    /// The settings for a new connection.
    package var context: NIOSSLContext { self.state.withLockedValue { $0.context } }

    /// When the certificate ends, in Unix seconds.
    package var notAfter: Int { self.state.withLockedValue { $0.notAfter } }

    /// Reads the files again if they changed.
    ///
    /// On any error the old certificate stays; connections keep theirs.
    ///
    /// - Returns: Whether a new certificate is in force.
    package func reloadIfChanged() throws -> Bool {
        guard Self.stamp([self.certificateFile, self.keyFile]) != self.state.withLockedValue({ $0.stamp }) else {
            return false
        }
        let fresh = try Self.load(self.certificateFile, self.keyFile)
        self.state.withLockedValue { $0 = fresh }
        return true
    }

    private static func load(_ certificateFile: String, _ keyFile: String) throws -> State {
        let stamp = Self.stamp([certificateFile, keyFile])
        let chain = try NIOSSLCertificate.fromPEMFile(certificateFile)
        let key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return State(
            context: try NIOSSLContext(configuration: configuration),
            notAfter: chain.first.map { Int($0.notValidAfter) } ?? 0,
            stamp: stamp
        )
    }

    /// Inode, size and modification time of each file: enough to notice a replaced one.
    private static func stamp(_ files: [String]) -> [Int] {
        files.flatMap { file -> [Int] in
            var info = stat()
            guard stat(file, &info) == 0 else { return [0] }
            return [Int(info.st_ino), Int(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec]
        }
    }
}
