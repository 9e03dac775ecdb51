import Providers
import Testing

@testable import Engine
@testable import turnpike

/// Where Bedrock is: what the file says, else what Amazon's own tools go by.
@Suite struct RegionTests {
    private static func bedrock(_ yaml: String, _ environment: [String: String]) throws -> Settings.Provider {
        try #require(Given.settings(yaml, environment).providers.first { $0.kind == .bedrock })
    }

    @Test(
        arguments: [
            ("providers: { bedrock: { } }", ["AWS_REGION": "eu-west-3"], "eu-west-3"),
            ("providers: { bedrock: { } }", ["AWS_DEFAULT_REGION": "eu-west-2"], "eu-west-2"),
            (
                "providers: { bedrock: { } }", ["AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-2"],
                "eu-west-3"
            ),
            ("providers: { bedrock: { region: us-west-2 } }", ["AWS_REGION": "eu-west-3"], "us-west-2"),
            ("", ["AWS_REGION": "eu-west-3"], "eu-west-3"), ("providers: { bedrock: { } }", [:], "us-east-1"),
            ("providers: { bedrock: { } }", ["AWS_REGION": ""], "us-east-1"),
        ]
    )
    func `a region that the file does not say is that of the surroundings`(
        yaml: String,
        environment: [String: String],
        region: String
    ) throws {
        let provider = try Self.bedrock(yaml, environment)
        #expect(provider.baseURL == "https://bedrock-runtime.\(region).amazonaws.com")
        #expect(provider.entry.region(at: "bedrock-runtime.\(region).amazonaws.com") == region)
    }

    @Test func `an address that names its region keeps it, another is signed for the surroundings' one`() throws {
        let url = "https://bedrock-runtime.eu-north-1.amazonaws.com"
        let environment = ["AWS_REGION": "eu-west-3"]
        let own = try Self.bedrock("providers: { bedrock: { base_url: \"\(url)\" } }", environment)
        #expect(own.entry.region(at: "bedrock-runtime.eu-north-1.amazonaws.com") == "eu-north-1")
        let other = try Self.bedrock("providers: { bedrock: { base_url: \"https://b.example\" } }", environment)
        #expect(other.entry.region(at: "b.example") == "eu-west-3")
    }

    @Test func `what is no region is a mistake`() {
        let mistakes = Given.mistakes("providers: { bedrock: { } }", ["AWS_REGION": "eu/west"])
        #expect(mistakes.contains { $0.contains("AWS_REGION") && $0.contains("is not a region") })
    }
}
