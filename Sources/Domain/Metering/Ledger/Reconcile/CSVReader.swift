/// Reads CSV (RFC 4180) line by line: quotes, quotes in quotes, line breaks in quotes, CRLF or LF.
struct CSVReader {
    private let bytes: [UInt8]
    private var index = 0
    /// The line that the last row ended on, from 1.
    private(set) var line = 0

    init(_ text: String) { self.bytes = Array(text.utf8) }

    /// The cells of the next row; nil at the end.
    mutating func next() throws(InvoiceError) -> [String]? {
        guard self.index < self.bytes.count else { return nil }
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        let start = self.line + 1
        while true {
            guard self.index < self.bytes.count else {
                guard !isQuoted else { throw InvoiceError("line \(start): a quote does not end") }
                break
            }
            let byte = self.bytes[self.index]
            self.index += 1
            if isQuoted {
                if byte == UInt8(ascii: "\n") { self.line += 1 }
                if byte != UInt8(ascii: "\"") {
                    cell.append(byte)
                } else if self.index < self.bytes.count, self.bytes[self.index] == byte {
                    cell.append(byte)
                    self.index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where cell.isEmpty: isQuoted = true
            case UInt8(ascii: ","):
                cells.append(String(decoding: cell, as: UTF8.self))
                cell.removeAll(keepingCapacity: true)
            case UInt8(ascii: "\n"):
                self.line += 1
                cells.append(String(decoding: cell, as: UTF8.self))
                return cells
            case UInt8(ascii: "\r") where self.index < self.bytes.count && self.bytes[self.index] == UInt8(ascii: "\n"):
                break
            default: cell.append(byte)
            }
        }
        self.line += 1
        cells.append(String(decoding: cell, as: UTF8.self))
        return cells
    }
}
