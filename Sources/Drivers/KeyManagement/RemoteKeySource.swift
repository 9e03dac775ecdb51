import Core
import Transport

/// Where a credential encryption key is kept outside this machine, as the setting says it.
///
/// - `aws-secret:NAME-or-ARN[#json-key][@region]`: AWS Secrets Manager holds the key as 64 hexadecimal digits, as a
///   member of a JSON object that is named behind `#`, or as 32 binary bytes.
/// - `aws-kms:file:PATH?key=KEY[&region=…][&context.NAME=VALUE…]` or `aws-kms:data:BASE64?key=…`: a data key,
///   sealed by the KMS key, lies in a file or in the setting itself, in base64; KMS unseals it. `KEY` is an id, an ARN
///   or an `alias/…`; it is required, so that a data key sealed by somebody else's KMS key is not accepted.
/// - `azure-vault:https://NAME.vault.azure.net/secrets/NAME[/version]`: 64 hexadecimal digits in Azure Key Vault.
package enum RemoteKeySource: Sendable, Equatable {
    case awsSecret(id: String, member: String?, region: String?)
    case awsKMS(SealedDataKey)
    case azureVault(vaultURL: String, name: String, version: String?)

    /// A data key that KMS has sealed.
    package struct SealedDataKey: Sendable, Equatable {
        /// Where the sealed bytes are.
        package enum Place: Sendable, Equatable {
            case file(String)
            /// Base64.
            case inline(String)
        }

        package var place: Place
        /// The KMS key.
        package var keyID: String
        package var region: String?
        /// The encryption context; must be the same for sealing and unsealing.
        package var context: [String: String]

        package init(place: Place, keyID: String, region: String? = nil, context: [String: String] = [:]) {
            self.place = place
            self.keyID = keyID
            self.region = region
            self.context = context
        }
    }

    /// Reads what stands behind the scheme's colon.
    ///
    /// - Parameter scheme: `aws-secret`, `aws-kms` or `azure-vault`.
    /// - Throws: `RemoteKeyError.badSource` with the form that was expected.
    package init(scheme: String, name: String) throws(RemoteKeyError) {
        switch scheme {
        case "aws-secret": self = try Self.secret(name)
        case "aws-kms": self = .awsKMS(try Self.dataKey(name))
        case "azure-vault": self = try Self.vault(name)
        default: throw .badSource("aws-secret:…, aws-kms:… or azure-vault:…")
        }
    }

    /// What start-up and `doctor` show; holds nothing secret.
    package var label: String {
        switch self {
        case .awsSecret(let id, let member, _): "AWS secret \(id)" + (member.map { "#\($0)" } ?? "")
        case .awsKMS(let key):
            switch key.place {
            case .file(let path): "data key in \(path), sealed by AWS KMS key \(key.keyID)"
            case .inline: "data key in the settings, sealed by AWS KMS key \(key.keyID)"
            }
        case .azureVault(let url, let name, let version):
            "Azure secret \(url)/secrets/\(name)" + (version.map { "/\($0)" } ?? "")
        }
    }

    // MARK: - Forms

    private static let secretForm = "aws-secret:NAME-or-ARN[#json-key][@region]"
    private static let dataKeyForm = "aws-kms:file:PATH?key=KEY[&region=REGION] or aws-kms:data:BASE64?key=KEY"
    private static let vaultForm = "azure-vault:https://NAME.vault.azure.net/secrets/NAME[/version]"

    private static func secret(_ text: String) throws(RemoteKeyError) -> RemoteKeySource {
        var rest = Substring(text)
        var region: String?
        // A secret's name may have an @ of its own; a region has a form that no name's end has by chance.
        if let at = rest.lastIndex(of: "@"), Self.isRegion(rest[rest.index(after: at)...]) {
            region = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        let parts = rest.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let member = parts.count > 1 ? String(parts[1]) : nil
        guard let id = parts.first, !id.isEmpty, member?.isEmpty != true, Self.isVisible(text) else {
            throw .badSource(Self.secretForm)
        }
        return .awsSecret(id: String(id), member: member, region: region ?? Self.region(inARN: String(id)))
    }

    private static func dataKey(_ text: String) throws(RemoteKeyError) -> SealedDataKey {
        guard let mark = text.lastIndex(of: "?"), Self.isVisible(text) else { throw .badSource(Self.dataKeyForm) }
        let head = text[..<mark]
        let place: SealedDataKey.Place
        if head.hasPrefix("file:"), head.utf8.count > 5 {
            place = .file(String(head.dropFirst(5)))
        } else if head.hasPrefix("data:"), head.utf8.count > 5 {
            place = .inline(String(head.dropFirst(5)))
        } else {
            throw .badSource(Self.dataKeyForm)
        }
        var key = SealedDataKey(place: place, keyID: "")
        for pair in text[text.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else { throw .badSource(Self.dataKeyForm) }
            switch parts[0] {
            case "key": key.keyID = parts[1]
            case "region" where Self.isRegion(Substring(parts[1])): key.region = parts[1]
            case let name where name.hasPrefix("context.") && name.utf8.count > 8:
                key.context[String(name.dropFirst(8))] = parts[1]
            default: throw .badSource(Self.dataKeyForm)
            }
        }
        guard !key.keyID.isEmpty else { throw .badSource(Self.dataKeyForm) }
        key.region = key.region ?? Self.region(inARN: key.keyID)
        return key
    }

    private static func vault(_ text: String) throws(RemoteKeyError) -> RemoteKeySource {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // https: // host secrets name [version]
        guard (5...6).contains(parts.count), parts[1].isEmpty, parts[3] == "secrets",
            parts[4...].allSatisfy(Self.isVaultName), parts[0] == "https:" || parts[0] == "http:",
            (try? Endpoint(url: "\(parts[0])//\(parts[2])", allowPrivate: false)) != nil
        else { throw .badSource(Self.vaultForm) }
        return .azureVault(
            vaultURL: "\(parts[0])//\(parts[2])",
            name: parts[4],
            version: parts.count > 5 ? parts[5] : nil
        )
    }

    private static func isVaultName(_ text: String) -> Bool {
        (1...127).contains(text.utf8.count)
            && text.utf8.allSatisfy { Self.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// `arn:aws:kms:eu-west-1:…`.
    private static func region(inARN text: String) -> String? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 4, parts[0] == "arn", Self.isRegion(parts[3]) else { return nil }
        return String(parts[3])
    }

    /// `eu-west-1`, `us-gov-east-1`.
    static func isRegion(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (3...5).contains(parts.count), let number = parts.last, (1...2).contains(number.utf8.count) else {
            return false
        }
        return number.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && parts.dropLast().allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            }
    }

    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
