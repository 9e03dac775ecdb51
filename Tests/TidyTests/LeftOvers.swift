/// Words that mean unfinished work, and paths that exist on one machine only.
///
/// Looked for in every text file.
enum LeftOvers {
    // Put together here, so that this file does not find itself.
    static let words = ["FIX" + "ME", "TO" + "DO", "XX" + "X", "HA" + "CK"]
    static let paths = ["/wo" + "rk/", "/ro" + "ot/", "/fa" + "rm/", "/opt/" + "swift", "/tmp/" + "tp/"]

    /// A path counts where it begins: `Sources/work/` is nobody's home.
    static func violations(in text: String, path: String) -> [String] {
        var found: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let place = "\(path):\(index + 1): "
            if let word = Self.words.first(where: { word in Self.contains(line, word, asWord: true) }) {
                found.append(place + "\(word): do it now, or write it into an issue")
            }
            if let machine = Self.paths.first(where: { Self.contains(line, $0, asWord: false) }) {
                found.append(place + "\(machine) exists on one machine only")
            }
        }
        return found
    }

    private static func contains(_ line: Substring, _ wanted: String, asWord: Bool) -> Bool {
        let bytes = Array(line.utf8)
        let pattern = Array(wanted.utf8)
        guard bytes.count >= pattern.count else { return false }
        for start in 0...(bytes.count - pattern.count) {
            guard bytes[start..<(start + pattern.count)].elementsEqual(pattern) else { continue }
            let end = start + pattern.count
            if start > 0, Self.isName(bytes[start - 1]) { continue }
            if asWord, end < bytes.count, Self.isName(bytes[end]) { continue }
            return true
        }
        return false
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "}"): true
        default: false
        }
    }
}
