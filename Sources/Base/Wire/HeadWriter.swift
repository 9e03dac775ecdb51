package import NIOCore

/// Writes several parts of a head into memory that was made sure of once, instead of once for each part.
///
/// Lent by `ByteBuffer.writeHead`; what would not fit traps, so the room asked for must be right.
package struct HeadWriter: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    fileprivate init(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) {
        precondition(self.count + length <= self.capacity, "\(self.capacity) bytes are not room enough")
        (self.base + self.count).copyMemory(from: bytes, byteCount: length)
        self.count += length
    }

    /// Writes a text of ours.
    package mutating func write(_ text: StaticString) {
        self.append(text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Writes CR and LF.
    package mutating func writeCRLF() {
        var bytes = UInt16(0x0A0D).littleEndian
        self.append(&bytes, 2)
    }

    /// Writes a whole number in decimal digits, at most 20 bytes.
    package mutating func writeDecimal(_ number: Int) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = number.magnitude
            var index = 20
            repeat {
                index -= 1
                digits[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                index -= 1
                digits[index] = 0x2D
            }
            guard let start = digits.baseAddress else { return }
            self.append(start + index, 20 - index)
        }
    }

    /// Writes sixteen lower-case hexadecimal digits.
    package mutating func writeFixedHex(_ word: UInt64) {
        precondition(self.count + 16 <= self.capacity, "\(self.capacity) bytes are not room enough")
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index)) & 15
            let byte = digit < 10 ? 0x30 + digit : 0x57 + digit
            (self.base + self.count + index).storeBytes(of: byte, as: UInt8.self)
        }
        self.count += 16
    }
}

extension ByteBuffer {
    /// Writes parts of a head that have at most `room` bytes together.
    @inline(__always)
    package mutating func writeHead(atMost room: Int, _ body: (inout HeadWriter) -> Void) {
        _ = self.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var writer = HeadWriter(base, bytes.count)
            body(&writer)
            return writer.count
        }
    }
}
