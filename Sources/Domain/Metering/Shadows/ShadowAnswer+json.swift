package import Core

extension ShadowAnswer {
    /// As administrators are shown it.
    ///
    /// - Parameter withTexts: Whether with what was said.
    package func json(withTexts: Bool) -> JSONValue {
        [
            "id": .string(self.id),
            "group": .string(self.group.text),
            "model": .string(self.alias),
            "requestId": .string(self.requestID),
            "createdAt": .string(self.createdAt.rfc3339),
            "operation": .string(self.operation),
            "stream": .bool(self.isStream),
            "likeness": self.likeness.map { Self.fraction($0) } ?? .null,
            "client": self.client.json(withText: withTexts),
            "shadow": self.shadow.json(withText: withTexts),
        ]
    }

    /// Thousandths as a number from 0 to 1.
    static func fraction(_ permille: Int) -> JSONValue {
        let clean = min(max(permille, 0), 1000)
        return clean == 1000 ? .integer(1) : .number("0.\(String(1000 + clean).dropFirst())")
    }
}

extension ShadowAnswer.Side {
    /// As administrators are shown it.
    func json(withText: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("provider", .string(self.provider)),
            ("model", .string(self.model)),
            ("ok", .bool(self.isAnswer)),
            ("code", self.code.isEmpty ? .null : .string(self.code)),
            ("upstreamStatus", self.status == 0 ? .null : .integer(Int64(self.status))),
            ("firstContentMs", Self.number(self.firstContentMilliseconds)),
            ("totalMs", .integer(Int64(self.totalMilliseconds))),
            ("inputTokens", Self.number(self.inputTokens)),
            ("outputTokens", Self.number(self.outputTokens)),
            ("costUsd", .number(self.cost.dollars)),
            ("finish", self.finish.isEmpty ? .null : .string(self.finish)),
        ]
        if withText {
            members.append(("text", .string(self.text)))
            members.append(("textIsCut", .bool(self.isCut)))
        }
        return .object(members)
    }

    private static func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }

    /// The figures as the store keeps them.
    var stored: String {
        var members: [(String, JSONValue)] = [
            ("provider", .string(self.provider)), ("model", .string(self.model)), ("code", .string(self.code)),
            ("status", .integer(Int64(self.status))), ("total", .integer(Int64(self.totalMilliseconds))),
            ("cost", .integer(self.cost.value)), ("finish", .string(self.finish)), ("cut", .bool(self.isCut)),
        ]
        if let first = self.firstContentMilliseconds { members.append(("first", .integer(Int64(first)))) }
        if let input = self.inputTokens { members.append(("input", .integer(Int64(input)))) }
        if let output = self.outputTokens { members.append(("output", .integer(Int64(output)))) }
        return JSONValue.object(members).text
    }

    /// Reads them back; what is missing is left out.
    init(stored text: String, said: [UInt8]) {
        let value = (try? JSONValue.parse(text)) ?? .null
        self.init(provider: value["provider"]?.stringValue ?? "", model: value["model"]?.stringValue ?? "")
        self.code = value["code"]?.stringValue ?? ""
        self.status = value["status"]?.intValue ?? 0
        self.firstContentMilliseconds = value["first"]?.intValue
        self.totalMilliseconds = value["total"]?.intValue ?? 0
        self.inputTokens = value["input"]?.intValue
        self.outputTokens = value["output"]?.intValue
        self.cost = MicroDollars(Int64(value["cost"]?.intValue ?? 0))
        self.finish = value["finish"]?.stringValue ?? ""
        self.isCut = value["cut"]?.boolValue ?? false
        self.text = String(decoding: said, as: UTF8.self)
    }
}
