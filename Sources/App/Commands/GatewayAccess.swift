import ArgumentParser
import Core
import Engine
import NIOCore
import Transport

/// Which gateway a command talks to, and with which key.
struct GatewayOptions: ParsableArguments {
    @Option(help: "The gateway's URL; else TURNPIKE_URL, else where the settings say that it listens.")
    var url: String?

    @Option(help: "A file with the gateway key; else TURNPIKE_KEY, else the first key in the data folder.")
    var keyFile: String?

    @Option(help: "PEM file of the authority trusted for a gateway with a certificate of its own.")
    var caFile: String?

    @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
    var config: String?
}

/// A gateway that can be called.
struct GatewayAccess: Sendable {
    /// The gateway itself, without `/v1`.
    let endpoint: Endpoint
    let key: Secret<String>?
    /// The settings of this folder, for the default model.
    let settings: Settings

    /// Finds out where the gateway is.
    ///
    /// - Parameter isAdministrative: Whether administration is wanted, which may have an address of its own.
    init(
        _ options: GatewayOptions,
        isAdministrative: Bool = false,
        environment: [String: String] = SettingsEnvironment.all
    ) throws {
        let input = SettingsSource.ofProcess(configPath: options.config)
        let settings = try Settings.load(input).settings
        self.settings = settings
        let server = settings.server
        let listen = isAdministrative ? server.adminListen ?? server.listen : server.listen
        let url = options.url ?? Self.nonEmpty(environment["TURNPIKE_URL"]) ?? Self.url(of: server, at: listen)
        do {
            self.endpoint = try Endpoint(url: Self.withoutVersion(url), allowPrivate: true, caFile: options.caFile)
        } catch {
            throw CommandFailure("\(url) \(error.rawValue)", isMisuse: true)
        }
        self.key = try Self.key(options, environment, settings)
    }

    /// The URL for people.
    var url: String { self.endpoint.url }

    /// A request with the key, if there is one.
    func request(_ method: String, _ path: String, body: JSONValue? = nil) -> CommandRequest {
        var request = CommandRequest(method: method, endpoint: self.endpoint, path: path)
        request.authorize(self.key)
        if let body {
            var bytes = ByteBuffer()
            body.write(into: &bytes)
            request.body = bytes
        }
        return request
    }

    /// Where clients on this machine reach a server with these settings.
    static func url(of server: Settings.Server, at listen: ListenAddress) -> String {
        let host = listen.isWildcard ? "127.0.0.1" : listen.urlHost
        return "\(server.tls == nil ? "http" : "https")://\(host):\(listen.port)"
    }

    /// People paste the base URL that SDKs have, which ends in `/v1`.
    private static func withoutVersion(_ url: String) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        return url.hasSuffix("/v1") ? String(url.dropLast(3)) : url
    }

    private static func key(
        _ options: GatewayOptions,
        _ environment: [String: String],
        _ settings: Settings
    ) throws -> Secret<String>? {
        if let path = options.keyFile {
            do {
                let text = try SmallFile.read(path, bytesMax: 4_096)
                let key = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
                guard SettingRule.isGatewaySecret(key) else { throw CommandFailure("\(path) does not hold a key") }
                return Secret(key)
            } catch let failure as SmallFile.Failure {
                throw CommandFailure(failure.description)
            }
        }
        if let key = Self.nonEmpty(environment["TURNPIKE_KEY"]) { return Secret(key) }
        do {
            return try FirstKey.existing(in: settings.dataDirectory)
        } catch {
            throw CommandFailure(error.description)
        }
    }

    private static func nonEmpty(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }

    /// What went wrong between this command and the gateway, and what to do about it.
    func explain(_ error: any Error) -> CommandFailure {
        switch error {
        case let failure as CommandFailure: failure
        case TransportError.connectFailed:
            CommandFailure("nothing answers at \(self.url); is it running? (turnpike serve)")
        case let error as TransportError: CommandFailure("\(self.url): \(error.sentence)")
        case is CancellationError: CommandFailure("")
        default: CommandFailure("\(self.url): \(error)")
        }
    }

    /// What an answer other than a success means.
    func explain(_ answer: CommandAnswer) -> CommandFailure {
        let message = answer.errorMessage ?? "status \(answer.status)"
        guard answer.status == 401 else { return CommandFailure(message) }
        let advice = self.key == nil ? "no key was found; set TURNPIKE_KEY" : "the key is not one of this gateway's"
        return CommandFailure("\(message) (\(advice))")
    }
}
