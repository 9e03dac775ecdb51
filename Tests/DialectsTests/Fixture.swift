import Chat
import Core
import Dialects
import Glibc
import NIOCore
import Testing
import Wire

/// Bytes of providers and clients, in `Tests/Fixtures/dialects`.
enum Fixture {
    static let folder = #filePath.replacing("DialectsTests/Fixture.swift", with: "Fixtures/dialects")

    /// The readable bytes of a file, such as `openai-chat/stream-plain.sse`.
    static func bytes(_ name: String) throws -> ByteBuffer {
        let path = "\(Self.folder)/\(name)"
        let file = try #require(fopen(path, "rb"), "\(path) is missing")
        defer { fclose(file) }
        var bytes = ByteBuffer()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes.writeBytes(piece[..<count]) }
        return bytes
    }

    /// The names of files in a folder below, in order.
    static func names(in name: String, prefix: String = "", suffix: String) -> [String] {
        guard let directory = opendir("\(Self.folder)/\(name)") else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let file = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if file.hasPrefix(prefix), file.hasSuffix(suffix) { names.append(file) }
        }
        return names.sorted()
    }
}

/// Server-sent events as lists, for tests.
enum Events {
    static func read(_ bytes: ByteBuffer, in pieces: Int? = nil) throws -> [ServerSentEvent] {
        var reader = SSEReader()
        var events: [ServerSentEvent] = []
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = min(pieces ?? rest.readableBytes, rest.readableBytes)
            guard let piece = rest.readSlice(length: count) else { break }
            reader.feed(piece)
            while let event = try reader.next() { events.append(event) }
        }
        return events
    }
}

extension AnswerEvent {
    /// One line for it, in tests.
    var line: String {
        func text(_ string: JSONString) -> String { String(buffer: string.bytes) }
        switch self {
        case .begin(let head): return "begin \(head.id.map(text) ?? "-") \(head.model.map(text) ?? "-")"
        case .open(let part, .text): return "open \(part) text"
        case .open(let part, .thinking): return "open \(part) thinking"
        case .open(let part, .refusal): return "open \(part) refusal"
        case .open(let part, .redactedThinking(let data)): return "open \(part) redacted \(text(data))"
        case .open(let part, .toolCall(let id, let name, let signature, let isCustom)):
            let kind = isCustom ? "custom call" : "call"
            return "open \(part) \(kind) \(text(id)) \(text(name))\(signature.map { " " + text($0) } ?? "")"
        case .text(let part, let string): return "text \(part) \(text(string))"
        case .thinking(let part, let string): return "thinking \(part) \(text(string))"
        case .signature(let part, let string): return "signature \(part) \(text(string))"
        case .refusal(let part, let string): return "refusal \(part) \(text(string))"
        case .arguments(let part, let string): return "arguments \(part) \(text(string))"
        case .citation(let part, let citation): return "citation \(part) \(String(buffer: citation.bytes))"
        case .logprobs(let list): return "logprobs \(String(buffer: list.bytes))"
        case .image(let image): return "image \(image.mediaType.map(text) ?? "-")"
        case .unsaid(let losses): return "unsaid \(losses.names.joined(separator: " "))"
        case .close(let part): return "close \(part)"
        case .finish(let reason, let stop): return "finish \(reason)\(stop.map { " " + text($0) } ?? "")"
        case .usage(let usage):
            return
                "usage \(usage.input ?? -1)/\(usage.cachedInput ?? -1) \(usage.output ?? -1)/\(usage.reasoning ?? -1)"
        case .end: return "end"
        case .failure(let body, let type): return "failure \(type ?? "-") \(String(buffer: body))"
        }
    }
}
