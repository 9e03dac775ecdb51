/// Percent-encoding, as paths and model names use it.
enum URLText {
    /// `text` with every `%XX` replaced.
    ///
    /// A `%` that is no escape stays; bytes that are not UTF-8 become U+FFFD.
    static func decoded(_ text: some StringProtocol) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count,
                let high = Character(Unicode.Scalar(bytes[at + 1])).hexDigitValue,
                let low = Character(Unicode.Scalar(bytes[at + 2])).hexDigitValue
            {
                result.append(UInt8(high << 4 | low))
                at += 3
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
