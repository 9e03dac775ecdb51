import Auth
import Core
import NIOCore
import Transport

extension SettingsBuilder {
    /// Where the database is.
    mutating func storage(dataDirectory: String) -> Settings.Storage {
        guard let url = self.values.optionalText("storage.url") else {
            let folder = dataDirectory.hasSuffix("/") ? String(dataDirectory.dropLast()) : dataDirectory
            return Settings.Storage(path: "\(folder)/turnpike.db")
        }
        guard url.hasPrefix("sqlite:") else {
            self.note("storage.url", "this version keeps its data in SQLite only (sqlite:PATH)")
            return Settings.Storage(path: "")
        }
        // `sqlite:///var/x.db` and `sqlite:/var/x.db` are the same file; `sqlite:x.db` is in the working directory.
        var path = url.dropFirst("sqlite:".count)
        if path.hasPrefix("///") { path = path.dropFirst(2) }
        if path.hasPrefix("//") || path.isEmpty || path.hasSuffix("/") || path.hasPrefix(":") {
            self.note("storage.url", "is not sqlite:PATH (sqlite:data/turnpike.db, sqlite:/var/lib/turnpike.db)")
        }
        return Settings.Storage(path: String(path))
    }

    /// Where the encryption keys are.
    mutating func encryption() -> Settings.Encryption {
        Settings.Encryption(
            key: self.values.optionalText("credentials.encryption_key").map { Secret($0) },
            previous: self.values.list("credentials.previous_keys").map { Secret($0) },
            allowPrivate: self.values.bool("credentials.allow_private")
        )
    }

    // MARK: - Issuers

    /// The entries of `auth.jwt:`.
    mutating func issuers() -> [JWTIssuer] {
        var issuers: [JWTIssuer] = []
        for index in 0..<self.values.count("auth.jwt") {
            let path = SettingPath("auth.jwt").element(index)
            do throws(JWTIssuerError) {
                let issuer = try self.issuer(path)
                guard !issuers.contains(where: { $0.issuer == issuer.issuer }) else {
                    throw .duplicate(issuer.issuer)
                }
                issuers.append(issuer)
            } catch {
                self.note(path, error.description)
            }
        }
        return issuers
    }

    private mutating func issuer(_ path: SettingPath) throws(JWTIssuerError) -> JWTIssuer {
        let preset = self.values.optionalText(path.child("preset"))
        let name = self.values.optionalText(path.child("name"))
        let provisions = self.values.optionalBool(path.child("add_users"))
        let allowPrivate = self.values.bool(path.child("allow_private"))
        let caFile = self.values.optionalText(path.child("ca_file"))
        if preset != nil {
            for key in ["issuer", "audience", "jwks_url", "algorithms", "leeway"]
            where self.values.entries[path.child(key)] != nil {
                self.note(path.child(key), "is what the preset says; leave one of the two out")
            }
            return try JWTIssuer.stackAuth(
                project: self.values.text(path.child("project")),
                name: name ?? "stack-auth",
                baseURL: self.values.optionalText(path.child("base_url")) ?? "https://api.stack-auth.com",
                claims: self.claims(path, over: .stackAuth),
                provisionsUsers: provisions ?? true,
                allowPrivate: allowPrivate,
                caFile: caFile
            )
        }
        for key in ["project", "base_url"] where self.values.entries[path.child(key)] != nil {
            self.note(path.child(key), "is for a preset only")
        }
        let issuer = self.values.text(path.child("issuer"))
        let algorithms = self.values.list(path.child("algorithms")).compactMap(SigningAlgorithm.init(rawValue:))
        let leeway = self.values.optionalDuration(path.child("leeway")) ?? .seconds(30)
        return try JWTIssuer(
            name: name ?? issuer,
            issuer: issuer,
            audiences: self.values.list(path.child("audience")),
            keysURL: self.values.text(path.child("jwks_url")),
            algorithms: algorithms.isEmpty ? [.rs256, .es256, .edDSA] : algorithms,
            claims: self.claims(path, over: ClaimMapping()),
            leewaySeconds: leeway.nanoseconds / 1_000_000_000,
            provisionsUsers: provisions ?? false,
            allowPrivate: allowPrivate,
            caFile: caFile
        )
    }

    private mutating func claims(_ path: SettingPath, over standard: ClaimMapping) -> ClaimMapping {
        let claims = path.child("claims")
        var mapping = standard
        if let user = self.values.optionalText(claims.child("user")) { mapping.user = user }
        if let group = self.values.optionalText(claims.child("group")) { mapping.group = group }
        if let role = self.values.optionalText(claims.child("role")) { mapping.role = role }
        if let email = self.values.optionalText(claims.child("email")) { mapping.email = email }
        if let name = self.values.optionalText(claims.child("name")) { mapping.displayName = name }
        mapping.fixedGroup = self.values.optionalText(path.child("group")).map { GroupID($0) }
        if mapping.group == nil, mapping.fixedGroup == nil {
            self.note(path, "needs claims.group, the claim that names the group, or group for everybody")
        }
        let roles = path.child("roles")
        mapping.roles = self.values.names(under: roles).compactMap { value in
            Role(rawValue: self.values.text(roles.child(value))).map { ClaimMapping.Rule(claim: value, role: $0) }
        }
        if !mapping.roles.isEmpty, mapping.role == nil { self.note(roles, "needs claims.role beside it") }
        if let role = self.values.optionalText(path.child("default_role")).flatMap(Role.init(rawValue:)) {
            mapping.defaultRole = role
        }
        return mapping
    }

    // MARK: - People of groups

    /// The people of a group of `bootstrap:`.
    mutating func users(_ path: SettingPath, seen: inout Set<String>) -> [Settings.User] {
        (0..<self.values.count(path)).map { index in
            let entry = path.element(index)
            let id = self.values.text(entry.child("id"))
            if !id.isEmpty, !seen.insert(id).inserted {
                self.note(entry.child("id"), "the user \(id) is there twice; a person belongs to one group")
            }
            return Settings.User(
                id: id,
                name: self.values.optionalText(entry.child("name")),
                email: self.values.optionalText(entry.child("email")),
                role: Role(rawValue: self.values.text(entry.child("role"))) ?? .member
            )
        }
    }

    /// Whose key it is and what it may be used for.
    mutating func owner(
        _ entry: SettingPath,
        among users: [Settings.User]
    ) -> (user: String?, scopes: KeyScopes) {
        let user = self.values.optionalText(entry.child("user"))
        if let user, !users.contains(where: { $0.id == user }) {
            self.note(entry.child("user"), "\"\(user)\" is not one of the group's users")
        }
        let names = self.values.list(entry.child("scopes"))
        let scopes = (try? KeyScopes(names: names)) ?? .inference
        if scopes.contains(.admin), user == nil {
            self.note(entry.child("scopes"), "admin needs a user, whose role says how far it goes")
        }
        return (user, scopes)
    }
}
