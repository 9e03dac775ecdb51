internal import NIOCore
internal import Wire

/// Where a client that lost its connection goes on.
enum ResumePlace {
    /// How many events a call's client has had already, by its `Last-Event-ID`; 0 where it says none that can be ours.
    static func events(before call: Call) -> Int {
        call.headBytes.withUnsafeReadableBytes { bytes in
            guard let field = call.head.first(.lastEventID),
                let number = Int(String(decoding: bytes[field.value], as: UTF8.self)), number > 0
            else { return 0 }
            return number
        }
    }
}
