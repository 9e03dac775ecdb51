import Testing

@testable import Engine
@testable import turnpike

@Suite struct ProductionTests {
    private static let keys =
        "bootstrap: { groups: [ { id: g, keys: [ { name: n, secret: abcdefghijklmnopqrstu } ] } ] }\n"
        + "credentials: { encryption_key: 'file:k' }\n"

    @Test func `production starts with a key on loopback`() throws {
        let settings = try Given.settings("environment: production\n" + Self.keys)
        #expect(settings.environment == .production)
        #expect(!settings.needsFirstKey)
    }

    @Test(arguments: [
        (
            "",
            "credentials.encryption_key: production makes no encryption key by itself: make one with turnpike keyring "
                + "generate, and say where it is"
        ),
        (keys + "simulator: true", "simulator: production refuses the simulator"),
        (
            keys + "server: { listen: ':80' }",
            "server.listen: production refuses plain HTTP beyond loopback: set server.tls, or server.behind_proxy "
                + "where a proxy does TLS"
        ),
        (
            keys + "providers: { a: { base_url: 'http://a.example/v1' } }",
            "providers.a.base_url: production refuses plain HTTP to a provider: use https://, or allow_private for one "
                + "in your network"
        ),
    ])
    func `production refuses what is only fit for trying out`(yaml: String, expected: String) {
        let mistakes = Given.mistakes("environment: production\n" + yaml)
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.hasSuffix(expected) == true, "\(mistakes)")
        #expect(Given.mistakes(yaml) == [], "development allows it")
    }

    @Test(arguments: ["behind_proxy: true", "tls: { certificate_file: c, key_file: k }"])
    func `production listens to the world with TLS or behind a proxy`(setting: String) {
        let yaml = "environment: production\n\(Self.keys)server: { listen: ':443', \(setting) }"
        #expect(Given.mistakes(yaml) == [])
    }
}
