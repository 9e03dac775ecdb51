internal import Core
internal import NIOCore
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
        if "\(row.path)".hasSuffix("{id}") {
            let schema: JSONValue = ["type": "string"]
            members.append(
                ("parameters", [["name": "id", "in": "path", "required": true, "schema": schema]])
            )
        }
        if row.policy != .open {
            members.append(("security", [["gatewayKey": []], ["gatewayKeyHeader": []]]))
        }
        if case .call = row.action {
            let schema: JSONValue = ["type": "object", "additionalProperties": true]
            let body: JSONValue = ["required": true, "content": ["application/json": ["schema": schema]]]
            members.append(("requestBody", body))
        }
        var responses: [(String, JSONValue)] = [("200", ["description": "Done."])]
        if row.policy != .open { responses.append(("401", ["description": "No valid key."])) }
        members.append(("responses", .object(responses)))
        return .object(members)
    }
}
