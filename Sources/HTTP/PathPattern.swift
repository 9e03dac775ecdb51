internal import Glibc

/// What stands for the names in braces of a row's path: ranges of the target's bytes.
package struct PathParameters: Sendable, Equatable {
    /// No row has more.
    static let countMax = 2

    private var first: Range<Int>?
    private var second: Range<Int>?

    init(_ first: Range<Int>? = nil) { self.first = first }

    mutating func append(_ range: Range<Int>) {
        if self.first == nil { self.first = range } else { self.second = range }
    }

    /// The ranges in the order of the names.
    package var ranges: [Range<Int>] { [self.first, self.second].compactMap(\.self) }

    /// The only range of a path that has one.
    package var only: Range<Int>? { self.first }
}

/// How a row's path is compared with a request's, byte by byte and without an allocation.
struct PathPattern: Sendable {
    private enum Form: Sendable {
        /// Equal bytes.
        case exact
        /// `{id}` at the end takes all the rest, slashes included.
        case rest
        /// Each name in braces takes one segment that is not empty; `{rest}` at the end takes all the rest.
        case segments
    }

    private let text: StaticString
    private let form: Form
    /// How many bytes stand before the first name.
    private let fixedCount: Int

    init(_ text: StaticString) {
        let names = Routes.parameterNames(of: text)
        precondition(names.count <= PathParameters.countMax, "\(text) has more than \(PathParameters.countMax) names")
        self.text = text
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        self.fixedCount = bytes.firstIndex(of: UInt8(ascii: "{")) ?? bytes.count
        self.form = names.isEmpty ? .exact : (names == ["id"] ? .rest : .segments)
    }

    /// What the names stand for; nil if path and pattern do not fit together.
    ///
    /// - Parameter start: Where the path begins in the target.
    func match(_ path: UnsafeRawBufferPointer, at start: Int) -> PathParameters? {
        let bytes = UnsafeRawBufferPointer(start: self.text.utf8Start, count: self.text.utf8CodeUnitCount)
        switch self.form {
        case .exact:
            guard path.count == bytes.count, Self.agree(bytes, path, bytes.count) else { return nil }
            return PathParameters()
        case .rest:
            let fixed = bytes.count - 4
            guard path.count > fixed, Self.agree(bytes, path, fixed) else { return nil }
            return PathParameters((start + fixed)..<(start + path.count))
        case .segments:
            // Nearly all paths differ before the first name.
            guard path.count > self.fixedCount, Self.agree(bytes, path, self.fixedCount) else { return nil }
            return Self.segments(bytes, path, start)
        }
    }

    private static func agree(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        guard let one = left.baseAddress, let other = right.baseAddress else { return count == 0 }
        return memcmp(one, other, count) == 0
    }

    private static func segments(
        _ pattern: UnsafeRawBufferPointer,
        _ path: UnsafeRawBufferPointer,
        _ start: Int
    ) -> PathParameters? {
        var parameters = PathParameters()
        var index = 0
        var place = 0
        while index < pattern.count {
            if pattern[index] == UInt8(ascii: "{") {
                let takesRest = pattern[index...].elementsEqual("{rest}".utf8)
                while pattern[index] != UInt8(ascii: "}") { index += 1 }
                let begin = place
                while place < path.count, takesRest || path[place] != UInt8(ascii: "/") { place += 1 }
                guard place > begin else { return nil }
                parameters.append((start + begin)..<(start + place))
            } else {
                guard place < path.count, path[place] == pattern[index] else { return nil }
                place += 1
            }
            index += 1
        }
        return place == path.count ? parameters : nil
    }
}
