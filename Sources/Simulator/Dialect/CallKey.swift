import NIOHTTP1

/// Finds the key of a call.
enum CallKey {
    /// A place where clients put their keys.
    enum Place: Sendable, Equatable {
        /// `Authorization: Bearer KEY`.
        case bearer
        /// A header field that holds nothing else.
        case header(String)
        /// A parameter of the query.
        case query(String)
        /// The access key id in `Authorization: AWS4-HMAC-SHA256 Credential=ID/…`.
        case awsCredential
    }

    /// Every place there is: for the record and for scripts, which know no dialect.
    static let places: [Place] = [
        .bearer, .awsCredential, .header("api-key"), .header("x-api-key"), .header("x-goog-api-key"), .query("key"),
    ]

    /// Fields whose values are secret.
    static let headerNames: Set<String> = [
        "authorization", "api-key", "x-api-key", "x-goog-api-key", "x-amz-security-token", "cookie",
    ]

    /// The first key that is found in `places`.
    static func find(in headers: HTTPHeaders, target: String, places: [Place] = Self.places) -> String? {
        for place in places {
            if let key = Self.find(place, headers, target) { return key }
        }
        return nil
    }

    /// A request target with nothing but the last four characters of a key in its query.
    static func hidden(in target: String) -> String {
        guard let key = Target(target).parameter("key"), let mark = target.firstIndex(of: "?") else { return target }
        let pairs = target[mark...].dropFirst().split(separator: "&").map { pair in
            pair.hasPrefix("key=") ? "key=...\(key.suffix(4))" : pair
        }
        return "\(target[..<mark])?\(pairs.joined(separator: "&"))"
    }

    private static func find(_ place: Place, _ headers: HTTPHeaders, _ target: String) -> String? {
        switch place {
        case .bearer:
            let parts = (headers.first(name: "authorization") ?? "").split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1])
        case .header(let name):
            return headers.first(name: name)
        case .query(let name):
            return Target(target).parameter(name)
        case .awsCredential:
            let parts = (headers.first(name: "authorization") ?? "").split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0] == "AWS4-HMAC-SHA256" else { return nil }
            let credential = parts[1].split(separator: ",").lazy
                .map { $0.drop { $0 == " " } }
                .first { $0.hasPrefix("Credential=") }
            return credential.map { String($0.dropFirst("Credential=".count).prefix { $0 != "/" }) }
        }
    }
}
