import Core
import NIOCore
import Signing
import Transport
import Wire

/// Azure Key Vault: reads a secret as an application with a client secret.
///
/// Sources: "Get Secret" and "Authentication, requests and responses" in the Key Vault documentation, "OAuth 2.0 client
/// credentials flow" in that of Microsoft's identity platform. Not supported: managed identities, certificates.
struct AzureKeyVault: Sendable {
    private let caller: ServiceCaller
    private var surroundings: RemoteKeys.Surroundings { self.caller.surroundings }

    private static let title = "Azure Key Vault"
    private static let signInTitle = "Microsoft Entra ID"
    private static let apiVersion = "7.4"
    private static let defaultAuthority = "https://login.microsoftonline.com"

    init(_ caller: ServiceCaller) { self.caller = caller }

    /// The key, or nil if the secret is none.
    func key(vaultURL: String, name: String, version: String?) async throws -> Secret<[UInt8]>? {
        let vault = try self.secureEndpoint(vaultURL, "azure-vault:https://…")
        let path = "/secrets/\(name)" + (version.map { "/\($0)" } ?? "") + "?api-version=\(Self.apiVersion)"
        // Asked without a token first: the vault says for whom a token must be.
        let challenge = try await self.caller.call(Self.title) { FetchRequest("GET", vault, path: path) }
        guard challenge.status == 401, let text = challenge.field(.wwwAuthenticate) else {
            throw RemoteKeyError.badAnswer(service: Self.title)
        }
        let resource = try Self.resource(of: text, vault: vault)
        let token = try await self.token(for: resource, tenantOfVault: Self.tenant(of: text))
        let answer = try await self.caller.call(Self.title) {
            FetchRequest("GET", vault, path: path, fields: [("authorization", "Bearer " + token.reveal { $0 })])
        }
        guard answer.status == 200 else { throw Self.refusal(answer) }
        guard let value = (try? JSONValue.parse(answer.body))?["value"]?.stringValue else {
            throw RemoteKeyError.badAnswer(service: Self.title)
        }
        return KeyText.hexKey(value)
    }

    // MARK: - The challenge

    /// The resource to ask a token for, if the vault may ask for one of that resource.
    ///
    /// A host that could name any resource would get tokens that are good elsewhere, so the vault's host must lie in
    /// the resource's domain, as `x.vault.azure.net` in `https://vault.azure.net`.
    static func resource(of challenge: String, vault: Endpoint) throws(RemoteKeyError) -> String {
        var resource = Self.parameter("resource", of: challenge) ?? Self.parameter("scope", of: challenge) ?? ""
        if resource.hasSuffix("/.default") { resource = String(resource.dropLast(9)) }
        guard challenge.lowercased().hasPrefix("bearer "),
            let endpoint = try? Endpoint(url: resource, allowPrivate: false),
            vault.host == endpoint.host || vault.host.hasSuffix("." + endpoint.host)
        else {
            throw .refused(
                service: Self.title,
                code: "challenge",
                advice: "the address asks for a token that is not for itself; check that it is your vault's"
            )
        }
        return resource
    }

    /// The last part of the challenge's `authorization` address; never called, only compared.
    private static func tenant(of challenge: String) -> String? {
        Self.parameter("authorization", of: challenge)?.split(separator: "/").last.map(String.init)
    }

    /// `name="value"` or `name=value` of a challenge (RFC 9110 section 11.2).
    static func parameter(_ name: String, of challenge: String) -> String? {
        for part in challenge.dropFirst("Bearer ".count).split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimming { $0 == " " || $0 == "\"" } }
            if pair.count == 2, pair[0].lowercased() == name { return String(pair[1]) }
        }
        return nil
    }

    // MARK: - The token

    private func token(for resource: String, tenantOfVault: String?) async throws -> Secret<String> {
        guard let tenant = self.surroundings.value("AZURE_TENANT_ID"),
            let client = self.surroundings.value("AZURE_CLIENT_ID"),
            let secret = self.surroundings.value("AZURE_CLIENT_SECRET").map({ Secret($0) })
        else {
            throw RemoteKeyError.noCredentials("set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET")
        }
        guard tenant.utf8.allSatisfy(Self.isPathByte) else {
            throw RemoteKeyError.noCredentials("AZURE_TENANT_ID is no tenant")
        }
        if let other = tenantOfVault, other.utf8.count == 36, tenant.utf8.count == 36,
            other.lowercased() != tenant.lowercased()
        {
            throw RemoteKeyError.noCredentials("the vault belongs to another tenant than AZURE_TENANT_ID")
        }
        // The client secret goes where the operator says, whatever the challenge says.
        let url = self.surroundings.value("AZURE_AUTHORITY_HOST") ?? Self.defaultAuthority
        let authority = try self.secureEndpoint(url, "AZURE_AUTHORITY_HOST as https://host")
        let form = [
            ("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret.reveal { $0 }),
            ("scope", resource + "/.default"),
        ]
        let body = ByteBuffer(string: SigV4.queryText(form.map { (name: $0.0, value: $0.1) }))
        let answer = try await self.caller.call(Self.signInTitle) {
            var request = FetchRequest("POST", authority, path: "/\(tenant)/oauth2/v2.0/token", body: body)
            request.contentType = "application/x-www-form-urlencoded"
            return request
        }
        guard answer.status == 200 else {
            let code = (try? JSONValue.parse(answer.body))?["error"]?.stringValue
            throw RemoteKeyError.refused(
                service: Self.signInTitle,
                code: Self.plain(code) ?? "status \(answer.status)",
                advice: "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            )
        }
        guard let token = (try? JSONValue.parse(answer.body))?["access_token"]?.stringValue, !token.isEmpty else {
            throw RemoteKeyError.badAnswer(service: Self.signInTitle)
        }
        return Secret(token)
    }

    /// An address that passwords and keys may go to.
    private func secureEndpoint(_ url: String, _ form: String) throws(RemoteKeyError) -> Endpoint {
        let endpoint = try self.caller.endpoint(url, orSay: form)
        guard endpoint.scheme == .https || self.surroundings.allowPrivate else { throw .badSource(form) }
        return endpoint
    }

    private static func refusal(_ answer: FetchAnswer) -> RemoteKeyError {
        let code = (try? JSONValue.parse(answer.body))?["error"]?["code"]?.stringValue
        let advice =
            switch answer.status {
            case 401: "the vault does not take the token; check that the application is of the vault's tenant"
            case 403: "the application may not read secrets; give it the role Key Vault Secrets User"
            case 404: "there is no secret of that name and version"
            default: "see Azure's documentation of this code"
            }
        return .refused(service: Self.title, code: Self.plain(code) ?? "status \(answer.status)", advice: advice)
    }

    /// A service's own word, if it can be shown.
    private static func plain(_ code: String?) -> String? {
        guard let code, (1...80).contains(code.utf8.count), code.utf8.allSatisfy(Self.isPathByte) else { return nil }
        return code
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension Substring {
    /// Without the characters at both ends that `isCut` names.
    fileprivate func trimming(_ isCut: (Character) -> Bool) -> Substring {
        var text = self.drop(while: isCut)
        while let last = text.last, isCut(last) { text = text.dropLast() }
        return text
    }
}
