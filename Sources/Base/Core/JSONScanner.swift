/// Walks the members of a JSON object in one pass that checks every byte and allocates nothing.
///
/// Checked is the whole grammar of RFC 8259, also inside values that are passed over: UTF-8 (no overlong forms, no
/// surrogates), escapes, numbers by their grammar and of any size, nesting, nothing after the end, no byte order mark.
/// In each object that is walked, a key that comes twice is refused, however it is escaped (row 17). A lone surrogate
/// escape is refused in keys; in strings it is passed on untouched, but such a string cannot be read as text.
///
/// The bytes belong to someone else and must stay until the scanner is gone. While `members` or `elements` run, the
/// scanner is in use: read the values they hand out with another scanner of the same bytes, which costs nothing.
package struct JSONScanner {
    /// How deep objects and arrays may be nested, the outermost being 1 (row 18).
    package static let depthMax = 64

    let bytes: UnsafeRawBufferPointer
    private var lexer: JSONLexer

    /// A scanner of a whole text.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        self.lexer = JSONLexer(bytes, from: 0, to: bytes.count)
    }

    /// A scanner of one value inside a text.
    ///
    /// - Parameter slice: What a scanner of the same bytes has handed out. All offsets stay those of the whole text.
    package init(_ bytes: UnsafeRawBufferPointer, at slice: JSONSlice) {
        precondition(
            slice.start >= 0 && slice.start <= slice.end && slice.end <= bytes.count,
            "slice \(slice.start)..<\(slice.end) lies outside of \(bytes.count) bytes"
        )
        self.bytes = bytes
        self.lexer = JSONLexer(bytes, from: slice.start, to: slice.end)
    }

    /// Checks a whole text of any kind, without a look at duplicate keys.
    ///
    /// - Throws: `JSONError` for the first fault.
    package static func validate(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var lexer = JSONLexer(bytes, from: 0, to: bytes.count)
        lexer.skipWhitespace()
        try lexer.skipValue(outerDepth: 0)
        lexer.skipWhitespace()
        guard lexer.index == lexer.end else { throw .invalid(at: lexer.index, expected: .end) }
    }

    /// Calls `visit` for each member of the object, in their order.
    ///
    /// Once; a scanner is used up by it.
    ///
    /// A fault later in the text throws after members before it were visited: what they gave must be dropped then.
    ///
    /// - Throws: `JSONError` for the first fault, or what `visit` throws.
    package mutating func members(
        _ visit: (JSONKey, JSONSlice) throws(JSONError) -> Void
    ) throws(JSONError) {
        try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: JSONKeySet.inlineMax) {
            (entries) throws(JSONError) -> Void in
            var keys = JSONKeySet(entries)
            try self.walkMembers(&keys, visit)
        }
    }

    /// Calls `visit` for each member with one of the names, and refuses the second one of a name.
    ///
    /// Members of other names are checked and passed over, however often they come. Else as `members`.
    ///
    /// - Parameter visit: Is given the name's position in `names`.
    package mutating func members(
        of names: JSONNames,
        _ visit: (Int, JSONMemberSlices) throws(JSONError) -> Void
    ) throws(JSONError) {
        self.lexer.skipWhitespace()
        try self.lexer.expect(0x7B, .object)
        self.lexer.skipWhitespace()
        guard self.lexer.byte != 0x7D else { return try self.finish() }
        var seen: UInt64 = 0
        var previousEnd = -1
        while true {
            let start = self.lexer.index
            let name = names.position(of: try self.takeKey())
            try self.lexer.skipColon()
            let valueStart = self.lexer.index
            try self.lexer.skipValue(outerDepth: 1)
            let end = self.lexer.index
            let goesOn = try self.nextFollows(closing: 0x7D)
            if let name {
                guard seen & (1 &<< name) == 0 else { throw .duplicateKey(at: start) }
                seen |= 1 &<< name
                let value = JSONSlice(start: valueStart, end: end)
                // Alone it goes by itself; first it goes with the comma behind it; else with the one before it.
                let cut = previousEnd >= 0 ? previousEnd..<end : start..<(goesOn ? self.lexer.index : end)
                try visit(name, JSONMemberSlices(value: value, cut: cut))
            }
            guard goesOn else { return try self.finish() }
            previousEnd = end
        }
    }

    /// Calls `visit` for each element of the array, in their order.
    ///
    /// Once; a scanner is used up by it.
    ///
    /// - Throws: `JSONError` for the first fault, or what `visit` throws.
    package mutating func elements(_ visit: (JSONSlice) throws(JSONError) -> Void) throws(JSONError) {
        self.lexer.skipWhitespace()
        try self.lexer.expect(0x5B, .array)
        self.lexer.skipWhitespace()
        guard self.lexer.byte != 0x5D else { return try self.finish() }
        while true {
            let start = self.lexer.index
            try self.lexer.skipValue(outerDepth: 1)
            try visit(JSONSlice(start: start, end: self.lexer.index))
            guard try self.nextFollows(closing: 0x5D) else { return try self.finish() }
        }
    }

    private mutating func walkMembers(
        _ keys: inout JSONKeySet,
        _ visit: (JSONKey, JSONSlice) throws(JSONError) -> Void
    ) throws(JSONError) {
        self.lexer.skipWhitespace()
        try self.lexer.expect(0x7B, .object)
        self.lexer.skipWhitespace()
        guard self.lexer.byte != 0x7D else { return try self.finish() }
        while true {
            let keyStart = self.lexer.index
            let key = try self.takeKey()
            guard keys.insert(key) else { throw .duplicateKey(at: keyStart) }
            try self.lexer.skipColon()
            let start = self.lexer.index
            try self.lexer.skipValue(outerDepth: 1)
            try visit(key, JSONSlice(start: start, end: self.lexer.index))
            guard try self.nextFollows(closing: 0x7D) else { return try self.finish() }
        }
    }

    @inline(__always)
    private mutating func takeKey() throws(JSONError) -> JSONKey {
        let start = self.lexer.index
        let hasEscapes = self.lexer.skipShortString() ? false : try self.lexer.skipKey().hasEscapes
        return JSONKey(
            slice: JSONSlice(start: start, end: self.lexer.index),
            base: self.lexer.base,
            hasEscapes: hasEscapes,
            end: self.lexer.end
        )
    }

    /// Steps over a comma and says true, or stops at the closing bracket and says false.
    @inline(__always)
    private mutating func nextFollows(closing: UInt8) throws(JSONError) -> Bool {
        self.lexer.skipWhitespace()
        if self.lexer.byte == 0x2C {
            self.lexer.index &+= 1
            self.lexer.skipWhitespace()
            return true
        }
        guard self.lexer.byte == closing else {
            throw .invalid(at: self.lexer.index, expected: .commaOrEnd)
        }
        return false
    }

    /// Steps over the closing bracket, after which there may only be white space.
    private mutating func finish() throws(JSONError) {
        self.lexer.index &+= 1
        self.lexer.skipWhitespace()
        guard self.lexer.index == self.lexer.end else {
            throw .invalid(at: self.lexer.index, expected: .end)
        }
    }
}

@available(*, unavailable, message: "points into bytes that someone lends")
extension JSONScanner: Sendable {}
