/// Hides `${NAME}` from the YAML reader, to whom the braces would open a map inside `{ … }` and `[ … ]`.
///
/// Each becomes a number between two characters of the private use area, and comes back once the structure is known:
/// nothing that a variable holds can change it.
struct HiddenReferences: Sendable {
    private var references: [Substring] = []

    private static let opening: Character = "\u{E000}"
    private static let closing: Character = "\u{E001}"

    /// `text` with every reference hidden.
    ///
    /// Lines stay where they are.
    mutating func hide(in text: String) -> String {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            let end = rest.firstIndex { $0 == "}" || $0.isNewline }
            if rest.hasPrefix("$$") {
                result += "$$"
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("${"), let end, rest[end] == "}" {
                result += "\(Self.opening)\(self.references.count)\(Self.closing)"
                self.references.append(rest[...end])
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// `text` with the references that `hide` took out.
    func restore(in text: String) -> String {
        guard text.contains(Self.opening) else { return text }
        var result = ""
        var rest = Substring(text)
        while let start = rest.firstIndex(of: Self.opening) {
            result += rest[..<start]
            let inside = rest[rest.index(after: start)...]
            let end = inside.firstIndex(of: Self.closing)
            if let end, let index = Int(inside[..<end]), self.references.indices.contains(index) {
                result += self.references[index]
                rest = inside[inside.index(after: end)...]
            } else {
                result.append(Self.opening)
                rest = inside
            }
        }
        return result + rest
    }
}
