internal import Core

/// Takes a schema apart into nodes.
///
/// References may lead anywhere in the same document, also in circles: each place becomes one node.
struct SchemaCompiler {
    /// The most schemas in one.
    private static let nodesMax = 10_000

    private let root: JSONValue
    private(set) var nodes: [SchemaNode] = []
    /// Keywords that are not checked, each once.
    private(set) var unchecked: [String] = []
    private var indices: [String: Int] = [:]
    private var anchors: [String: String] = [:]
    private let rootID: String?
    /// How much may still be written into the names of places, of which a schema can have many long ones.
    private var placeBytes = 16 << 20

    init(_ root: JSONValue) {
        self.root = root
        self.rootID = root["$id"]?.stringValue
    }

    /// Takes apart the whole.
    mutating func compile() throws(SchemaUnusable) {
        try self.findAnchors(in: self.root, at: "")
        _ = try self.compile(self.root, at: "")
    }

    /// The name of a place inside of another.
    private mutating func place(_ name: String, in pointer: String) throws(SchemaUnusable) -> String {
        self.placeBytes -= pointer.utf8.count + name.utf8.count
        guard self.placeBytes > 0 else { throw SchemaUnusable("The schema is too large.") }
        return pointer + "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    private mutating func findAnchors(in value: JSONValue, at pointer: String) throws(SchemaUnusable) {
        switch value {
        case .object(let members):
            if let name = value["$anchor"]?.stringValue, self.anchors[name] == nil { self.anchors[name] = pointer }
            for (key, value) in members where !value.isScalar {
                try self.findAnchors(in: value, at: self.place(key, in: pointer))
            }
        case .array(let elements):
            for (index, value) in elements.enumerated() where !value.isScalar {
                try self.findAnchors(in: value, at: self.place("\(index)", in: pointer))
            }
        default: break
        }
    }

    private mutating func compile(_ value: JSONValue, at pointer: String) throws(SchemaUnusable) -> Int {
        if let index = self.indices[pointer] { return index }
        guard self.nodes.count < Self.nodesMax else { throw SchemaUnusable("The schema is too large.") }
        let index = self.nodes.count
        self.indices[pointer] = index
        self.nodes.append(SchemaNode())
        switch value {
        case .bool(let always):
            self.nodes[index].always = always
        case .object(let members):
            var node = SchemaNode()
            for (key, value) in members {
                if try self.takeSimple(key, value, value: members, into: &node) { continue }
                try self.takeNested(key, value, at: pointer, into: &node)
            }
            try self.takeRelated(value, at: pointer, into: &node)
            self.nodes[index] = node
        default:
            throw SchemaUnusable("A schema must be an object or a boolean.")
        }
        return index
    }

    /// Keywords without schemas in them.
    ///
    /// - Returns: Whether it was one.
    private mutating func takeSimple(
        _ key: String,
        _ value: JSONValue,
        value members: [(String, JSONValue)],
        into node: inout SchemaNode
    ) throws(SchemaUnusable) -> Bool {
        switch key {
        case "type":
            node.types = try Self.types(value, isNullable: members.contains { $0.0 == "nullable" && $0.1 == true })
        case "enum": Self.allow(value.arrayValue ?? [], in: &node)
        case "const": Self.allow([value], in: &node)
        case "required": node.required = Self.strings(value)
        case "minProperties": node.propertyCount.least = value.intValue
        case "maxProperties": node.propertyCount.most = value.intValue
        case "minItems": node.itemCount.least = value.intValue
        case "maxItems": node.itemCount.most = value.intValue
        case "minContains": node.containsCount.least = value.intValue
        case "maxContains": node.containsCount.most = value.intValue
        case "uniqueItems": node.hasUniqueItems = value.boolValue == true
        case "minLength": node.length.least = value.intValue
        case "maxLength": node.length.most = value.intValue
        case "multipleOf": node.factor = ExactNumber(value)
        case "pattern": node.pattern = self.pattern(value)
        case "format": node.format = value.stringValue.flatMap { SchemaFormat(rawValue: $0) }
        case "dependentRequired":
            node.dependentRequired = (value.objectValue ?? []).map { (name: $0.0, others: Self.strings($0.1)) }
        case "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "contentSchema":
            self.note(key)
        default: return false
        }
        return true
    }

    /// Keywords with schemas in them.
    private mutating func takeNested(
        _ key: String,
        _ value: JSONValue,
        at pointer: String,
        into node: inout SchemaNode
    ) throws(SchemaUnusable) {
        let place = try self.place(key, in: pointer)
        switch key {
        case "$ref": node.reference = try self.reference(value)
        case "properties":
            for (name, node_) in try self.named(value, at: place) { node.properties[Array(name.utf8)] = node_ }
        case "patternProperties":
            for (name, schema) in try self.named(value, at: place) {
                if let pattern = self.pattern(.string(name)) { node.patternProperties.append((pattern, schema)) }
            }
        case "additionalProperties": node.additionalProperties = try self.compile(value, at: place)
        case "propertyNames": node.propertyNames = try self.compile(value, at: place)
        case "dependentSchemas": node.dependentSchemas = try self.named(value, at: place)
        case "prefixItems": node.prefixItems = try self.list(value, at: place)
        case "items":
            // The drafts before 2020-12 have the list here.
            if case .array = value {
                node.prefixItems = try self.list(value, at: place)
            } else {
                node.items = try self.compile(value, at: place)
            }
        case "additionalItems": if node.items == nil { node.items = try self.compile(value, at: place) }
        case "contains": node.contains = try self.compile(value, at: place)
        case "allOf": node.allOf = try self.list(value, at: place)
        case "anyOf": node.anyOf = try self.list(value, at: place)
        case "oneOf": node.oneOf = try self.list(value, at: place)
        case "not": node.not = try self.compile(value, at: place)
        default: break
        }
    }

    /// Keywords that change what others mean.
    private mutating func takeRelated(
        _ schema: JSONValue,
        at pointer: String,
        into node: inout SchemaNode
    ) throws(SchemaUnusable) {
        if let test = schema["if"] {
            let then = try schema["then"].map { (value) throws(SchemaUnusable) in
                try self.compile(value, at: pointer + "/then")
            }
            let otherwise = try schema["else"].map { (value) throws(SchemaUnusable) in
                try self.compile(value, at: pointer + "/else")
            }
            node.condition = (try self.compile(test, at: pointer + "/if"), then, otherwise)
        }
        node.minimum = Self.limit(schema["minimum"], schema["exclusiveMinimum"]) { $0 < $1 }
        node.maximum = Self.limit(schema["maximum"], schema["exclusiveMaximum"]) { $1 < $0 }
        if schema["additionalItems"] != nil, case .array? = schema["items"] {
        } else if schema["items"] == nil {
            // Alone it says nothing.
            node.items = nil
        }
    }

    /// The stricter of both bounds; the second may be a boolean about the first, as in draft 4.
    private static func limit(
        _ plain: JSONValue?,
        _ exclusive: JSONValue?,
        _ isLooser: (ExactNumber, ExactNumber) -> Bool
    ) -> SchemaNode.Limit? {
        let isExclusive = exclusive?.boolValue == true
        let one = plain.flatMap { value in
            ExactNumber(value).map { SchemaNode.Limit(number: $0, text: value.text, isExclusive: isExclusive) }
        }
        let other = exclusive.flatMap { value in
            ExactNumber(value).map { SchemaNode.Limit(number: $0, text: value.text, isExclusive: true) }
        }
        guard let one, let other else { return one ?? other }
        return isLooser(other.number, one.number) ? one : other
    }

    // MARK: Parts

    private static func types(_ value: JSONValue, isNullable: Bool) throws(SchemaUnusable) -> SchemaNode.Types {
        var types: SchemaNode.Types = isNullable ? .null : []
        for name in value.stringValue.map({ [$0] }) ?? self.strings(value) {
            // Gemini writes them in capitals.
            guard let known = SchemaNode.Types.names.first(where: { $0.name == name.lowercased() }) else {
                throw SchemaUnusable("The schema names a type that there is not.")
            }
            types.insert(known.type)
        }
        return types
    }

    private static func allow(_ values: [JSONValue], in node: inout SchemaNode) {
        let set = Set(values.map(\.canonical))
        node.choices = node.choices.map { $0.intersection(set) } ?? set
        var text = ""
        for value in values where text.utf8.count < 200 { text += (text.isEmpty ? "" : ", ") + value.text }
        node.choicesText = text.utf8.count < 400 ? text : "the values of the schema"
    }

    private static func strings(_ value: JSONValue) -> [String] { (value.arrayValue ?? []).compactMap(\.stringValue) }

    private mutating func named(
        _ value: JSONValue,
        at place: String
    ) throws(SchemaUnusable) -> [(name: String, node: Int)] {
        var named: [(name: String, node: Int)] = []
        for (name, schema) in value.objectValue ?? [] {
            named.append((name, try self.compile(schema, at: self.place(name, in: place))))
        }
        return named
    }

    private mutating func list(_ value: JSONValue, at place: String) throws(SchemaUnusable) -> [Int] {
        var list: [Int] = []
        for (index, schema) in (value.arrayValue ?? []).enumerated() {
            list.append(try self.compile(schema, at: self.place("\(index)", in: place)))
        }
        return list
    }

    private mutating func pattern(_ value: JSONValue) -> SchemaPattern? {
        guard let text = value.stringValue else { return nil }
        if let pattern = SchemaPattern(text) { return pattern }
        self.note("pattern")
        return nil
    }

    private mutating func note(_ keyword: String) {
        if !self.unchecked.contains(keyword) { self.unchecked.append(keyword) }
    }

    // MARK: References

    private mutating func reference(_ value: JSONValue) throws(SchemaUnusable) -> Int? {
        guard var text = value.stringValue.map({ Substring($0) }) else { return nil }
        if let rootID, text.hasPrefix(rootID) { text = text.dropFirst(rootID.count) }
        if text.isEmpty { text = "#" }
        guard text.first == "#" else {
            self.note("$ref")
            return nil
        }
        var pointer = Self.percentDecoded(text.dropFirst())
        if let anchored = self.anchors[pointer] { pointer = anchored }
        var found = self.root
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = found[name] ?? Int(name).flatMap({ found[$0] }) else {
                throw SchemaUnusable("The schema refers to a place that there is not.")
            }
            found = next
        }
        guard pointer.isEmpty || pointer.hasPrefix("/") else {
            throw SchemaUnusable("The schema refers to a place that there is not.")
        }
        return try self.compile(found, at: pointer)
    }

    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONValue {
    /// Whether nothing stands in it.
    fileprivate var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }
}
