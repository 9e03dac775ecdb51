import Core
import Engine
import Logging
import NIOConcurrencyHelpers
import Net
import Telemetry
import Wire

/// The settings of the server that can change while it runs: limits, caps and the certificate.
final class ServerTerms: Sendable {
    let load: ServerLoad
    private let descriptors: Int
    private let box: NIOLockedValueBox<ServerIdentity?>

    /// - Parameter descriptors: How many the process may have open.
    init(_ server: Settings.Server, descriptors: Int) throws {
        self.descriptors = descriptors
        self.load = ServerLoad(
            limits: .init(
                connectionsMax: Self.connectionsMax(server, descriptors),
                bodyBytesMax: server.inflightBodyBytesMax
            )
        )
        self.box = NIOLockedValueBox(try Self.identity(server))
    }

    /// The certificate for connections that begin now; nil for plain HTTP.
    var identity: ServerIdentity? { self.box.withLockedValue { $0 } }

    /// Puts the caps of other settings in force.
    func use(_ server: Settings.Server, _ identity: ServerIdentity?) {
        self.load.apply(
            connectionsMax: Self.connectionsMax(server, self.descriptors),
            bodyBytesMax: server.inflightBodyBytesMax
        )
        self.box.withLockedValue { $0 = identity }
    }

    /// The certificate that the settings name.
    ///
    /// - Throws: What is wrong with its files.
    static func identity(_ server: Settings.Server) throws -> ServerIdentity? {
        try server.tls.map { try ServerIdentity(certificateFile: $0.certificateFile, keyFile: $0.keyFile) }
    }

    static func options(_ server: Settings.Server) -> ServerOptions {
        var options = ServerOptions()
        options.limits.headBytesMax = server.headBytesMax
        options.idleTimeout = server.idleTimeout
        options.headTimeout = server.headTimeout
        options.allowsHalfClose = server.allowsHalfClose
        return options
    }

    /// Each call needs a descriptor on both sides; 64 stay for files and everything else.
    private static func connectionsMax(_ server: Settings.Server, _ descriptors: Int) -> Int {
        server.connectionsMax > 0 ? server.connectionsMax : max(16, (descriptors - 64) / 2)
    }

    /// Looks at the certificate files every few seconds, and warns before the certificate ends.
    func watch(_ logger: Logger) async throws {
        var warnedAt = Int.max
        while true {
            if let identity = self.identity {
                do {
                    if try identity.reloadIfChanged() {
                        warnedAt = .max
                        logger.info("Certificate reloaded")
                    }
                } catch {
                    logger.error(
                        "The certificate cannot be read; the old one stays",
                        metadata: [LogKeys.errorReason: "\(error)"]
                    )
                }
                let days = (identity.notAfter - Int(SystemClock.now.seconds)) / 86_400
                if let limit = [1, 7, 14].first(where: { days < $0 }), limit < warnedAt {
                    warnedAt = limit
                    logger.warning("The certificate ends soon", metadata: [LogKeys.count: "\(days)"])
                }
            }
            try await Task.sleep(for: .seconds(5))
        }
    }
}
