import Auth
import NIOCore

/// The keys about what is kept, how it is sealed, and whose tokens are believed.
extension SettingsTable {
    static let storage: [Setting] = [
        Setting(
            path: "storage.url",
            kind: .text(expected: "sqlite:PATH", check: SettingRule.isStorageURL),
            standard: nil,
            help: "The database, `sqlite:PATH`; without it `turnpike.db` in `data_dir`.",
            example: "sqlite:/var/lib/turnpike/turnpike.db",
            isSecret: true,
            reload: .boot
        )
    ]

    static let credentials: [Setting] = [
        Setting(
            path: "credentials.encryption_key",
            kind: .text(
                expected: "64 hex digits, or file:PATH, aws-kms:…, aws-secret:…, azure-vault:…",
                check: SettingRule.isEncryptionKey
            ),
            standard: nil,
            help: "The key that seals provider keys: 64 hex digits, `file:PATH`, or a place outside this machine "
                + "([where](encryption-key-sources.md)); without it `encryption.key` in `data_dir`, made at the first "
                + "start. How to change it: [rotation](rotation.md).",
            example: "file:/etc/turnpike/encryption.key",
            aliases: [.init(name: "CREDENTIAL_ENCRYPTION_KEY")],
            isSecret: true
        ),
        Setting(
            path: "credentials.previous_keys",
            kind: .list(expected: "an encryption key", check: SettingRule.isEncryptionKey),
            standard: nil,
            help: "Further keys that still open what they sealed, in the same forms.",
            example: "file:/etc/turnpike/old.key",
            isSecret: true
        ),
        Setting(
            path: "credentials.allow_private",
            kind: .bool,
            standard: "false",
            help: "Whether the place that has the key, and what gives out roles for it, may be at a loopback, private "
                + "or link-local address.",
            example: "true"
        ),
    ]

    private static let roleNames = Role.allCases.map(\.rawValue)

    static let auth: [Setting] =
        [
            Setting(
                path: "auth.failure_limit",
                kind: .integer(0...1_000_000),
                standard: "20",
                help: "Bad keys that a client may send in a minute before they are answered 429; 0 is no limit.",
                example: "100",
                reload: .boot
            ),
            Self.issuer("preset", .choice(["stack-auth"]), "Fills in the rest for a known service.", "stack-auth"),
            Self.issuer("project", .anyText("a project id"), "The project, for the preset.", "demo"),
            Self.issuer(
                "base_url",
                .text(expected: "an http(s) URL", check: SettingRule.isWebURL),
                "An installation of one's own, for the preset.",
                "https://auth.example.com"
            ),
            Self.issuer("name", .anyText("a name"), "What logs call it; else the preset or the issuer.", "staff"),
            Self.issuer(
                "issuer",
                .anyText("an issuer"),
                "What `iss` must be, exactly. Needed without a preset.",
                "https://id.example.com/"
            ),
            Self.issuer(
                "audience",
                .list(expected: "an audience") { !$0.isEmpty },
                "`aud` must have one of these. Needed without a preset.",
                "turnpike"
            ),
            Self.issuer(
                "jwks_url",
                .text(expected: "an http(s) URL", check: SettingRule.isWebURL),
                "Where its public keys are. Needed without a preset.",
                "https://id.example.com/jwks.json"
            ),
            Self.issuer(
                "algorithms",
                .list(expected: SigningAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")) {
                    SigningAlgorithm(rawValue: $0) != nil
                },
                "What tokens may be signed with; else RS256, ES256, EdDSA.",
                "ES256"
            ),
            Self.issuer(
                "leeway",
                .duration(.zero...(.minutes(5))),
                "How far its clock and ours may be apart; else 30s.",
                "5s"
            ),
            Self.issuer(
                "add_users",
                .bool,
                "Whether a person who is not known yet is entered at the first call; else false, with the preset true.",
                "true"
            ),
            Self.issuer("allow_private", .bool, "Whether it may be at a private address.", "true"),
            Self.issuer("ca_file", .anyText("a path"), "PEM file of the authorities trusted for it.", "/etc/ca.pem"),
        ] + Self.claims

    private static let claims: [Setting] = [
        Self.issuer("claims.user", .anyText("a claim"), "The claim with the person; else `sub`.", "uid"),
        Self.issuer("claims.group", .anyText("a claim"), "The claim with the group.", "org_id"),
        Self.issuer("claims.role", .anyText("a claim"), "The claim with the role, or roles, for `roles`.", "roles"),
        Self.issuer("claims.email", .anyText("a claim"), "The claim with the address, for display.", "mail"),
        Self.issuer("claims.name", .anyText("a claim"), "The claim with the name, for display.", "nickname"),
        Self.issuer(
            "group",
            .text(expected: "a group id (letters, digits, '-', '_')", check: SettingRule.isGroupID),
            "The group of everybody whose token does not name one.",
            "staff"
        ),
        Self.issuer(
            "roles.<value>",
            .choice(Self.roleNames),
            "The role of whoever has this value in `claims.role`; the first that fits counts.",
            "group_admin"
        ),
        Self.issuer("default_role", .choice(Self.roleNames), "The role of everybody else; else member.", "group_admin"),
    ]

    private static func issuer(_ key: String, _ kind: SettingKind, _ help: String, _ example: String) -> Setting {
        Setting(path: "auth.jwt[].\(key)", kind: kind, standard: nil, help: help, example: example)
    }

    static let bootstrapPeople: [Setting] = [
        Setting(
            path: "bootstrap.groups[].users[].id",
            kind: .text(expected: "a user id (letters, digits, '-', '_')", check: SettingRule.isGroupID),
            standard: nil,
            help: "The person.",
            example: "anna",
            isRequired: true
        ),
        Setting(
            path: "bootstrap.groups[].users[].name",
            kind: .anyText(),
            standard: nil,
            help: "The person's name; else the id.",
            example: "Anna"
        ),
        Setting(
            path: "bootstrap.groups[].users[].email",
            kind: .anyText("an address"),
            standard: nil,
            help: "The person's address.",
            example: "anna@example.com"
        ),
        Setting(
            path: "bootstrap.groups[].users[].role",
            kind: .choice(Self.roleNames),
            standard: "member",
            help: "What the person may administer: every group, the own group, nothing.",
            example: "group_admin"
        ),
        Setting(
            path: "bootstrap.groups[].keys[].user",
            kind: .text(expected: "a user id", check: SettingRule.isGroupID),
            standard: nil,
            help: "Whose key it is: one of the group's `users`; else the group's.",
            example: "anna"
        ),
        Setting(
            path: "bootstrap.groups[].keys[].scopes",
            kind: .list(expected: KeyScopes.all.map(\.name).joined(separator: " or ")) { name in
                KeyScopes.all.contains { $0.name == name }
            },
            standard: nil,
            help: "What it may be used for, `inference` and `admin`; else inference. `admin` needs a `user`.",
            example: "inference, admin"
        ),
    ]
}
