package import Core
package import NIOCore

/// One row of the settings table: everything there is to know about one key.
///
/// Parsing, `--help`, `docs/settings.md`, the start-up report and the hint for an unknown key all come from here.
package struct Setting: Sendable {
    /// Where the key stands in the file: `server.listen`.
    ///
    /// `<name>` stands for a name that the operator chooses,
    /// `[]` for each element of a list.
    package let path: String
    /// What may be written.
    package let kind: SettingKind
    /// The value when nobody says anything, as it would be written.
    ///
    /// Nil means none, written `null`.
    package let standard: String?
    /// One line for people.
    package let help: String
    /// A value other than the standard one, for the docs and for the test that every setting has an effect.
    package let example: String
    /// Further environment variables that set it, besides `TURNPIKE_<PATH>`.
    package var aliases: [EnvironmentAlias] = []
    /// Whether the value is hidden in reports, logs and mistakes.
    package var isSecret = false
    /// Whether a map that has this key must have it.
    package var isRequired = false
    /// When a change takes effect.
    package var reload = Reload.live
    /// Whether this version acts on it.
    package var availability = Availability.now
    /// Whether it can be said in the file alone.
    package var isFileOnly = false

    /// When a change of the file takes effect.
    package enum Reload: String, Sendable {
        /// At once, on SIGHUP or when the file is saved.
        case live
        /// At the next start; a change is reported and the old value stays in force.
        case boot
    }

    /// Whether this version acts on a setting.
    package enum Availability: Sendable, Equatable {
        case now
        /// The key is part of the contract and its shape is checked, but any value other than the standard one is
        /// refused, so that nobody relies on something that does nothing.
        case later
    }

    /// An environment variable with a name of its own.
    package struct EnvironmentAlias: Sendable {
        package let name: String
        /// Added to the variable's value to make it a value of this setting: `ms` where the variable is a bare number.
        package var unit = ""
    }

    /// Whether the path has no chosen names and no list elements, so that there is exactly one such key.
    package var isFixed: Bool { !self.path.contains("<") && !self.path.contains("[]") }

    /// Whether the environment and flags can set it: one value, not inside a list, and not for the file alone.
    package var isScalar: Bool { !self.path.contains("[]") && !self.kind.isOpaque && !self.isFileOnly }

    /// `TURNPIKE_SERVER_LISTEN`; chosen names stay in angle brackets.
    ///
    /// Nil for what only the file can say.
    package var environmentName: String? {
        guard self.isScalar else { return nil }
        return "TURNPIKE_" + self.path.map { $0 == "." || $0 == "-" ? "_" : $0.uppercased() }.joined()
    }

    /// `--server-listen`; chosen names stay in angle brackets.
    ///
    /// Nil for what only the file can say.
    package var flag: String? {
        guard self.isScalar else { return nil }
        return "--" + self.path.map { $0 == "." || $0 == "_" ? "-" : String($0) }.joined()
    }
}

/// What may be written as the value of a setting, with its limits.
package enum SettingKind: Sendable {
    case bool
    case integer(ClosedRange<Int>)
    /// Bytes.
    case size(ClosedRange<Int>)
    /// Milliseconds are the finest unit.
    case duration(ClosedRange<TimeAmount>)
    case choice([String])
    /// Host and port.
    case address
    /// A text; `expected` completes "is not …", `check` says whether it is one.
    case text(expected: String, check: @Sendable (String) -> Bool)
    /// A list of texts; a comma separates them where only one line is to be had.
    case list(expected: String, check: @Sendable (String) -> Bool)
    /// A map whose content is kept as it is.
    case tree
    /// A list or map whose content this version does not read.
    case opaque(isList: Bool)

    /// Any text that is not empty and has no control characters.
    package static func anyText(_ expected: String = "a text") -> SettingKind {
        .text(expected: expected) { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
    }

    /// Whether the content is not read here.
    package var isOpaque: Bool {
        switch self {
        case .opaque, .tree: true
        default: false
        }
    }

    /// Whether it is a map that is kept as it is.
    package var isTree: Bool {
        if case .tree = self { true } else { false }
    }

    /// The type as the docs call it.
    package var name: String {
        switch self {
        case .bool: "true or false"
        case .integer(let range): range.upperBound == .max ? "number" : "number \(range.lowerBound)–\(range.upperBound)"
        case .size: "size"
        case .duration: "duration"
        case .choice(let choices): choices.joined(separator: " \\| ")
        case .address: "host:port"
        case .text(let expected, _): expected
        case .list(let expected, _): "list, each \(expected)"
        case .tree: "map"
        case .opaque(let isList): isList ? "list" : "map"
        }
    }
}

/// A checked value.
package enum SettingValue: Sendable, Equatable {
    case tree(JSONValue)
    case null
    case bool(Bool)
    /// Numbers, and sizes in bytes.
    case integer(Int)
    case duration(TimeAmount)
    case text(String)
    case list([String])
}
