import Core
import Transport

/// The shapes of texts that settings have.
package enum SettingRule {
    /// A provider's name: letters, digits, `-`, `_`, `.`, at most 64, beginning with a letter or digit.
    package static func isProviderName(_ text: String) -> Bool { Self.isWord(text, max: 64, also: "-_.") }

    /// A group's id: letters, digits, `-`, `_`, at most 64.
    package static func isGroupID(_ text: String) -> Bool { Self.isWord(text, max: 64, also: "-_") }

    /// A model or alias: visible ASCII, at most 256.
    package static func isModelName(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// A gateway key's secret: 20 to 200 visible ASCII characters.
    package static func isGatewaySecret(_ text: String) -> Bool {
        (20...200).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// A provider's key: visible ASCII, so that it cannot break out of a header; at most 8 KB.
    package static func isProviderKey(_ text: String) -> Bool {
        (1...8_192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// A plain `http(s)://host[:port][/path]`.
    package static func isWebURL(_ text: String) -> Bool { (try? Endpoint(url: text, allowPrivate: true)) != nil }

    /// `host:port`.
    package static func isHostAndPort(_ text: String) -> Bool { ListenAddress(text) != nil }

    /// An address with or without a prefix length.
    package static func isNetwork(_ text: String) -> Bool { AddressBlock(text) != nil }

    static func isStorageURL(_ text: String) -> Bool {
        ["sqlite:", "postgres://", "postgresql://"].contains { text.hasPrefix($0) && text.count > $0.count }
    }

    static func isRedisURL(_ text: String) -> Bool {
        ["redis://", "rediss://"].contains { text.hasPrefix($0) && text.count > $0.count }
    }

    static func isEncryptionKey(_ text: String) -> Bool {
        if ["file:", "aws-kms:", "aws-secret:", "azure-vault:"].contains(where: {
            text.hasPrefix($0) && text.count > $0.count
        }) {
            return true
        }
        return text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func isWord(_ text: String, max: Int, also: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter || first.isNumber, text.utf8.count <= max else {
            return false
        }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || also.contains($0)) }
    }
}
