internal import Chat
internal import Core
internal import NIOCore

/// Follows the arguments of a tool call as they come in pieces, to see when the object is whole.
struct ArgumentsTracker {
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    /// Whether an object or list has begun and ended.
    private(set) var isWhole = false

    /// Takes one more piece: a JSON string that holds a part of a JSON text.
    ///
    /// Escapes of the outer string are never cut: a piece is a whole string.
    mutating func take(_ piece: JSONString) {
        piece.content.withUnsafeReadableBytes { bytes in
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                guard byte == UInt8(ascii: "\\"), index < bytes.count else {
                    self.step(byte)
                    continue
                }
                let escape = bytes[index]
                index += 1
                switch escape {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.step(escape)
                case UInt8(ascii: "u"):
                    var unit = 0
                    for _ in 0..<4 where index < bytes.count {
                        unit = unit << 4 | Self.digit(bytes[index])
                        index += 1
                    }
                    self.step(unit < 0x80 ? UInt8(unit) : 0x80)
                default: self.step(0x20)
                }
            }
        }
    }

    private static func digit(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30
        default: ((Int(byte) | 0x20) - 0x57) & 15
        }
    }

    private mutating func step(_ character: UInt8) {
        if self.isInText {
            if self.isEscaped {
                self.isEscaped = false
            } else if character == UInt8(ascii: "\\") {
                self.isEscaped = true
            } else if character == UInt8(ascii: "\"") {
                self.isInText = false
            }
            return
        }
        switch character {
        case UInt8(ascii: "\""): self.isInText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): self.depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            self.depth -= 1
            if self.depth <= 0 { self.isWhole = true }
        default: break
        }
    }
}
