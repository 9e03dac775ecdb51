import Core
import NIOCore
import Signing
import Transport
import Wire

/// Finds out who we are at AWS, in the order of AWS's own tools: environment, container, virtual machine.
///
/// Not supported: profiles in `~/.aws`, `AWS_WEB_IDENTITY_TOKEN_FILE` (needs STS), single sign-on, and
/// `credential_process`.
struct AWSCredentialSource: Sendable {
    private let caller: ServiceCaller
    private var surroundings: RemoteKeys.Surroundings { self.caller.surroundings }

    private static let title = "the credential service of this machine"

    init(_ caller: ServiceCaller) { self.caller = caller }

    func credentials() async throws -> AWSCredentials {
        if let credentials = self.ofEnvironment { return credentials }
        // What follows lives on link-local addresses, which nobody reaches by surprise.
        guard self.surroundings.allowPrivate else {
            throw RemoteKeyError.noCredentials(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the role of this machine set allow_private: true"
            )
        }
        if let credentials = try await self.ofContainer() { return credentials }
        if let credentials = try await self.ofMachine() { return credentials }
        throw RemoteKeyError.noCredentials(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
        )
    }

    private var ofEnvironment: AWSCredentials? {
        guard let id = self.surroundings.value("AWS_ACCESS_KEY_ID"),
            let secret = self.surroundings.value("AWS_SECRET_ACCESS_KEY")
        else { return nil }
        let token = self.surroundings.value("AWS_SESSION_TOKEN").map { Secret($0) }
        return AWSCredentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token)
    }

    /// ECS and EKS Pod Identity: an address in the environment.
    private func ofContainer() async throws -> AWSCredentials? {
        let url: String
        if let path = self.surroundings.value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            url = "http://169.254.170.2" + path
        } else if let full = self.surroundings.value("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            url = full
        } else {
            return nil
        }
        let parts = url.split(separator: "?", maxSplits: 1).map(String.init)
        let endpoint = try self.caller.endpoint(parts[0], orSay: "AWS_CONTAINER_CREDENTIALS_FULL_URI as a URL")
        var fields: [(name: String, value: String)] = []
        var token = self.surroundings.value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if let path = self.surroundings.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            guard let text = try? self.surroundings.readFile(path) else { throw RemoteKeyError.unreadable(path: path) }
            token = String(text.filter { !$0.isNewline })
        }
        if let token { fields.append(("authorization", token)) }
        return try await self.read(endpoint, path: parts.count > 1 ? "?\(parts[1])" : "", fields: fields)
    }

    /// EC2: the metadata service, version 2.
    private func ofMachine() async throws -> AWSCredentials? {
        guard self.surroundings.value("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else { return nil }
        let url = self.surroundings.value("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254"
        let endpoint = try self.caller.endpoint(url, orSay: "AWS_EC2_METADATA_SERVICE_ENDPOINT as a URL")
        let token: String
        do {
            var request = FetchRequest("PUT", endpoint, path: "/latest/api/token")
            request.fields = [("x-aws-ec2-metadata-token-ttl-seconds", "300")]
            // Where there is no such service, nothing answers at all; that must not cost a start ten seconds.
            request.timeouts.connect = .seconds(1)
            request.timeouts.total = .seconds(2)
            let answer = try await self.caller.fetcher.fetch(request)
            guard answer.status == 200 else { return nil }
            token = String(buffer: answer.body)
        } catch is TransportError {
            return nil
        } catch is FetchError {
            return nil
        }
        let fields = [(name: "x-aws-ec2-metadata-token", value: token)]
        let path = "/latest/meta-data/iam/security-credentials/"
        let list = try await self.caller.call(Self.title) {
            FetchRequest("GET", endpoint, path: path, fields: fields)
        }
        guard list.status == 200, let role = String(buffer: list.body).split(whereSeparator: \.isNewline).first else {
            return nil
        }
        return try await self.read(endpoint, path: path + role, fields: fields)
    }

    private func read(
        _ endpoint: Endpoint,
        path: String,
        fields: [(name: String, value: String)]
    ) async throws -> AWSCredentials {
        let answer = try await self.caller.call(Self.title) {
            FetchRequest("GET", endpoint, path: path, fields: fields)
        }
        guard answer.status == 200 else {
            throw RemoteKeyError.refused(
                service: Self.title,
                code: "status \(answer.status)",
                advice: "check the role of this container or machine"
            )
        }
        guard let value = try? JSONValue.parse(answer.body), let id = value["AccessKeyId"]?.stringValue,
            let secret = value["SecretAccessKey"]?.stringValue
        else { throw RemoteKeyError.badAnswer(service: Self.title) }
        return AWSCredentials(
            accessKeyID: id,
            secretAccessKey: Secret(secret),
            sessionToken: value["Token"]?.stringValue.map { Secret($0) }
        )
    }
}
