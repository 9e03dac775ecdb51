/// The forms in which Cohere's models give vectors.
enum VectorForm: String, CaseIterable, Sendable {
    case float, int8, uint8, binary, ubinary, base64

    /// A vector in this form.
    ///
    /// The numbers of a unit vector are small, so whole numbers are stretched; binary ones hold eight signs each.
    func value(_ vector: [Float]) -> JSONValue {
        switch self {
        case .float: return .array(vector.map { .number(Double($0)) })
        case .int8: return .array(vector.map { .integer(Self.signed($0)) })
        case .uint8: return .array(vector.map { .integer(Self.signed($0) + 128) })
        case .binary: return .array(Self.bits(vector).map { .integer(Int($0) - 128) })
        case .ubinary: return .array(Self.bits(vector).map { .integer(Int($0)) })
        case .base64: return .string(Base64.text(vector))
        }
    }

    private static func signed(_ number: Float) -> Int { Int((max(-1, min(1, number * 8)) * 127).rounded()) }

    private static func bits(_ vector: [Float]) -> [UInt8] {
        stride(from: 0, to: vector.count, by: 8).map { start in
            vector[start..<min(start + 8, vector.count)].reduce(0) { $0 << 1 | ($1 > 0 ? 1 : 0) }
        }
    }
}
