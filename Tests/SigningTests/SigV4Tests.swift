import Core
import NIOCore
import Signing
import Testing

/// Signatures, against what AWS published and against AWS's own Python library.
@Suite struct SigV4Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var request: SigV4.Request
        var token: String?
        let signed: String
        let signature: String
    }

    private static let date = UnixTime(seconds: 1_440_938_160)
    private static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    private static let token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo"
        + "IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5V"
        + "SXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yj"
        + "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

    private static func vector(
        _ name: String,
        _ method: String = "GET",
        path: String = "/",
        query: [(name: String, value: String)] = [],
        fields: [(name: String, value: String)] = [],
        body: String = "",
        token: String? = nil,
        signed: String = "host;x-amz-date",
        signature: String
    ) -> Vector {
        let request = SigV4.Request(
            method: method,
            host: "example.amazonaws.com",
            path: path,
            query: query,
            fields: fields,
            body: ByteBuffer(string: body)
        )
        return Vector(testDescription: name, request: request, token: token, signed: signed, signature: signature)
    }

    /// From AWS's Signature Version 4 test suite.
    static let vectors: [Vector] = [
        vector("get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        vector(
            "get-unreserved",
            path: "/" + unreserved,
            signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
        ),
        vector("get-utf8", path: "/ሴ", signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        vector(
            "get-vanilla-empty-query-key",
            query: [("Param1", "value1")],
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"
        ),
        vector(
            "get-vanilla-query-order-key-case",
            query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        vector(
            "get-vanilla-query-unreserved",
            query: [(unreserved, unreserved)],
            signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"
        ),
        vector(
            "get-vanilla-utf8-query",
            query: [("ሴ", "bar")],
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
        ),
        vector(
            "get-header-key-duplicate",
            fields: [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
            signed: "host;my-header1;x-amz-date",
            signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"
        ),
        vector(
            "get-header-value-order",
            fields: ["value4", "value1", "value3", "value2"].map { ("My-Header1", $0) },
            signed: "host;my-header1;x-amz-date",
            signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"
        ),
        vector(
            "get-header-value-trim",
            fields: [("My-Header1", " value1"), ("My-Header2", #" "a   b   c""#)],
            signed: "host;my-header1;my-header2;x-amz-date",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
        vector("post-vanilla", "POST", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        vector(
            "post-header-key-sort",
            "POST",
            fields: [("My-Header1", "value1")],
            signed: "host;my-header1;x-amz-date",
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"
        ),
        vector(
            "post-header-value-case",
            "POST",
            fields: [("My-Header1", "VALUE1")],
            signed: "host;my-header1;x-amz-date",
            signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
        ),
        vector(
            "post-sts-header-before",
            "POST",
            token: token,
            signed: "host;x-amz-date;x-amz-security-token",
            signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
        ),
        vector(
            "post-vanilla-query",
            "POST",
            query: [("Param1", "value1")],
            signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
        ),
        vector(
            "post-vanilla-query-nonunreserved",
            "POST",
            query: [("@#$%^", ""), ("+", #"/,?><`";:\|][{}"#)],
            signature: "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e"
        ),
        vector(
            "post-x-www-form-urlencoded",
            "POST",
            fields: [("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1",
            signed: "content-type;host;x-amz-date",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        ),
        vector(
            "post-x-www-form-urlencoded-parameters",
            "POST",
            fields: [("Content-Type", "application/x-www-form-urlencoded; charset=utf8")],
            body: "Param1=value1",
            signed: "content-type;host;x-amz-date",
            signature: "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"
        ),
    ]

    @Test(arguments: vectors)
    func `requests of AWS's test suite get the signatures that AWS published`(_ vector: Vector) throws {
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE",
            secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            sessionToken: vector.token.map { Secret($0) }
        )
        let signer = SigV4(region: "us-east-1", service: "service")
        let fields = try signer.fields(for: vector.request, credentials: credentials, now: Self.date)
        #expect(fields.first?.name == "x-amz-date" && fields.first?.value == "20150830T123600Z")
        #expect(fields.last?.name == "authorization")
        #expect(
            fields.last?.value
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=\(vector.signed), Signature=\(vector.signature)"
        )
        #expect(fields.first { $0.name == "x-amz-security-token" }?.value == vector.token)
    }
}
