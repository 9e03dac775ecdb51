import Core
import KeyManagement
import NIOConcurrencyHelpers
import NIOCore
import Testing
import Transport

@Suite struct RemoteKeySourceTests {
    @Test func `each form is read as it is documented`() throws {
        func secret(_ name: String) throws -> RemoteKeySource { try RemoteKeySource(scheme: "aws-secret", name: name) }
        #expect(try secret("a/b") == .awsSecret(id: "a/b", member: nil, region: nil))
        #expect(try secret("a#k@eu-west-1") == .awsSecret(id: "a", member: "k", region: "eu-west-1"))
        #expect(try secret("a@b.example") == .awsSecret(id: "a@b.example", member: nil, region: nil))
        #expect(try secret("a@us-gov-east-1") == .awsSecret(id: "a", member: nil, region: "us-gov-east-1"))
        let arn = "arn:aws:secretsmanager:ap-southeast-2:1:secret:a-XyZ"
        #expect(try secret(arn) == .awsSecret(id: arn, member: nil, region: "ap-southeast-2"))
        let kms = try RemoteKeySource(scheme: "aws-kms", name: "file:/a?b?key=alias/t&region=eu-west-1&context.x=y=z")
        #expect(
            kms
                == .awsKMS(
                    RemoteKeySource.SealedDataKey(
                        place: .file("/a?b"),
                        keyID: "alias/t",
                        region: "eu-west-1",
                        context: ["x": "y=z"]
                    )
                )
        )
        let vault = try RemoteKeySource(scheme: "azure-vault", name: "https://n.vault.azure.net/secrets/s/0a")
        #expect(vault == .azureVault(vaultURL: "https://n.vault.azure.net", name: "s", version: "0a"))
        #expect(vault.label == "Azure secret https://n.vault.azure.net/secrets/s/0a")
    }

    @Test(arguments: [
        ("aws-secret", ""), ("aws-secret", "#k"), ("aws-secret", "a#"), ("aws-secret", "a b"),
        ("aws-secret", "@eu-west-1"),
        ("aws-kms", ""), ("aws-kms", "file:/a"), ("aws-kms", "file:?key=k"), ("aws-kms", "data:?key=k"),
        ("aws-kms", "file:/a?region=eu-west-1"), ("aws-kms", "file:/a?key="), ("aws-kms", "file:/a?key=k&kex=1"),
        ("aws-kms", "file:/a?key=k&region=Europe"), ("aws-kms", "/a?key=k"), ("azure-vault", ""),
        ("azure-vault", "n/secrets/s"), ("azure-vault", "https://n.vault.azure.net/keys/s"),
        ("azure-vault", "https://n.vault.azure.net/secrets/"),
        ("azure-vault", "https://n.vault.azure.net/secrets/a/b/c"),
        ("azure-vault", "https://n.vault.azure.net/secrets/a?x=1"), ("azure-vault", "https://u@h/secrets/a"),
        ("azure-vault", "https://n.vault.azure.net/secrets/../a"), ("gcp-secret", "x"),
    ])
    func `what cannot be read is refused with the form that was expected`(scheme: String, name: String) {
        #expect {
            try RemoteKeySource(scheme: scheme, name: name)
        } throws: { error in
            guard case RemoteKeyError.badSource(let form) = error else { return false }
            return form.contains(scheme == "gcp-secret" ? "aws-secret" : scheme)
        }
    }

    @Test func `the role of a container and of a machine give credentials, if private addresses are allowed`()
        async throws
    {
        let asked = NIOLockedValueBox<[String]>([])
        let role = #"{"AccessKeyId":"ASIAROLE","SecretAccessKey":"s","Token":"session"}"#
        let fetcher = Fetcher { request in
            asked.withLockedValue { $0.append("\(request.method) \(request.endpoint.url)\(request.path)") }
            let body: String
            switch (request.method, request.endpoint.url + request.path) {
            case ("PUT", _): body = "metadata-token"
            case (_, let url) where url.hasSuffix("security-credentials/"): body = "the-role\n"
            case (_, let url) where url.contains("security-credentials/the-role") || url.contains("/v2/credentials"):
                body = role
            default:
                let fields = Dictionary(
                    request.fields.map { ($0.name, $0.value) },
                    uniquingKeysWith: { first, _ in first }
                )
                #expect(fields["x-amz-security-token"] == "session")
                #expect(fields["authorization"]?.contains("Credential=ASIAROLE/") == true)
                body = #"{"SecretString":"\#(String(repeating: "ab", count: 32))"}"#
            }
            return FetchAnswer(status: 200, body: ByteBuffer(string: body))
        }
        let source = try RemoteKeySource(scheme: "aws-secret", name: "a@eu-west-1")
        let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials?id=1"]
        for environment in [container, [:]] {
            _ = try await KeyBench.keys(fetcher, environment).load(source)
            await #expect { try await KeyBench.keys(fetcher, environment, allowPrivate: false).load(source) } throws: {
                "\($0)".contains("AWS_ACCESS_KEY_ID")
            }
        }
        #expect(
            asked.withLockedValue { $0 } == [
                "GET http://169.254.170.2/v2/credentials?id=1",
                "POST https://secretsmanager.eu-west-1.amazonaws.com/",
                "PUT http://169.254.169.254/latest/api/token",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/the-role",
                "POST https://secretsmanager.eu-west-1.amazonaws.com/",
            ]
        )
    }

    @Test func `throttling is tried three times and no more, and a refusal once`() async throws {
        let answers = [(400, #"{"__type":"ThrottlingException"}"#), (429, ""), (503, "<html>"), (500, "")]
        let source = try RemoteKeySource(scheme: "aws-secret", name: "a@eu-west-1")
        let environment = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"]
        for (status, body) in answers + [(403, #"{"__type":"AccessDeniedException"}"#), (400, "<Code>Odd</Code>")] {
            let count = NIOLockedValueBox(0)
            let fetcher = Fetcher { _ in
                count.withLockedValue { $0 += 1 }
                return FetchAnswer(status: status, body: ByteBuffer(string: body))
            }
            await #expect { try await KeyBench.keys(fetcher, environment).load(source) } throws: { error in
                switch error {
                case RemoteKeyError.unavailable: count.withLockedValue { $0 } == 3
                case RemoteKeyError.refused(_, let code, _):
                    count.withLockedValue { $0 } == 1 && ["AccessDeniedException", "Odd"].contains(code)
                default: false
                }
            }
        }
    }

    @Test func `words of a service are shown only if they are words`() async throws {
        let source = try RemoteKeySource(scheme: "aws-secret", name: "a@eu-west-1")
        let environment = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"]
        for type in ["a\u{1B}[2J", "<script>", String(repeating: "x", count: 200), "sk-secret key"] {
            let body = JSONValue.object([("__type", .string(type))]).text
            let fetcher = Fetcher { _ in FetchAnswer(status: 400, body: ByteBuffer(string: body)) }
            await #expect { try await KeyBench.keys(fetcher, environment).load(source) } throws: {
                KeyBench.code(of: $0) == "status 400"
            }
        }
    }
}
