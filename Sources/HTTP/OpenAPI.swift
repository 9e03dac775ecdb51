internal import Auth
internal import Core
internal import NIOCore
internal import Providers
internal import Wire

/// The API's description, made from the table of routes, so that it cannot say anything else.
enum OpenAPI {
    static func document(version: String) -> ByteBuffer {
        var paths: [(String, JSONValue)] = []
        for row in Routes.table {
            let path = "\(row.path)"
            let entry = ("\(row.method.text)".lowercased(), Self.operation(row))
            if let known = paths.firstIndex(where: { $0.0 == path }), case .object(let methods) = paths[known].1 {
                paths[known].1 = .object(methods + [entry])
            } else {
                paths.append((path, .object([entry])))
            }
        }
        let document: JSONValue = [
            "openapi": "3.1.0",
            "info": ["title": "Turnpike", "version": .string(version)],
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "gatewayKey": ["type": "http", "scheme": "bearer"],
                    "gatewayKeyHeader": ["type": "apiKey", "in": "header", "name": "x-api-key"],
                ]
            ],
        ]
        var buffer = ByteBuffer()
        document.write(into: &buffer)
        return buffer
    }

    private static func operation(_ row: RouteRow) -> JSONValue {
        var members: [(String, JSONValue)] = [("summary", .string(row.summary))]
        var action: AdminAction?
        if case .admin(let found) = row.action {
            action = found
            members.append(("operationId", .string(found.rawValue)))
        }
        let parameters = Self.parameters(row, action)
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        if row.policy != .open {
            members.append(("security", [["gatewayKey": []], ["gatewayKeyHeader": []]]))
        }
        if let schema = Self.body(row, action) {
            let isRequired = action?.body?.properties.contains { $0.isRequired } ?? true
            let media: JSONValue = ["schema": schema]
            let content = JSONValue.object([(Self.contentType(row), media)])
            members.append(("requestBody", ["required": .bool(isRequired), "content": content]))
        }
        members.append(("responses", Self.responses(row, action)))
        return .object(members)
    }

    private static func parameters(_ row: RouteRow, _ action: AdminAction?) -> [JSONValue] {
        let path = Routes.parameterNames(of: row.path).map { name -> JSONValue in
            ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string"]]
        }
        let query = (action?.query.properties ?? []).map { property -> JSONValue in
            [
                "name": .string(property.name),
                "in": "query",
                "description": .string(property.note),
                "schema": property.kind.schema,
            ]
        }
        return path + query
    }

    private static func contentType(_ row: RouteRow) -> String {
        guard case .call(let operation, _) = row.action, !operation.hasJSONBody else { return "application/json" }
        return operation.isForm ? "multipart/form-data" : "*/*"
    }

    /// The schema of the body; nil if there is none.
    private static func body(_ row: RouteRow, _ action: AdminAction?) -> JSONValue? {
        if case .call(.passThrough, _) = row.action {
            return row.method == .get || row.method == .delete ? nil : [:]
        }
        if case .call = row.action { return ["type": "object", "additionalProperties": true] }
        guard let shape = action?.body, !shape.properties.isEmpty else { return nil }
        var members: [(String, JSONValue)] = [("type", "object"), ("additionalProperties", false)]
        members.append(("properties", .object(shape.properties.map { ($0.name, Self.schema(of: $0)) })))
        let required = shape.properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        if shape.needsOne { members.append(("minProperties", 1)) }
        return .object(members)
    }

    private static func schema(of property: BodyShape.Property) -> JSONValue {
        var members = property.kind.schema.objectValue ?? []
        if property.isNullable, let type = members.first(where: { $0.0 == "type" })?.1 {
            members = members.map { $0.0 == "type" ? ("type", [type, "null"]) : $0 }
        }
        if property.kind == .secret { members.append(("writeOnly", true)) }
        members.append(("description", .string(property.note)))
        return .object(members)
    }

    private static func responses(_ row: RouteRow, _ action: AdminAction?) -> JSONValue {
        var responses: [(String, JSONValue)] = [("\(action?.status ?? 200)", ["description": "Done."])]
        func add(_ status: String, _ words: JSONValue) { responses.append((status, ["description": words])) }
        if action?.body != nil { add("400", "The body is wrong; details names the property.") }
        if row.policy != .open { add("401", "No valid key.") }
        if let action {
            if row.policy != .admin(.member) { add("403", "The key's role may not do this.") }
            if "\(row.path)".contains("{") { add("404", "There is no such object, or it is another group's.") }
            if action == .createSession || action == .forkSession {
                add("409", "There are as many sessions as one can have.")
            }
            if action.deed != nil {
                add("409", "It does not go together with what is there.")
                add("503", "The audit log cannot be written, so nothing was changed.")
            }
        }
        return .object(responses)
    }
}

extension BodyShape.Kind {
    /// As JSON Schema has it.
    fileprivate var schema: JSONValue {
        switch self {
        case .text, .secret: ["type": "string"]
        case .flag: ["type": "boolean"]
        case .whole(let range):
            [
                "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
                "maximum": .integer(Int64(range.upperBound)),
            ]
        case .time: ["type": "string", "format": "date-time"]
        case .texts: ["type": "array", "items": ["type": "string"]]
        case .choice(let names): ["type": "string", "enum": .array(names.map { .string($0) })]
        case .amount: ["type": ["number", "string"], "minimum": 0, "pattern": "^[0-9.eE+-]+$"]
        case .scope:
            [
                "type": "object", "additionalProperties": false,
                "properties": .object(Scope.Dimension.allCases.map { ($0.rawValue, ["type": "string"]) }),
            ]
        case .object: ["type": "object", "additionalProperties": true]
        case .objects: ["type": "array", "items": ["type": "object"]]
        case .percentages: ["type": "array", "items": ["type": "integer", "minimum": 1, "maximum": 1000]]
        case .history:
            [
                "type": "object", "additionalProperties": false, "required": ["policy"],
                "properties": [
                    "policy": ["type": "string", "enum": ["messages", "tokens", "summary"]],
                    "count": Self.whole(HistoryWish.messageLimits).schema,
                    "max": Self.whole(HistoryWish.tokenLimits).schema,
                    "keep": Self.whole(HistoryWish.keptLimits).schema,
                    "model": ["type": "string"],
                ],
            ]
        }
    }
}
