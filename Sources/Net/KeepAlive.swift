/// The `keep-alive` field of an answer (RFC 2068 section 19.7.1.1; what servers send today is `timeout=5, max=100`).
package enum KeepAlive {
    /// The seconds behind `timeout=`; nil where there are none, or more than nine digits.
    package static func timeout(_ value: Slice<UnsafeRawBufferPointer>) -> Int64? {
        for part in value.split(separator: UInt8(ascii: ",")) {
            let text = String(decoding: part, as: UTF8.self).lowercased()
            let pair = text.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            guard pair.count == 2, pair[0] == "timeout", (1...9).contains(pair[1].utf8.count) else { continue }
            guard pair[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { continue }
            return Int64(pair[1])
        }
        return nil
    }
}
