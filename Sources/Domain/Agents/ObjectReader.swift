internal import Core

/// Reads the members of one JSON object, and says of each that is wrong where it stands and what was expected.
struct ObjectReader {
    let json: JSONValue
    /// Where the object stands; empty for the outermost.
    let path: String

    /// - Parameter known: The members that the object may have; any other one is a fault, with the nearest known name.
    init(_ json: JSONValue, at path: String, known: [String]) throws(ValueFault) {
        guard let members = json.objectValue else {
            throw ValueFault(path.isEmpty ? "body" : path, expected: "an object")
        }
        self.json = json
        self.path = path
        for (name, _) in members where !known.contains(name) {
            let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(64).filter { $0.value >= 0x20 }))
            let hint = NearestName.find(name, in: known).map { " (did you mean \($0)?)" } ?? ""
            let names = known.joined(separator: ", ")
            throw ValueFault(self.place(shown), expected: "left out: known here are \(names)\(hint)")
        }
    }

    /// The path of a member.
    func place(_ name: String) -> String { self.path.isEmpty ? name : "\(self.path).\(name)" }

    /// A member that is there and not `null`.
    func value(_ name: String) -> JSONValue? {
        guard let value = self.json[name], !value.isNull else { return nil }
        return value
    }

    /// A text of 1 to `bytesMax` bytes; nil if it is left out or empty.
    ///
    /// - Parameter isBlock: Whether it may have several lines.
    func text(_ name: String, bytesMax: Int, isBlock: Bool = false) throws(ValueFault) -> String? {
        guard let value = self.value(name) else { return nil }
        guard let text = value.stringValue, text.utf8.count <= bytesMax,
            text.utf8.allSatisfy({ ($0 >= 0x20 || (isBlock && [0x09, 0x0A, 0x0D].contains($0))) && $0 != 0x7F })
        else {
            let form = isBlock ? "a text" : "a text on one line"
            throw ValueFault(self.place(name), expected: "\(form) of at most \(bytesMax) bytes")
        }
        return text.isEmpty ? nil : text
    }

    func number(_ name: String, _ range: ClosedRange<Double>) throws(ValueFault) -> Double? {
        guard let value = self.value(name) else { return nil }
        guard let number = value.doubleValue, range.contains(number) else {
            let bounds = "\(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))"
            throw ValueFault(self.place(name), expected: "a number from \(bounds)")
        }
        return number
    }

    private static func plain(_ number: Double) -> String { Int(exactly: number).map { "\($0)" } ?? "\(number)" }

    func whole(_ name: String, _ range: ClosedRange<Int>) throws(ValueFault) -> Int? {
        guard let value = self.value(name) else { return nil }
        guard let number = value.intValue, range.contains(number) else {
            let bounds = range == Int.min...Int.max ? "" : " from \(range.lowerBound) to \(range.upperBound)"
            throw ValueFault(self.place(name), expected: "a whole number\(bounds)")
        }
        return number
    }

    func flag(_ name: String) throws(ValueFault) -> Bool? {
        guard let value = self.value(name) else { return nil }
        guard let flag = value.boolValue else { throw ValueFault(self.place(name), expected: "true or false") }
        return flag
    }

    func choice(_ name: String, of words: [String]) throws(ValueFault) -> String? {
        guard let value = self.value(name) else { return nil }
        guard let word = value.stringValue, words.contains(word) else {
            throw ValueFault(self.place(name), expected: "one of \(words.joined(separator: ", "))")
        }
        return word
    }

    /// A list; an empty one if it is left out.
    func list(_ name: String, atMost countMax: Int, of what: String) throws(ValueFault) -> [JSONValue] {
        guard let value = self.value(name) else { return [] }
        guard let elements = value.arrayValue, elements.count <= countMax else {
            throw ValueFault(self.place(name), expected: "a list of at most \(countMax) \(what)")
        }
        return elements
    }

    /// A list of texts of 1 to `bytesMax` bytes.
    func texts(
        _ name: String,
        atMost countMax: Int,
        bytesMax: Int,
        of what: String = "texts"
    ) throws(ValueFault) -> [String] {
        var texts: [String] = []
        for (index, element) in try self.list(name, atMost: countMax, of: what).enumerated() {
            guard let text = element.stringValue, (1...bytesMax).contains(text.utf8.count) else {
                throw ValueFault("\(self.place(name))[\(index)]", expected: "a text of 1 to \(bytesMax) bytes")
            }
            texts.append(text)
        }
        return texts
    }

    /// An object that is kept as it is.
    func object(_ name: String) throws(ValueFault) -> JSONValue? {
        guard let value = self.value(name) else { return nil }
        guard value.objectValue != nil, value.text.utf8.count <= AgentBounds.valueBytesMax else {
            let most = AgentBounds.valueBytesMax
            throw ValueFault(self.place(name), expected: "an object of at most \(most) bytes")
        }
        return value
    }
}
