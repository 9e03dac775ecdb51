/// Makes up a value that a JSON schema accepts: what a model with perfect structured output would return.
///
/// Covers what providers' strict modes allow, and more: types, enum, const, properties, items, anyOf, oneOf, allOf,
/// `$ref` within the document, string formats and lengths, number limits. Not `pattern`, `not` or conditions: those
/// get a value that ignores them.
struct SchemaFiller {
    /// Schemas that refer to themselves end here: optional things are then left out.
    private static let depthLimit = 12

    private let root: JSONValue

    static func instance(of schema: JSONValue) -> JSONValue {
        SchemaFiller(root: schema).value(schema, name: "value", depth: 0)
    }

    private func value(_ schema: JSONValue, name: String, depth: Int) -> JSONValue {
        guard depth < Self.depthLimit * 4 else { return .null }
        if let reference = schema["$ref"]?.string, let target = self.resolve(reference) {
            return self.value(target, name: name, depth: depth + 1)
        }
        if let constant = schema["const"] { return constant }
        if let first = schema["enum"]?.array?.first { return first }
        if let all = schema["allOf"]?.array, !all.isEmpty {
            return self.value(
                Self.merged([schema.without("allOf")] + all.map(self.resolved)),
                name: name,
                depth: depth + 1
            )
        }
        for key in ["anyOf", "oneOf"] {
            if let options = schema[key]?.array, let pick = self.pick(options, depth: depth) {
                return self.value(pick, name: name, depth: depth + 1)
            }
        }
        switch self.type(of: schema, depth: depth) {
        case "object": return self.object(schema, depth: depth)
        case "array": return self.array(schema, name: name, depth: depth)
        case "integer", "number": return Self.number(schema)
        case "boolean": return .bool(true)
        case "null": return .null
        default: return .string(Self.string(schema, name: name))
        }
    }

    private func type(of schema: JSONValue, depth: Int) -> String {
        if let type = schema["type"]?.string { return type }
        if let types = schema["type"]?.array?.compactMap(\.string), !types.isEmpty {
            if depth > Self.depthLimit, types.contains("null") { return "null" }
            return types.first { $0 != "null" } ?? "null"
        }
        if schema["properties"] != nil { return "object" }
        if schema["items"] != nil { return "array" }
        // A schema that says nothing, such as that of a tool without parameters, is an object at the top.
        return depth == 0 ? "object" : "string"
    }

    /// Of several schemas the first that is not null, or null once the value has grown deep.
    private func pick(_ options: [JSONValue], depth: Int) -> JSONValue? {
        let isNull = { (option: JSONValue) in option["type"]?.string == "null" }
        if depth > Self.depthLimit, let null = options.first(where: isNull) { return null }
        return options.first { !isNull($0) } ?? options.first
    }

    private func object(_ schema: JSONValue, depth: Int) -> JSONValue {
        let required = Set(schema["required"]?.array?.compactMap(\.string) ?? [])
        var members: [JSONValue.Member] = []
        for property in schema["properties"]?.members ?? [] {
            if depth > Self.depthLimit, !required.contains(property.key) { continue }
            members.append(.init(property.key, self.value(property.value, name: property.key, depth: depth + 1)))
        }
        return .object(members)
    }

    private func array(_ schema: JSONValue, name: String, depth: Int) -> JSONValue {
        if let prefix = schema["prefixItems"]?.array {
            return .array(prefix.map { self.value($0, name: name, depth: depth + 1) })
        }
        let least = schema["minItems"]?.integer ?? 0
        let most = schema["maxItems"]?.integer ?? Int.max
        let wanted = depth > Self.depthLimit ? least : max(least, 1)
        guard let items = schema["items"], wanted > 0 else { return .array([]) }
        return .array((0..<min(wanted, most, 64)).map { _ in self.value(items, name: name, depth: depth + 1) })
    }

    // MARK: - Scalars

    private static func number(_ schema: JSONValue) -> JSONValue {
        let isInteger = schema["type"]?.string != "number"
        let step = schema["multipleOf"]?.number ?? 1
        var value = isInteger ? 7.0 : 1.5
        if let most = schema["maximum"]?.number { value = min(value, most) }
        if let below = schema["exclusiveMaximum"]?.number, value >= below { value = below - (isInteger ? 1 : 0.5) }
        if let least = schema["minimum"]?.number { value = max(value, least) }
        if let above = schema["exclusiveMinimum"]?.number, value <= above { value = above + (isInteger ? 1 : 0.5) }
        if schema["multipleOf"] != nil, step > 0 { value = (value / step).rounded(.up) * step }
        if isInteger, let whole = Int(exactly: value.rounded(.up)) { return .integer(whole) }
        return .number(value)
    }

    private static func string(_ schema: JSONValue, name: String) -> String {
        switch schema["format"]?.string {
        case "date-time": return "2026-01-15T09:30:00Z"
        case "date": return "2026-01-15"
        case "time": return "09:30:00Z"
        case "duration": return "PT1H"
        case "email": return "someone@example.com"
        case "hostname": return "example.com"
        case "ipv4": return "192.0.2.1"
        case "ipv6": return "2001:db8::1"
        case "uri", "url": return "https://example.com/"
        case "uuid": return "00000000-0000-4000-8000-000000000000"
        default: break
        }
        var text = "sample \(name)"
        if let least = schema["minLength"]?.integer, text.count < least {
            text += String(repeating: "x", count: min(least - text.count, 1 << 16))
        }
        if let most = schema["maxLength"]?.integer, most >= 0 { text = String(text.prefix(most)) }
        return text
    }

    // MARK: - References

    private func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema["$ref"]?.string, let target = self.resolve(reference) else { return schema }
        return target
    }

    /// Follows `#` or `#/$defs/Name`.
    private func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value = self.root
        for step in reference.dropFirst().split(separator: "/") {
            let key = URLText.decoded(step).replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }

    private static func merged(_ schemas: [JSONValue]) -> JSONValue {
        var members: [JSONValue.Member] = []
        for member in schemas.flatMap({ $0.members ?? [] }) {
            guard let index = members.firstIndex(where: { $0.key == member.key }) else {
                members.append(member)
                continue
            }
            if let old = members[index].value.members, let new = member.value.members {
                members[index].value = .object(old + new)
            } else if let old = members[index].value.array, let new = member.value.array {
                members[index].value = .array(old + new)
            }
        }
        return .object(members)
    }
}

extension JSONValue {
    fileprivate func without(_ key: String) -> JSONValue {
        .object((self.members ?? []).filter { $0.key != key })
    }
}
