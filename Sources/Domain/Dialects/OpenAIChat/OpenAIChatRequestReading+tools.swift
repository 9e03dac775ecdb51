internal import Chat
internal import Core

extension OpenAIChatRequestReading {
    mutating func readTool(_ tool: JSONSlice) throws(RequestUnreadable) {
        var type: JSONSlice?
        var function: JSONSlice?
        var custom: JSONSlice?
        var mark: JSONSlice?
        var hasOthers = false
        try self.reader.members(of: self.object(tool)) { (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                type = value
            } else if key.equals("function") {
                function = value
            } else if key.equals("custom") {
                custom = value
            } else if key.equals("cache_control"), !self.reader.isNull(value) {
                mark = value
            } else {
                hasOthers = true
            }
        }
        var definition = ToolDefinition(.hosted, name: .empty, place: tool.start)
        definition.definition = self.reader.fragment(tool)
        if let custom, type.map({ self.reader.equals($0, "custom") }) ?? true {
            definition.kind = .custom
            _ = try self.readFunction(custom, into: &definition)
        } else if let function, type.map({ self.reader.equals($0, "function") }) ?? true {
            definition.kind = .function
            let isPlain = try self.readFunction(function, into: &definition)
            // What is not understood in it can only go back to where the whole does.
            if isPlain, !hasOthers { definition.definition = nil }
        } else if type == nil {
            throw RequestUnreadable(at: tool.start, "The tool has no type.", expected: "an object with a type")
        }
        if let mark { definition.cacheMark = self.reader.given(mark) }
        self.request.tools.append(definition)
    }

    /// Reads name, description and schema.
    ///
    /// - Returns: Whether that was all there was.
    mutating func readFunction(
        _ function: JSONSlice,
        into tool: inout ToolDefinition
    ) throws(RequestUnreadable) -> Bool {
        var isPlain = true
        var hasName = false
        try self.reader.members(of: self.object(function)) { (key, value) throws(RequestUnreadable) in
            guard !self.reader.isNull(value) else { return }
            if key.equals("name") {
                tool.name = try self.string(value).value
                hasName = true
            } else if key.equals("description") {
                tool.description = try self.string(value)
            } else if key.equals("parameters") {
                tool.parameters = self.reader.given(try self.object(value))
            } else if key.equals("strict") {
                tool.isStrict = try self.bool(value)
            } else if key.equals("cache_control") {
                tool.cacheMark = self.reader.given(value)
                isPlain = false
            } else {
                // The format of a custom tool stands in its definition.
                if tool.kind == .function { tool.rest.append(self.reader.rest(key, value)) }
                isPlain = false
            }
        }
        guard hasName else {
            throw RequestUnreadable(at: function.start, "The tool has no name.", expected: "an object with a name")
        }
        return isPlain
    }

    mutating func readToolChoice(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        self.request.toolChoice = Given(try self.toolChoice(value), at: value.start)
    }

    private func toolChoice(_ value: JSONSlice) throws(RequestUnreadable) -> ToolChoice {
        if self.reader.equals(value, "auto") { return .auto }
        if self.reader.equals(value, "none") { return .none }
        // The second is Mistral's word.
        if self.reader.equals(value, "required") || self.reader.equals(value, "any") { return .required }
        guard self.reader.kind(value) == .object else {
            throw self.wrong(value, "none, auto, required or an object that names a tool")
        }
        var found = ToolChoice.other(self.reader.fragment(value))
        try self.reader.members(of: value) { (key, inner) throws(RequestUnreadable) in
            guard key.equals("function") || key.equals("custom"), self.reader.kind(inner) == .object else { return }
            try self.reader.members(of: inner) { (key, name) throws(RequestUnreadable) in
                if key.equals("name") { found = .named(try self.string(name).value) }
            }
        }
        return found
    }

    /// The older `function_call`: `none`, `auto`, or an object with a name.
    mutating func readFunctionChoice(_ value: JSONSlice) throws(RequestUnreadable) {
        if self.reader.equals(value, "auto") {
            self.request.toolChoice = Given(.auto, at: value.start)
        } else if self.reader.equals(value, "none") {
            self.request.toolChoice = Given(.none, at: value.start)
        } else {
            guard self.reader.kind(value) == .object else {
                throw self.wrong(value, "none, auto or an object that names a function")
            }
            try self.reader.members(of: value) { (key, name) throws(RequestUnreadable) in
                guard key.equals("name") else { return }
                self.request.toolChoice = Given(.named(try self.string(name).value), at: value.start)
            }
        }
    }
}
