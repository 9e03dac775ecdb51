/// Why bytes are not JSON that we accept.
///
/// Offsets count from the first byte of the text.
package enum JSONError: Error, Equatable, Sendable {
    /// What the grammar would have allowed at the offset.
    package enum Expected: String, Sendable {
        case value = "a value"
        case object = "an object"
        case array = "an array"
        case key = "a key in quotes"
        case colon = "a colon"
        case commaOrEnd = "a comma or the closing bracket"
        case closingQuote = "the end of the string"
        case escapedControl = "an escape in place of a control character"
        case escape = "an escape sequence"
        case digit = "a digit"
        case end = "nothing more"
    }

    /// The bytes break the grammar of RFC 8259.
    case invalid(at: Int, expected: Expected)
    /// An object or array is nested deeper than `JSONScanner.depthMax` (row 18).
    case tooDeep(at: Int)
    /// An object names a key twice; the offset is that of the second (row 17).
    case duplicateKey(at: Int)
    /// A string is not UTF-8: cut, overlong, a surrogate, or above U+10FFFF.
    case invalidUTF8(at: Int)
    /// An escape gives half of a surrogate pair where text is needed: in a key, or in a string that is to be read.
    case loneSurrogate(at: Int)

    /// Where the fault is.
    package var offset: Int {
        switch self {
        case .invalid(let offset, _), .tooDeep(let offset), .duplicateKey(let offset), .invalidUTF8(let offset),
            .loneSurrogate(let offset):
            offset
        }
    }
}
