import Core

extension JWTIssuer {
    /// Whether the claims are those of a token that this issuer made for us and that is good at `now`.
    ///
    /// Says nothing about the signature.
    ///
    /// - Returns: Who it is.
    func identity(
        from claims: JSONValue,
        issuerIndex: Int,
        now: UnixTime
    ) throws(TokenRefusal) -> VerifiedIdentity {
        guard let issuer = claims["iss"]?.stringValue, issuer.utf8.elementsEqual(self.issuer.utf8) else {
            throw .unknownIssuer
        }
        try self.checkAudience(claims["aud"])
        let expires = try self.checkTimes(claims, now: now)
        let subject = try Self.name(claims["sub"])
        let user = self.claims.user == "sub" ? subject : try Self.name(ClaimMapping.claim(self.claims.user, in: claims))
        var group = self.claims.fixedGroup
        if let name = self.claims.group, let claim = ClaimMapping.claim(name, in: claims), !claim.isNull {
            // A group of any other form cannot exist here.
            guard let text = claim.stringValue, TenantRule.isID(text) else { throw .badClaims }
            group = GroupID(text)
        }
        return VerifiedIdentity(
            issuerIndex: issuerIndex,
            issuer: self,
            subject: subject,
            user: user,
            group: group,
            role: self.claims.role(in: claims),
            email: self.claims.email.flatMap { Self.shownText(ClaimMapping.claim($0, in: claims)) },
            displayName: self.claims.displayName.flatMap { Self.shownText(ClaimMapping.claim($0, in: claims)) },
            expires: expires
        )
    }

    /// A text or a list of texts (RFC 7519 section 4.1.3).
    private func checkAudience(_ claim: JSONValue?) throws(TokenRefusal) {
        let names: [String]
        switch claim {
        case .string(let name): names = [name]
        case .array(let elements):
            names = elements.compactMap(\.stringValue)
            guard names.count == elements.count else { throw .wrongAudience }
        default: throw .wrongAudience
        }
        let isForUs = names.contains { name in self.audiences.contains { $0.utf8.elementsEqual(name.utf8) } }
        guard isForUs else { throw .wrongAudience }
    }

    /// `exp` must be there; `nbf` and `iat` must be past if they are.
    private func checkTimes(_ claims: JSONValue, now: UnixTime) throws(TokenRefusal) -> UnixTime {
        guard let expiry = try Self.time(claims["exp"]) else { throw .badClaims }
        let leeway = self.leewaySeconds * 1000
        let expires = UnixTime(milliseconds: expiry.milliseconds + leeway)
        guard now < expires else { throw .expired }
        for name in ["nbf", "iat"] {
            guard let time = try Self.time(claims[name]) else { continue }
            guard time.milliseconds <= now.milliseconds + leeway else { throw .notYetValid }
        }
        return expires
    }

    /// Seconds since 1970, fractions allowed (RFC 7519 section 2), up to the end of the year 9999.
    private static func time(_ claim: JSONValue?) throws(TokenRefusal) -> UnixTime? {
        guard let claim else { return nil }
        guard let seconds = claim.doubleValue, seconds >= 0, seconds <= 253_402_300_799 else { throw .badClaims }
        return UnixTime(milliseconds: Int64(seconds * 1000))
    }

    /// A name of a person: 1 to 255 bytes on one line, as the store takes them (row 52).
    private static func name(_ claim: JSONValue?) throws(TokenRefusal) -> String {
        guard let text = claim?.stringValue, (1...255).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy(TenantRule.isHarmless)
        else { throw .badClaims }
        return text
    }

    /// What is only shown is left out where it cannot be shown.
    private static func shownText(_ claim: JSONValue?) -> String? { try? Self.name(claim) }
}
