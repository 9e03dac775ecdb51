package import Core

/// Whose tasks: a person's, or a gateway key's that belongs to no person.
package struct TaskOwner: Sendable, Hashable {
    package enum Kind: String, Sendable { case user, key }

    package let group: GroupID
    package let kind: Kind
    /// The user's or the key's id.
    package let id: String

    /// The tasks of a person.
    package init(group: GroupID, user: UserID) {
        self.group = group
        self.kind = .user
        self.id = user.text
    }

    /// The tasks of an application.
    package init(group: GroupID, key: GatewayKeyID) {
        self.group = group
        self.kind = .key
        self.id = key.text
    }
}

/// Something that somebody has to do.
package struct PersonTask: Sendable, Equatable {
    /// Its number among its owner's, from 1; never given to another.
    package let number: Int64
    package var title: String
    package var notes: String
    /// A day (`2027-01-31`) or a time (RFC 3339); nil for none.
    package var due: String?
    package let createdAt: UnixTime
    package var updatedAt: UnixTime
    /// When it was done; nil: it is open.
    package var completedAt: UnixTime?

    package init(
        number: Int64,
        title: String,
        notes: String = "",
        due: String? = nil,
        createdAt: UnixTime,
        updatedAt: UnixTime,
        completedAt: UnixTime? = nil
    ) {
        self.number = number
        self.title = title
        self.notes = notes
        self.due = due
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.completedAt = completedAt
    }

    package var isDone: Bool { self.completedAt != nil }
}

/// What is asked of a task; nil leaves a part as it is.
package struct TaskChange: Sendable, Equatable {
    package var title: String?
    package var notes: String?
    /// An empty text takes the time away.
    package var due: String?
    package var isDone: Bool?

    package init(title: String? = nil, notes: String? = nil, due: String? = nil, isDone: Bool? = nil) {
        self.title = title
        self.notes = notes
        self.due = due
        self.isDone = isDone
    }

    /// Whether it says nothing.
    package var isEmpty: Bool { self == TaskChange() }
}

/// Why a task could not be had or changed.
package enum TaskError: Error, Sendable, Equatable {
    /// There is no such task of this owner; also where it is another's.
    case notFound(number: Int64)
    case invalid(field: String, expected: String)
    case tooMany(limit: Int)
    case groupNotFound
}

extension TaskError: CustomStringConvertible {
    /// One sentence for people and models.
    package var description: String {
        switch self {
        case .notFound(let number): "There is no task \(number)."
        case .invalid(let field, let expected): "'\(field)' must be \(expected)."
        case .tooMany(let limit): "There are \(limit) tasks already. Delete some first."
        case .groupNotFound: "There is no such group."
        }
    }
}

/// What tasks may hold.
package enum TaskRule {
    package static let titleLengthMax = 500
    package static let notesLengthMax = 4_000
    /// Tasks that one owner may have, done ones among them.
    package static let countMax = 10_000

    static func title(_ text: String) throws(TaskError) -> String {
        let line = Self.trimmed(text)
        guard !line.isEmpty, line.count <= Self.titleLengthMax, Self.isOneLine(line) else {
            throw .invalid(field: "title", expected: "1 to \(Self.titleLengthMax) characters on one line")
        }
        return line
    }

    static func notes(_ text: String) throws(TaskError) -> String {
        guard text.count <= Self.notesLengthMax, !text.utf8.contains(0) else {
            throw .invalid(field: "notes", expected: "at most \(Self.notesLengthMax) characters")
        }
        return text
    }

    /// A day or a time; nil for an empty text.
    static func due(_ text: String) throws(TaskError) -> String? {
        let text = Self.trimmed(text)
        if text.isEmpty { return nil }
        let isDay = text.utf8.count == 10 && UnixTime(rfc3339: text + "T00:00:00Z") != nil
        guard isDay || UnixTime(rfc3339: text) != nil else {
            throw .invalid(field: "due", expected: "a day like 2027-01-31 or a time like 2027-01-31T12:00:00Z")
        }
        return text
    }

    private static func trimmed(_ text: String) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        var rest = text[...]
        while let first = rest.first, isSpace(first) { rest.removeFirst() }
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return String(rest)
    }

    private static func isOneLine(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}
