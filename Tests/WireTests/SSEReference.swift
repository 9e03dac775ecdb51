/// Server-sent events read in the slow and obvious way of the WHATWG text, from the whole stream at once.
enum SSEReference {
    struct Event: Equatable, CustomStringConvertible {
        var data: [UInt8]
        var type: [UInt8]
        var id: [UInt8]

        var description: String { "[\(shown(self.type))|\(shown(self.id))|\(shown(self.data))]" }
    }

    static func events(in stream: [UInt8]) -> (events: [Event], comments: [[UInt8]]) {
        var bytes = stream
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var events: [Event] = []
        var comments: [[UInt8]] = []
        var data: [UInt8] = []
        var type: [UInt8] = []
        var lastID: [UInt8] = []
        for line in self.completeLines(of: bytes) {
            if line.isEmpty {
                if data.isEmpty {
                    type = []
                    continue
                }
                data.removeLast()
                events.append(Event(data: data, type: type, id: lastID))
                data = []
                type = []
                continue
            }
            if line[0] == UInt8(ascii: ":") {
                comments.append(Array(line.dropFirst()))
                continue
            }
            var name = line
            var value: [UInt8] = []
            if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                name = Array(line[..<colon])
                value = Array(line[(colon + 1)...])
                if value.first == UInt8(ascii: " ") { value.removeFirst() }
            }
            switch String(decoding: name, as: UTF8.self) {
            case "event": type = value
            case "data": data += value + [0x0A]
            case "id" where !value.contains(0): lastID = value
            default: break
            }
        }
        return (events, comments)
    }

    /// The lines that have an end; what is behind the last one is no line.
    private static func completeLines(of bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x0D {
                lines.append(line)
                line = []
                if index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
            } else if bytes[index] == 0x0A {
                lines.append(line)
                line = []
            } else {
                line.append(bytes[index])
            }
            index += 1
        }
        return lines
    }
}
