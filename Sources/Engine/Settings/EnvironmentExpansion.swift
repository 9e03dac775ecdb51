/// Replaces `${NAME}` in a value of the file by an environment variable.
///
/// `${NAME}` must be set; `${NAME:-text}` is `text` where it is unset or empty; `$$` is a dollar sign. What a variable
/// holds is never expanded again, and cannot change the structure of the file.
package enum EnvironmentExpansion {
    /// The text with every `${…}` replaced.
    ///
    /// - Throws: `BadValue` naming the first variable that is not set, or the place where the form is wrong.
    package static func expand(_ text: String, _ environment: [String: String]) throws(BadValue) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.hasPrefix("$") {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.hasPrefix("{") {
                guard let end = rest.firstIndex(of: "}") else { throw BadValue("has '${' without '}'") }
                result += try Self.value(of: rest[rest.index(after: rest.startIndex)..<end], environment)
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    private static func value(of expression: Substring, _ environment: [String: String]) throws(BadValue) -> String {
        var name = expression
        var fallback: Substring?
        var index = expression.startIndex
        while index < expression.endIndex, fallback == nil {
            if expression[index...].hasPrefix(":-") {
                name = expression[..<index]
                fallback = expression[index...].dropFirst(2)
            }
            index = expression.index(after: index)
        }
        let isName = !name.isEmpty && name.utf8.allSatisfy(Self.isNameByte) && name.first?.isNumber == false
        guard isName else { throw BadValue("has '${\(expression)}', which is not the name of a variable") }
        let value = environment[String(name)] ?? ""
        if !value.isEmpty { return value }
        guard let fallback else {
            throw BadValue(
                "needs the environment variable \(name), which is not set (write ${\(name):-} if it may be missing)"
            )
        }
        return String(fallback)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
