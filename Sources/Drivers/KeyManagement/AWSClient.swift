import Core
import NIOCore
import Signing
import Transport
import Wire

/// One service of AWS that takes JSON: finds region, address and credentials, and signs.
struct AWSClient: Sendable {
    let caller: ServiceCaller
    /// For people.
    let title: String
    /// As it stands in host names and signatures.
    let service: String
    /// As it stands behind `AWS_ENDPOINT_URL_`.
    let environmentName: String

    /// Calls one operation.
    ///
    /// - Parameter target: The `x-amz-target` field.
    /// - Throws: `RemoteKeyError`, `CancellationError`.
    func call(_ target: String, _ input: JSONValue, region: String?) async throws -> JSONValue {
        let surroundings = self.caller.surroundings
        guard let region = region ?? surroundings.value("AWS_REGION") ?? surroundings.value("AWS_DEFAULT_REGION"),
            RemoteKeySource.isRegion(Substring(region))
        else { throw RemoteKeyError.noRegion }
        let endpoint = try self.endpoint(region)
        let credentials = try await AWSCredentialSource(self.caller).credentials()
        let signer = SigV4(region: region, service: self.service)
        var body = ByteBuffer()
        input.write(into: &body)
        let sent = body
        let answer = try await self.caller.call(self.title) {
            var request = FetchRequest("POST", endpoint, path: endpoint.basePath.isEmpty ? "/" : "", body: sent)
            request.contentType = "application/x-amz-json-1.1"
            request.fields = [("x-amz-target", target)]
            let signed = SigV4.Request(
                method: request.method,
                host: endpoint.authority,
                path: endpoint.basePath + request.path,
                fields: request.fields + [("content-type", request.contentType)],
                body: sent
            )
            do {
                request.fields += try signer.fields(for: signed, credentials: credentials, now: surroundings.now())
            } catch {
                throw RemoteKeyError.noCredentials(
                    "AWS's keys have characters that no keys have; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                )
            }
            request.fields.append(("user-agent", "turnpike"))
            return request
        }
        guard answer.status == 200 else { throw AWSFault.error(self.title, answer) }
        guard let value = try? JSONValue.parse(answer.body) else { throw RemoteKeyError.badAnswer(service: self.title) }
        return value
    }

    private func endpoint(_ region: String) throws(RemoteKeyError) -> Endpoint {
        let surroundings = self.caller.surroundings
        let suffix = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        let url =
            surroundings.value("AWS_ENDPOINT_URL_\(self.environmentName)") ?? surroundings.value("AWS_ENDPOINT_URL")
            ?? "https://\(self.service).\(region).\(suffix)"
        let endpoint = try self.caller.endpoint(url, orSay: "AWS_ENDPOINT_URL as https://host[:port]")
        // Signed requests may be read on the way, and their answers hold the key.
        guard endpoint.scheme == .https || surroundings.allowPrivate else {
            throw .badSource("AWS_ENDPOINT_URL with https://")
        }
        return endpoint
    }
}

/// What AWS says when it says no.
enum AWSFault {
    /// The name of the fault, in whichever of AWS's forms it comes: a field, JSON or XML.
    ///
    /// Letters, digits, dots and `_` only, so that it can be shown.
    static func code(of answer: FetchAnswer) -> String {
        var text = answer.field(named: "x-amzn-errortype") ?? ""
        if text.isEmpty, let value = try? JSONValue.parse(answer.body) {
            text = value["__type"]?.stringValue ?? value["code"]?.stringValue ?? ""
        }
        if text.isEmpty {
            let body = String(buffer: answer.body)
            if let start = body.firstRange(of: "<Code>"), let end = body.firstRange(of: "</Code>"),
                start.upperBound <= end.lowerBound
            {
                text = String(body[start.upperBound..<end.lowerBound])
            }
        }
        // `com.amazonaws.kms#NotFoundException:http://…`
        text = text.split(separator: "#").last.map(String.init) ?? text
        text = text.split(separator: ":").first.map(String.init) ?? text
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return (1...80).contains(text.utf8.count) && isPlain ? text : "status \(answer.status)"
    }

    static func error(_ service: String, _ answer: FetchAnswer) -> RemoteKeyError {
        let code = self.code(of: answer)
        return .refused(service: service, code: code, advice: self.advice(for: code))
    }

    private static func advice(for code: String) -> String {
        switch code {
        case "ResourceNotFoundException", "NotFoundException": "there is nothing of that name in that region"
        case "AccessDeniedException", "AccessDenied":
            "these credentials may not do this; allow secretsmanager:GetSecretValue, or kms:Decrypt"
        case "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure":
            "check AWS_SECRET_ACCESS_KEY, and the clock of this machine"
        case "RequestTimeTooSkewed", "RequestExpired": "the clock of this machine is wrong"
        case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationToken":
            "check AWS_ACCESS_KEY_ID"
        case "ExpiredTokenException", "ExpiredToken": "the session token has expired"
        case "InvalidCiphertextException": "the data key is damaged, or was sealed with another encryption context"
        case "IncorrectKeyException": "the data key was sealed by another KMS key"
        case "DisabledException", "KMSInvalidStateException": "the KMS key is disabled or about to be deleted"
        default: "see AWS's documentation of this code"
        }
    }
}
