extension HTTPHead {
    /// The first field of this name.
    ///
    /// Reads one word when there is none.
    package func first(_ name: HTTPFieldName) -> HTTPField? {
        guard self.contains(name) else { return nil }
        for index in self.fields.indices where self.fields[index].name == name { return self.fields[index] }
        return nil
    }

    /// Whether there is a field of this name.
    ///
    /// Always false for `other`, which is no name.
    package func contains(_ name: HTTPFieldName) -> Bool {
        self.present.contains(name)
    }

    /// How many fields of this name there are, so that a second credential or a second request id is seen.
    package func count(of name: HTTPFieldName) -> Int {
        guard self.contains(name) else { return 0 }
        var count = 0
        for index in self.fields.indices where self.fields[index].name == name { count += 1 }
        return count
    }

    /// The first field whose name is `name`, in lower case, for names that `HTTPFieldName` does not list.
    ///
    /// - Parameters:
    ///   - name: Lower case letters, digits and `-` only.
    ///   - bytes: The bytes that were parsed.
    package func first(named name: StaticString, in bytes: UnsafeRawBufferPointer) -> HTTPField? {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        for field in self.fields {
            let start = Int(field.nameStart)
            if ByteClass.equalsIgnoringCase(base + start, Int(field.nameEnd) - start, name) { return field }
        }
        return nil
    }

    /// Whether a field belongs to this connection only and must not be forwarded (RFC 9110 §7.6.1, row 15): the ones
    /// known to be so, all `Proxy-…` fields, and those that `Connection` names.
    ///
    /// - Parameters:
    ///   - field: One of `fields`.
    ///   - bytes: The bytes that were parsed.
    package func isHopByHop(_ field: HTTPField, in bytes: UnsafeRawBufferPointer) -> Bool {
        switch field.name {
        case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .trailer,
            .transferEncoding, .upgrade:
            return true
        default:
            break
        }
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        let name = UnsafeBufferPointer(start: base + Int(field.nameStart), count: field.nameRange.count)
        if name.count > 6, HTTPHead.isWord(UnsafeBufferPointer(rebasing: name[0..<6]), "proxy-") { return true }
        guard self.nominatesFields else { return false }
        for other in self.fields where other.name == .connection {
            let value = UnsafeBufferPointer(start: base + Int(other.valueStart), count: other.value.count)
            var tokens = HTTPTokens(value)
            // The list was checked when the head was parsed, so that an error cannot come back here.
            while let token = try? tokens.next() {
                if Self.isSameName(token, name) { return true }
            }
        }
        return false
    }

    private static func isSameName(
        _ left: UnsafeBufferPointer<UInt8>,
        _ right: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where self.lowercased(left[index]) != self.lowercased(right[index]) {
            return false
        }
        return true
    }
}
