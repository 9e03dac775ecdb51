internal import Core

/// One check of one value.
struct SchemaRun {
    /// How many schemas may stand inside each other, references included.
    private static let depthMax = 300
    /// The longest path that is told, in bytes.
    private static let pathBytesMax = 200

    private enum Step {
        case key(String)
        case index(Int)
    }

    let nodes: [SchemaNode]
    private var steps: Int
    private let faultsMax: Int
    private(set) var faults: [SchemaFault] = []
    /// Whether the limits were reached, so that nothing is known.
    private(set) var isExhausted = false
    private var path: [Step] = []
    private var depth = 0
    /// Above zero where it only matters whether something is valid.
    private var quiet = 0

    init(nodes: [SchemaNode], steps: Int, faultsMax: Int) {
        self.nodes = nodes
        self.steps = steps
        self.faultsMax = faultsMax
    }

    /// Whether a value is valid by a node; if not, the faults are noted.
    mutating func check(_ index: Int, _ value: JSONValue) -> Bool {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.spend(1), self.depth <= Self.depthMax else {
            self.isExhausted = true
            return true
        }
        let node = self.nodes[index]
        if let always = node.always { return always || self.fail("is not allowed here") }
        var isValid = true
        if let types = node.types { isValid = self.checkType(types, value) }
        // What is of a wrong type is wrong in all else too.
        guard isValid else { return false }
        if let choices = node.choices, !self.has(value, in: choices) {
            isValid = self.fail("must be one of \(node.choicesText)")
        }
        if let reference = node.reference { isValid = self.check(reference, value) && isValid }
        switch value {
        case .string(let text): isValid = self.check(text, node) && isValid
        case .integer, .number: isValid = self.checkNumber(value, node) && isValid
        case .array(let elements): isValid = self.check(elements, node) && isValid
        case .object(let members): isValid = self.check(members, node) && isValid
        case .null, .bool: break
        }
        return self.checkCombined(value, node) && isValid
    }

    // MARK: Limits and faults

    private mutating func spend(_ count: Int) -> Bool {
        self.steps -= count
        if self.steps <= 0 { self.isExhausted = true }
        return !self.isExhausted
    }

    /// Notes a fault at the place reached.
    ///
    /// - Returns: False, for the caller to hand on.
    private mutating func fail(_ message: @autoclosure () -> String) -> Bool {
        guard self.quiet == 0, self.faults.count < self.faultsMax else { return false }
        self.faults.append(SchemaFault(path: self.pathText, message: message()))
        return false
    }

    private var pathText: String {
        var text = "$"
        for step in self.path where text.utf8.count < Self.pathBytesMax {
            switch step {
            case .index(let index): text += "[\(index)]"
            case .key(let key):
                let name = key.prefix(60)
                let isPlain = name.utf8.allSatisfy { byte in
                    byte == UInt8(ascii: "_") || byte &- UInt8(ascii: "0") < 10
                        || (byte | 0x20) &- UInt8(ascii: "a") < 26
                }
                text += isPlain && !name.isEmpty ? ".\(name)" : "[\(JSONValue.string(String(name)).text)]"
            }
        }
        return text
    }

    private mutating func isValid(_ index: Int, _ value: JSONValue) -> Bool {
        self.quiet += 1
        defer { self.quiet -= 1 }
        return self.check(index, value)
    }

    private mutating func check(_ index: Int, _ value: JSONValue, in step: Step) -> Bool {
        self.path.append(step)
        defer { self.path.removeLast() }
        return self.check(index, value)
    }

    private mutating func has(_ value: JSONValue, in choices: Set<[UInt8]>) -> Bool {
        let bytes = value.canonical
        _ = self.spend(bytes.count / 16)
        return choices.contains(bytes)
    }

    // MARK: Kinds

    private mutating func checkType(_ types: SchemaNode.Types, _ value: JSONValue) -> Bool {
        let (type, name): (SchemaNode.Types, String) =
            switch value {
            case .null: (.null, "null")
            case .bool: (.boolean, "a boolean")
            case .integer: ([.integer, .number], "a number")
            case .number: (ExactNumber(value)?.isWhole == true ? [.integer, .number] : .number, "a number")
            case .string: (.string, "a string")
            case .array: (.array, "a list")
            case .object: (.object, "an object")
            }
        if !types.isDisjoint(with: type) { return true }
        let wanted = SchemaNode.Types.names.filter { types.contains($0.type) }.map(\.name)
        return self.fail("must be of type \(wanted.joined(separator: " or ")), not \(name)")
    }

    private mutating func check(_ text: String, _ node: SchemaNode) -> Bool {
        var isValid = true
        if node.length.least != nil || node.length.most != nil {
            let count = text.unicodeScalars.count
            _ = self.spend(count / 64)
            if let least = node.length.least, count < least {
                isValid = self.fail("must have at least \(least) characters, not \(count)")
            }
            if let most = node.length.most, count > most {
                isValid = self.fail("must have at most \(most) characters, not \(count)")
            }
        }
        if let pattern = node.pattern {
            if let matches = pattern.matches(text, steps: &self.steps) {
                if !matches { isValid = self.fail("must match the pattern \(pattern.text.prefix(200))") }
            } else {
                self.isExhausted = true
            }
        }
        if let format = node.format, !format.holds(for: text) {
            isValid = self.fail("must be of the format \(format.rawValue)")
        }
        return isValid
    }

    private mutating func checkNumber(_ value: JSONValue, _ node: SchemaNode) -> Bool {
        guard node.minimum != nil || node.maximum != nil || node.factor != nil, let number = ExactNumber(value) else {
            return true
        }
        _ = self.spend(number.digits.count)
        var isValid = true
        if let minimum = node.minimum, number < minimum.number || (minimum.isExclusive && number == minimum.number) {
            isValid = self.fail("must be \(minimum.isExclusive ? "above" : "at least") \(minimum.text)")
        }
        if let maximum = node.maximum, maximum.number < number || (maximum.isExclusive && number == maximum.number) {
            isValid = self.fail("must be \(maximum.isExclusive ? "below" : "at most") \(maximum.text)")
        }
        if let factor = node.factor, number.isMultiple(of: factor) == false {
            isValid = self.fail("must be a multiple of \(factor.plain)")
        }
        return isValid
    }

    // MARK: Lists

    private mutating func check(_ elements: [JSONValue], _ node: SchemaNode) -> Bool {
        var isValid = self.checkCount(elements.count, node.itemCount, "elements")
        for (index, element) in elements.enumerated() {
            let schema = index < node.prefixItems.count ? node.prefixItems[index] : node.items
            guard let schema, !self.isExhausted else { break }
            isValid = self.check(schema, element, in: .index(index)) && isValid
        }
        if node.hasUniqueItems { isValid = self.checkUnique(elements) && isValid }
        guard let contains = node.contains else { return isValid }
        var count = 0
        for element in elements where !self.isExhausted && self.isValid(contains, element) { count += 1 }
        if let least = node.containsCount.least, count < least {
            isValid = self.fail("must contain at least \(least) fitting elements, not \(count)")
        }
        if let most = node.containsCount.most, count > most {
            isValid = self.fail("must contain at most \(most) fitting elements, not \(count)")
        }
        return isValid
    }

    private mutating func checkUnique(_ elements: [JSONValue]) -> Bool {
        var seen: Set<[UInt8]> = []
        for (index, element) in elements.enumerated() {
            let bytes = element.canonical
            guard self.spend(bytes.count / 16 + 1) else { return true }
            if !seen.insert(bytes).inserted {
                return self.fail("must have no element twice, as the one at [\(index)] is")
            }
        }
        return true
    }

    private mutating func checkCount(_ count: Int, _ bounds: SchemaNode.Bounds, _ what: String) -> Bool {
        var isValid = true
        if let least = bounds.least, count < least {
            isValid = self.fail("must have at least \(least) \(what), not \(count)")
        }
        if let most = bounds.most, count > most {
            isValid = self.fail("must have at most \(most) \(what), not \(count)")
        }
        return isValid
    }

    // MARK: Objects

    private mutating func check(_ members: [(String, JSONValue)], _ node: SchemaNode) -> Bool {
        var isValid = self.checkCount(members.count, node.propertyCount, "members")
        let needsNames = !node.required.isEmpty || !node.dependentRequired.isEmpty || !node.dependentSchemas.isEmpty
        if needsNames {
            guard self.spend(members.count + node.required.count) else { return true }
            let names = Set(members.map { Array($0.0.utf8) })
            for name in node.required where !names.contains(Array(name.utf8)) {
                isValid = self.fail("must have the member \(JSONValue.string(name).text)")
            }
            for (name, others) in node.dependentRequired where names.contains(Array(name.utf8)) {
                for other in others where !names.contains(Array(other.utf8)) {
                    let given = JSONValue.string(name).text
                    isValid = self.fail("must have the member \(JSONValue.string(other).text) beside \(given)")
                }
            }
            for (name, schema) in node.dependentSchemas where names.contains(Array(name.utf8)) {
                isValid = self.check(schema, .object(members)) && isValid
            }
        }
        for (name, value) in members {
            guard self.spend(1) else { return true }
            isValid = self.checkMember(name, value, node) && isValid
        }
        return isValid
    }

    private mutating func checkMember(_ name: String, _ value: JSONValue, _ node: SchemaNode) -> Bool {
        var isValid = true
        var isKnown = false
        if let names = node.propertyNames, !self.isValid(names, .string(name)) {
            isValid = self.fail("must not have a member with the name \(JSONValue.string(name).text)")
        }
        if let schema = node.properties[Array(name.utf8)] {
            isKnown = true
            isValid = self.check(schema, value, in: .key(name)) && isValid
        }
        for (pattern, schema) in node.patternProperties {
            guard let matches = pattern.matches(name, steps: &self.steps) else {
                self.isExhausted = true
                return true
            }
            guard matches else { continue }
            isKnown = true
            isValid = self.check(schema, value, in: .key(name)) && isValid
        }
        guard !isKnown, let others = node.additionalProperties else { return isValid }
        if self.nodes[others].always == false {
            return self.fail("must not have the member \(JSONValue.string(String(name.prefix(100))).text)")
        }
        return self.check(others, value, in: .key(name)) && isValid
    }

    // MARK: Several schemas

    private mutating func checkCombined(_ value: JSONValue, _ node: SchemaNode) -> Bool {
        var isValid = true
        for schema in node.allOf { isValid = self.check(schema, value) && isValid }
        if !node.anyOf.isEmpty { isValid = self.checkAny(of: node.anyOf, value) && isValid }
        if !node.oneOf.isEmpty {
            let count = node.oneOf.reduce(0) { $0 + (self.isValid($1, value) ? 1 : 0) }
            if count == 0 { isValid = self.checkAny(of: node.oneOf, value) && isValid }
            if count > 1 { isValid = self.fail("must fit exactly one of the schemas of `oneOf`, not \(count)") }
        }
        if let not = node.not, self.isValid(not, value) {
            isValid = self.fail("must not fit the schema of `not`")
        }
        if let condition = node.condition {
            let holds = self.isValid(condition.test, value)
            if let next = holds ? condition.then : condition.otherwise {
                isValid = self.check(next, value) && isValid
            }
        }
        return isValid
    }

    /// Whether one of the schemas is fitted; if not, the faults of the one that is nearest are noted.
    private mutating func checkAny(of schemas: [Int], _ value: JSONValue) -> Bool {
        for schema in schemas where self.isValid(schema, value) { return true }
        guard self.quiet == 0, !self.isExhausted else { return false }
        var nearest: [SchemaFault] = []
        var best = (depth: -1, count: 0)
        for schema in schemas {
            let before = self.faults.count
            let room = self.faultsMax - before
            guard room > 0 else { return false }
            _ = self.check(schema, value)
            let found = Array(self.faults[before...])
            self.faults.removeLast(found.count)
            // Far down means that much of it fitted.
            let depth = found.map { $0.path.utf8.count }.min() ?? 0
            if depth > best.depth || (depth == best.depth && found.count < best.count) {
                best = (depth, found.count)
                nearest = found
            }
        }
        if schemas.count > 1 { _ = self.fail("must fit one of \(schemas.count) schemas; the nearest:") }
        self.faults += nearest.prefix(max(0, self.faultsMax - self.faults.count))
        return false
    }
}
