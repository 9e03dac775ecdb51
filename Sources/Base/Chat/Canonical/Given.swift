package import Core
package import NIOCore

/// A value that a client gave, and where: so that it can be named if the target cannot be told it.
package struct Given<Value: Sendable>: Sendable {
    package var value: Value
    /// Where the value begins in the client's body, in bytes; -1 for what the gateway put in.
    package var place: Int

    @inlinable
    package init(_ value: Value, at place: Int) {
        self.value = value
        self.place = place
    }

    /// The same place, another value.
    @inlinable
    package func map<Other>(_ change: (Value) -> Other) -> Given<Other> {
        Given<Other>(change(self.value), at: self.place)
    }
}

extension Given: Equatable where Value: Equatable {}

/// A member of an object that its reader does not know, or that only one dialect has.
package struct RestMember: Sendable, Equatable {
    /// The name as it was written.
    package var name: JSONString
    package var value: JSONFragment
    /// Where the value begins in the client's body; -1 for what the gateway put in.
    package var place: Int

    package init(name: JSONString, value: JSONFragment, place: Int = -1) {
        self.name = name
        self.value = value
        self.place = place
    }

    /// Whether its name is one of these.
    package func isNamed(in names: [StaticString]) -> Bool { names.contains { self.name.equals($0) } }

    /// Appends `,"name":value`, or without the comma where it is the first.
    package func write(into buffer: inout ByteBuffer, isFirst: Bool = false) {
        if !isFirst { buffer.writeStaticString(",") }
        self.name.write(into: &buffer)
        buffer.writeStaticString(":")
        self.value.write(into: &buffer)
    }
}

extension [RestMember] {
    /// The value of a member; nil if there is none.
    package subscript(name: StaticString) -> JSONFragment? { self.first { $0.name.equals(name) }?.value }

    /// Takes a member out.
    package mutating func take(_ name: StaticString) -> RestMember? {
        guard let index = self.firstIndex(where: { $0.name.equals(name) }) else { return nil }
        return self.remove(at: index)
    }
}
