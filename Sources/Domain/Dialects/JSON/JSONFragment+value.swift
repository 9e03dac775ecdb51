internal import Chat
internal import Core
internal import NIOCore

extension JSONFragment {
    /// The value of a member, if this is an object that has it and its text is whole.
    func value(of name: StaticString) -> JSONFragment? {
        BodyReader.read(self.bytes) { reader -> JSONFragment? in
            guard reader.kind(reader.root) == .object else { return nil }
            var found: JSONFragment?
            try? reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if key.equals(name) { found = reader.fragment(value) }
            }
            return found
        }
    }

    /// The members, if this is an object whose text is whole.
    ///
    /// - Parameter place: Where the object begins in the client's body; -1 if it is not from there.
    func members(at place: Int) -> [RestMember]? {
        BodyReader.read(self.bytes) { reader -> [RestMember]? in
            guard reader.kind(reader.root) == .object else { return nil }
            var members: [RestMember] = []
            do throws(AnswerUnreadable) {
                try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                    var member = reader.rest(key, value)
                    member.place = place < 0 ? -1 : place + value.start
                    members.append(member)
                }
            } catch {
                return nil
            }
            return members
        }
    }

    /// Whether it is the string `text`, escapes resolved.
    func equals(_ text: StaticString) -> Bool { self.string?.equals(text) == true }

    /// Whether it says nothing: `null`, `[]` or `{}`.
    var saysNothing: Bool {
        switch self.kind {
        case .null, nil: return true
        case .array: return self.bytes.readableBytesView.dropFirst().first { $0 > 0x20 } == UInt8(ascii: "]")
        case .object: return self.bytes.readableBytesView.dropFirst().first { $0 > 0x20 } == UInt8(ascii: "}")
        default: return false
        }
    }
}

extension Losses {
    /// Notes a value that the client gave, if it gave one.
    ///
    /// Stands here, and not with the rest, because a generic function of another module asks for types as it runs.
    @inline(__always)
    mutating func drop<Value>(_ given: Given<Value>?) {
        if let given { self.drop(at: given.place) }
    }

    /// Notes the members of a remainder that asked for something.
    ///
    /// What only says again how things are anyway, such as `"store": false`, is no loss.
    mutating func dropWishes(in rest: [RestMember]) {
        for member in rest where !member.asksForNothing { self.drop(at: member.place) }
    }
}

extension RestMember {
    /// Whether a provider that does not know this member does what it says.
    fileprivate var asksForNothing: Bool {
        if self.value.saysNothing { return true }
        if self.name.equals("store") || self.name.equals("background") { return self.value.bool == false }
        if self.name.equals("modalities") { return self.value.bytes == ByteBuffer(string: "[\"text\"]") }
        return false
    }
}
