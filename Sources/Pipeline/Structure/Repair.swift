internal import Chat
internal import Core
internal import NIOCore

/// Makes a request that asks again, after an answer that did not fit.
enum Repair {
    /// The faults that are told, at most.
    private static let faultsMax = 8

    /// The client's body with the answer and what is wrong with it behind its conversation.
    ///
    /// - Parameters:
    ///   - body: A request in `format`.
    ///   - answer: What the model said.
    /// - Throws: `GatewayError` if there is no conversation in it.
    static func body(
        of body: ByteBuffer,
        _ format: WireFormat,
        answer: JSONString,
        faults: [String]
    ) throws -> ByteBuffer {
        let index: RequestIndex
        do throws(RequestIndexError) {
            index = try RequestIndex(body)
        } catch {
            throw GatewayError(error)
        }
        let list = format == .openAIResponses ? index.input : index.messages
        guard let list else { throw GatewayError(.internalFailure, "The request has no conversation.") }
        var turns = ByteBuffer()
        turns.writeStaticString("{\"role\":\"assistant\",\"content\":")
        (answer.isBlank ? JSONString("(nothing)") : answer).write(into: &turns)
        turns.writeStaticString("},{\"role\":\"user\",\"content\":")
        JSONString(Self.words(faults)).write(into: &turns)
        turns.writeStaticString("}")
        return body.withUnsafeReadableBytes { bytes in
            var repaired = ByteBufferAllocator().buffer(capacity: bytes.count + turns.readableBytes + 64)
            if bytes[list.start] == UInt8(ascii: "[") {
                let end = list.end - 1
                repaired.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
                let isEmpty = bytes[list.start..<end].dropFirst().allSatisfy { $0 <= 0x20 }
                if !isEmpty { repaired.writeStaticString(",") }
                repaired.writeBuffer(&turns)
                repaired.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[end...]))
            } else {
                // A text alone, as `/responses` takes it, is what a user said.
                repaired.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<list.start]))
                repaired.writeStaticString("[{\"role\":\"user\",\"content\":")
                repaired.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[list.range]))
                repaired.writeStaticString("},")
                repaired.writeBuffer(&turns)
                repaired.writeStaticString("]")
                repaired.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[list.end...]))
            }
            return repaired
        }
    }

    private static func words(_ faults: [String]) -> String {
        "Your last answer does not have the form that was asked for: "
            + faults.prefix(Self.faultsMax).joined(separator: "; ")
            + ". Answer again, with JSON of that form and nothing else."
    }
}
