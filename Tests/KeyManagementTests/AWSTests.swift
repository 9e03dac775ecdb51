import Core
import Glibc
import KeyManagement
import NIOConcurrencyHelpers
import NIOCore
import Net
import Signing
import Testing
import Transport

/// Keys in AWS, against moto's server that checks signatures, over the one dialer.
@Suite(.enabled(if: PythonServer.interpreter != nil, "\(PythonServer.advice)"), .serialized)
struct AWSTests {
    private struct AWS: Sendable {
        let server: PythonServer
        let fetcher: Fetcher

        var environment: [String: String] {
            [
                "AWS_ACCESS_KEY_ID": self.server.text("accessKey"),
                "AWS_SECRET_ACCESS_KEY": self.server.text("secretKey"), "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": self.server.text("url"),
            ]
        }

        func keys(
            _ changes: [String: String?] = [:],
            allowPrivate: Bool = true,
            files: [String: String] = [:]
        ) -> RemoteKeys {
            var environment = self.environment
            for (name, value) in changes { environment[name] = value }
            return KeyBench.keys(self.fetcher, environment, allowPrivate: allowPrivate, files: files)
        }
    }

    private static func with(_ body: @escaping @Sendable (AWS) async throws -> Void) async throws {
        try await PythonServer.with("aws.py") { server in
            try await KeyBench.withFetcher { try await body(AWS(server: server, fetcher: $0)) }
        }
    }

    @Test func `a key in Secrets Manager is read as text, from JSON and as bytes`() async throws {
        try await Self.with { aws in
            let arn = aws.server.text("arn")
            for name in [
                "turnpike/hex", "turnpike/hex@eu-west-1", "turnpike/json#key", "turnpike/json#key@eu-west-1",
                "turnpike/binary", "odd@name", arn,
            ] {
                let source = try RemoteKeySource(scheme: "aws-secret", name: name)
                // An ARN and a region in the setting need none in the environment.
                let knowsRegion = name == arn || name.hasSuffix("eu-west-1")
                let keys = aws.keys(knowsRegion ? ["AWS_REGION": nil] : [:])
                #expect(try await KeyBench.hex(keys.load(source)) == aws.server.text("hex"), "\(name)")
            }
            for name in [
                "turnpike/short", "turnpike/json", "turnpike/json#other", "turnpike/json#none", "turnpike/hex#a",
            ] {
                let source = try RemoteKeySource(scheme: "aws-secret", name: name)
                await #expect(throws: RemoteKeyError.notAKey(source: source.label)) {
                    try await aws.keys().load(source)
                }
            }
        }
    }

    @Test func `KMS opens a data key from a file and from the setting`() async throws {
        try await Self.with { aws in
            let arn = aws.server.text("keyARN")
            let files = ["/keys/sealed": aws.server.text("sealed") + "\n"]
            let file = try RemoteKeySource(scheme: "aws-kms", name: "file:/keys/sealed?key=\(arn)")
            let keys = aws.keys(["AWS_REGION": nil], files: files)
            #expect(try await KeyBench.hex(keys.load(file)) == aws.server.text("sealedHex"))
            let inline = "data:\(aws.server.text("bound"))?key=\(arn)&context.for=turnpike&context.stage=test"
            let bound = try RemoteKeySource(scheme: "aws-kms", name: inline)
            #expect(try await KeyBench.hex(keys.load(bound)) == aws.server.text("boundHex"))
            // The same without its context.
            let bare = try RemoteKeySource(scheme: "aws-kms", name: "data:\(aws.server.text("bound"))?key=\(arn)")
            await #expect { try await keys.load(bare) } throws: { error in
                KeyBench.code(of: error) == "InvalidCiphertextException"
            }
            let missing = try RemoteKeySource(scheme: "aws-kms", name: "file:/keys/none?key=\(arn)")
            await #expect(throws: RemoteKeyError.unreadable(path: "/keys/none")) { try await keys.load(missing) }
            let short = try RemoteKeySource(scheme: "aws-kms", name: "data:\(aws.server.text("short"))?key=\(arn)")
            await #expect(throws: RemoteKeyError.notAKey(source: short.label)) { try await keys.load(short) }
        }
    }

    @Test func `a new data key opens to the same key`() async throws {
        try await Self.with { aws in
            let place = "file:/keys/new?key=\(aws.server.text("keyARN"))&context.for=turnpike"
            guard case .awsKMS(let sealed) = try RemoteKeySource(scheme: "aws-kms", name: place) else {
                Issue.record("not a data key")
                return
            }
            let made = try await aws.keys().newDataKey(sealed)
            let keys = aws.keys(files: ["/keys/new": made.sealedBase64])
            #expect(try await KeyBench.hex(keys.load(.awsKMS(sealed))) == KeyBench.hex(made.key))
            let other = try await aws.keys().newDataKey(sealed)
            #expect(KeyBench.hex(other.key) != KeyBench.hex(made.key))
        }
    }

    @Test func `a wrong secret, an unknown key and a missing object are refused, each in one line`() async throws {
        try await Self.with { aws in
            let source = try RemoteKeySource(scheme: "aws-secret", name: "turnpike/hex")
            let wrong = aws.keys(["AWS_SECRET_ACCESS_KEY": "wrong/" + aws.server.text("secretKey").dropFirst(6)])
            await #expect { try await wrong.load(source) } throws: { error in
                KeyBench.code(of: error) == "SignatureDoesNotMatch" && !"\(error)".contains("wrong/")
            }
            let stranger = aws.keys(["AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"])
            await #expect { try await stranger.load(source) } throws: { error in
                ["InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"].contains(
                    KeyBench.code(of: error)
                )
            }
            let none = try RemoteKeySource(scheme: "aws-secret", name: "turnpike/none")
            await #expect { try await aws.keys().load(none) } throws: { error in
                KeyBench.code(of: error) == "ResourceNotFoundException" && !"\(error)".contains("\n")
            }
            let foreign = "data:\(aws.server.text("sealed"))?key=\(aws.server.text("otherKeyARN"))"
            let sealedByAnother = try RemoteKeySource(scheme: "aws-kms", name: foreign)
            await #expect { try await aws.keys().load(sealedByAnother) } throws: { KeyBench.code(of: $0) != nil }
            let noKey = try RemoteKeySource(scheme: "aws-kms", name: "data:AAAA?key=alias/none")
            await #expect { try await aws.keys().load(noKey) } throws: { KeyBench.code(of: $0) != nil }
        }
    }

    @Test func `a private address, no region and no credentials are said before anything is sent`() async throws {
        try await Self.with { aws in
            let source = try RemoteKeySource(scheme: "aws-secret", name: "turnpike/hex")
            await #expect(throws: RemoteKeyError.badSource("AWS_ENDPOINT_URL with https://")) {
                try await aws.keys(allowPrivate: false).load(source)
            }
            await #expect {
                try await aws.keys(["AWS_ENDPOINT_URL": "https://127.0.0.1:1"], allowPrivate: false).load(source)
            } throws: { "\($0)".contains("allow_private") }
            await #expect(throws: RemoteKeyError.noRegion) { try await aws.keys(["AWS_REGION": nil]).load(source) }
            await #expect {
                try await aws.keys(["AWS_ACCESS_KEY_ID": nil], allowPrivate: false)
                    .load(source)
            } throws: { "\($0)".contains("AWS") }
        }
    }

    @Test func `signatures are those of AWS's own Python library`() async throws {
        try await Self.with { aws in
            let cases = aws.server.said["signed"]?.arrayValue ?? []
            #expect(cases.count == 40)
            for entry in cases {
                let credentials = AWSCredentials(
                    accessKeyID: "AKIDEXAMPLE",
                    secretAccessKey: Secret("secret/+example"),
                    sessionToken: entry["token"]?.stringValue.map { Secret($0) }
                )
                let query = (entry["query"]?.arrayValue ?? []).map { pair in
                    (name: pair[0]?.stringValue ?? "", value: pair[1]?.stringValue ?? "")
                }
                let request = SigV4.Request(
                    method: "POST",
                    host: "bedrock.eu-west-1.amazonaws.com",
                    path: entry["path"]?.stringValue ?? "",
                    query: query,
                    fields: [
                        ("content-type", "application/x-amz-json-1.1"),
                        ("x-amz-target", entry["target"]?.stringValue ?? ""),
                    ],
                    body: ByteBuffer(string: entry["body"]?.stringValue ?? "")
                )
                let signer = SigV4(region: "eu-west-1", service: "bedrock")
                let now = UnixTime(seconds: 1_770_091_506)
                let fields = try signer.fields(for: request, credentials: credentials, now: now)
                #expect(fields.last?.value == entry["authorization"]?.stringValue, "\(entry.text)")
            }
        }
    }
}

/// What tests of remote keys share.
enum KeyBench {
    static func keys(
        _ fetcher: Fetcher,
        _ environment: [String: String],
        allowPrivate: Bool = true,
        files: [String: String] = [:]
    ) -> RemoteKeys {
        struct NoFile: Error {}
        return RemoteKeys(
            fetcher: fetcher,
            surroundings: RemoteKeys.Surroundings(
                environment: environment,
                allowPrivate: allowPrivate,
                readFile: { path in
                    guard let text = files[path] else { throw NoFile() }
                    return text
                },
                now: { Self.now },
                pause: { _ in }
            )
        )
    }

    /// The real time, since moto compares it.
    static var now: UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(seconds: Int64(time.tv_sec))
    }

    static func withFetcher(_ body: (Fetcher) async throws -> Void) async throws {
        let runtime = try await NetRuntime(loopCount: 1)
        do {
            try await body(runtime.fetcher)
            await runtime.shutdown()
        } catch {
            await runtime.shutdown()
            throw error
        }
    }

    static func hex(_ key: Secret<[UInt8]>) -> String {
        key.reveal { bytes in bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }

    static func code(of error: any Error) -> String? {
        if case RemoteKeyError.refused(_, let code, _) = error { code } else { nil }
    }
}
