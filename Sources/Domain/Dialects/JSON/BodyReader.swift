internal import Chat
internal import Core
internal import NIOCore

/// An error that broken JSON becomes.
protocol JSONReadingFailure: Error {
    init(_ error: JSONError)
}

extension RequestUnreadable: JSONReadingFailure {
    init(_ error: JSONError) {
        self.init(at: error.offset, "The body is not valid JSON here.", expected: "valid JSON without repeated keys")
    }
}

extension AnswerUnreadable: JSONReadingFailure {
    init(_ error: JSONError) { self = .garbled }
}

/// Walks one JSON text and takes values out of it as slices of its bytes.
///
/// Use it only inside the closure of `read`.
struct BodyReader {
    let body: ByteBuffer
    private let bytes: UnsafeRawBufferPointer
    let scanner: JSONScanner

    /// Lends a reader of `body`.
    static func read<Result, Failure: Error>(
        _ body: ByteBuffer,
        _ use: (BodyReader) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body.withBytes { (bytes) throws(Failure) -> Result in
            try use(BodyReader(body: body, bytes: bytes, scanner: JSONScanner(bytes)))
        }
    }

    /// The whole text.
    var root: JSONSlice { JSONSlice(start: 0, end: self.bytes.count) }

    func kind(_ slice: JSONSlice) -> JSONScanner.Kind? { self.scanner.kind(slice) }
    func isNull(_ slice: JSONSlice) -> Bool { self.scanner.isNull(slice) }
    func fragment(_ slice: JSONSlice) -> JSONFragment { JSONFragment(slice, of: self.body) }
    /// Nil if the value is no string.
    func string(_ slice: JSONSlice) -> JSONString? { JSONString(slice, of: self.body) }
    /// Whether the value is the string `text`.
    func equals(_ slice: JSONSlice, _ text: StaticString) -> Bool { self.scanner.equals(slice, text) }

    /// What `use` makes of the bytes of a value.
    func text<Result>(_ slice: JSONSlice, _ use: (UnsafeRawBufferPointer) -> Result) -> Result {
        use(UnsafeRawBufferPointer(rebasing: self.bytes[slice.range]))
    }

    /// A value with its place.
    func given(_ slice: JSONSlice) -> Given<JSONFragment> { Given(self.fragment(slice), at: slice.start) }

    /// A string with its place; nil if the value is none.
    func givenString(_ slice: JSONSlice) -> Given<JSONString>? {
        self.string(slice).map { Given($0, at: slice.start) }
    }

    /// A member for a remainder.
    func rest(_ key: JSONKey, _ value: JSONSlice) -> RestMember {
        RestMember(
            name: JSONString(checked: JSONFragment(key.slice, of: self.body).bytes),
            value: self.fragment(value),
            place: value.start
        )
    }

    /// Calls `visit` for each member of an object, in their order; a key that comes twice is refused.
    ///
    /// - Throws: What `visit` throws first, or broken JSON as such an error; also if the value is no object.
    func members<Failure: JSONReadingFailure>(
        of object: JSONSlice,
        _ visit: (JSONKey, JSONSlice) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        var walker = JSONScanner(self.bytes, at: object)
        do throws(JSONError) {
            try walker.members { key, value in
                guard failure == nil else { return }
                do throws(Failure) { try visit(key, value) } catch { failure = error }
            }
        } catch {
            throw failure ?? Failure(error)
        }
        if let failure { throw failure }
    }

    /// Calls `visit` for each member that has one of the names, with the name's position.
    ///
    /// - Throws: `garbled` for broken JSON, for one of the names twice, and if the value is no object.
    func members(
        of object: JSONSlice,
        named names: JSONNames,
        _ visit: (Int, JSONSlice) -> Void
    ) throws(AnswerUnreadable) {
        var walker = JSONScanner(self.bytes, at: object)
        do throws(JSONError) { try walker.members(of: names) { visit($0, $1.value) } } catch { throw .garbled }
    }

    /// The same for a `visit` that may throw.
    ///
    /// - Parameter visit: Is given the name's position in `names`.
    /// - Throws: What `visit` throws first, or broken JSON as such an error; also if the value is no object.
    func members<Failure: JSONReadingFailure>(
        of object: JSONSlice,
        named names: JSONNames,
        _ visit: (Int, JSONSlice) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        var walker = JSONScanner(self.bytes, at: object)
        do throws(JSONError) {
            try walker.members(of: names) { name, member in
                guard failure == nil else { return }
                do throws(Failure) { try visit(name, member.value) } catch { failure = error }
            }
        } catch {
            throw failure ?? Failure(error)
        }
        if let failure { throw failure }
    }

    /// Calls `visit` for each element of an array, in their order.
    ///
    /// - Throws: What `visit` throws first, or broken JSON as such an error; also if the value is no array.
    func elements<Failure: JSONReadingFailure>(
        of array: JSONSlice,
        _ visit: (JSONSlice) throws(Failure) -> Void
    ) throws(Failure) {
        var failure: Failure?
        var walker = JSONScanner(self.bytes, at: array)
        do throws(JSONError) {
            try walker.elements { element in
                guard failure == nil else { return }
                do throws(Failure) { try visit(element) } catch { failure = error }
            }
        } catch {
            throw failure ?? Failure(error)
        }
        if let failure { throw failure }
    }
}
