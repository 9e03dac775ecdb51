internal import Auth
internal import Core
internal import Metering
internal import Operations

/// What the body of a request may hold: every property by name, and nothing else.
///
/// The one source for reading bodies and for the API's description. What is not in a shape cannot be bound, so the
/// server's own fields cannot be written by anybody (row 47).
struct BodyShape: Sendable {
    /// What a property may be.
    enum Kind: Sendable, Equatable {
        case text
        /// A text that is kept out of everything.
        case secret
        case flag
        case whole(ClosedRange<Int>)
        case time
        case texts
        case choice([String])
        /// Dollars or a number of things, as a JSON number or the same as a text; never read as floating point.
        case amount
        /// An object that names whose calls count: texts by dimension.
        case scope
        /// A list of whole numbers from 1 to 1000.
        case percentages
        /// Any JSON object.
        case object
        /// A list of objects that are checked further on.
        case objects
        /// How much of a conversation goes along with each message.
        case history
    }

    struct Property: Sendable {
        let name: String
        let kind: Kind
        var isRequired = false
        /// Whether `null` stands for "none".
        var isNullable = false
        let note: String

        init(_ name: String, _ kind: Kind, isRequired: Bool = false, isNullable: Bool = false, _ note: String) {
            self.name = name
            self.kind = kind
            self.isRequired = isRequired
            self.isNullable = isNullable
            self.note = note
        }
    }

    let properties: [Property]
    /// Whether a body without any property says nothing that could be done.
    var needsOne = false

    /// A body that says nothing.
    static let empty = BodyShape(properties: [])

    /// Holds a body against the shape.
    ///
    /// - Parameter json: Nil for no body at all.
    /// - Throws: `GatewayError` with `INVALID_REQUEST` and the name of the first property that is wrong.
    func read(_ json: JSONValue?) throws(GatewayError) -> Body {
        guard let members = (json ?? .object([])).objectValue else {
            throw .invalid("body", expected: "a JSON object")
        }
        var values: [String: JSONValue] = [:]
        for (name, value) in members {
            guard let property = self.properties.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                throw self.unknown(name)
            }
            if value.isNull, !property.isNullable || property.isRequired {
                throw .invalid(name, expected: property.kind.expectation)
            }
            guard value.isNull || property.kind.accepts(value) else {
                throw .invalid(name, expected: property.kind.expectation + (property.isNullable ? ", or null" : ""))
            }
            values[property.name] = value
        }
        for property in self.properties where property.isRequired && values[property.name] == nil {
            throw .invalid(property.name, expected: "there: \(property.kind.expectation)")
        }
        if self.needsOne, values.isEmpty {
            let names = self.properties.map(\.name).joined(separator: ", ")
            throw .invalid("body", expected: "at least one of \(names)")
        }
        return Body(values: values, shape: self)
    }

    private func unknown(_ name: String) -> GatewayError {
        let known = self.properties.map(\.name)
        let hint = NearestName.find(name, in: known).map { " Did you mean '\($0)'?" } ?? ""
        // Whatever was sent as a name, it stays short and on one line.
        let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(64).filter { $0.value >= 0x20 }))
        let expected = known.isEmpty ? "no properties" : "no properties but \(known.joined(separator: ", "))"
        var error = GatewayError(.invalidRequest, "'\(shown)' cannot be set here.\(hint)", param: shown)
        error.details = [(key: "field", value: shown), (key: "expected", value: expected)]
        return error
    }
}

extension BodyShape.Kind {
    func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .text, .secret: value.stringValue != nil
        case .flag: value.boolValue != nil
        case .whole(let range): value.intValue.map(range.contains) ?? false
        case .time: value.stringValue.flatMap(UnixTime.init(rfc3339:)) != nil
        case .texts: value.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
        case .choice(let names): value.stringValue.map(names.contains) ?? false
        case .amount:
            value.decimalText.map { BudgetUnit.money.amount($0) != nil || BudgetUnit.tokens.amount($0) != nil } ?? false
        case .scope:
            value.objectValue?.allSatisfy { Scope.Dimension(rawValue: $0) != nil && $1.stringValue != nil } ?? false
        case .object: value.objectValue != nil
        case .percentages: value.arrayValue?.allSatisfy { (1...1000).contains($0.intValue ?? 0) } ?? false
        case .objects: value.arrayValue?.allSatisfy { $0.objectValue != nil } ?? false
        case .history: HistoryWish(json: value) != nil
        }
    }

    /// What a value has to be, to be put behind "must be".
    var expectation: String {
        switch self {
        case .text, .secret: "a text"
        case .flag: "true or false"
        case .whole(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .time: "a time like 2027-01-31T12:00:00Z"
        case .texts: "a list of texts"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .amount: "an amount, not negative, such as 12.5"
        case .scope: "an object of texts by \(Scope.Dimension.allCases.map(\.rawValue).joined(separator: ", "))"
        case .object: "an object"
        case .percentages: "a list of percentages from 1 to 1000"
        case .objects: "a list of objects"
        case .history: HistoryWish.expectation
        }
    }
}

/// A body that was held against its shape; each reader is for one kind of property.
struct Body: Sendable {
    private let values: [String: JSONValue]
    private let shape: BodyShape

    init(values: [String: JSONValue], shape: BodyShape) {
        self.values = values
        self.shape = shape
    }

    /// Whether the property was sent, `null` included.
    func has(_ name: String) -> Bool { self.value(name) != nil }

    func text(_ name: String) -> String? { self.value(name)?.stringValue }
    func flag(_ name: String) -> Bool? { self.value(name)?.boolValue }
    func whole(_ name: String) -> Int? { self.value(name)?.intValue }
    func time(_ name: String) -> UnixTime? { self.text(name).flatMap(UnixTime.init(rfc3339:)) }
    func texts(_ name: String) -> [String]? { self.value(name)?.arrayValue?.compactMap(\.stringValue) }

    func wholes(_ name: String) -> [Int]? { self.value(name)?.arrayValue?.compactMap(\.intValue) }
    func members(_ name: String) -> [(String, JSONValue)]? { self.value(name)?.objectValue }

    func history(_ name: String) -> HistoryWish? { self.value(name).flatMap { HistoryWish(json: $0) } }
    /// Those of the named properties that were sent, as they were sent, in the order of `names`.
    func object(of names: [String]) -> JSONValue {
        .object(names.compactMap { name in self.value(name).map { (name, $0) } })
    }

    /// An amount in the text that it was written in.
    func amount(_ name: String) -> String? { self.value(name)?.decimalText }

    /// A text that is there because the shape requires it.
    func requiredText(_ name: String) -> String { self.text(name) ?? "" }
    func requiredSecret(_ name: String) -> Secret<String> { Secret(self.requiredText(name)) }

    private func value(_ name: String) -> JSONValue? {
        precondition(self.shape.properties.contains { $0.name == name }, "\(name) is not a property of this body")
        return self.values[name]
    }
}

extension JSONValue {
    /// A number in its text, or a text as it is; nil for anything else.
    fileprivate var decimalText: String? {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let text), .string(let text): text
        default: nil
        }
    }
}
