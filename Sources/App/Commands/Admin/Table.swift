import Core

/// Rows of an answer in columns, for people.
struct Table {
    /// One column: its title, and what stands in it for an object of the API.
    struct Column: Sendable {
        var title: String
        var text: @Sendable (JSONValue) -> String

        init(_ title: String, _ text: @escaping @Sendable (JSONValue) -> String) {
            self.title = title
            self.text = text
        }

        /// A member as it is.
        init(_ title: String, _ member: String) {
            self.init(title) { Table.text($0[member]) }
        }

        /// A time without its fraction.
        init(_ title: String, time member: String) {
            self.init(title) { Table.time($0[member]) }
        }
    }

    let columns: [Column]

    /// The lines, the titles first; what others named cannot move the cursor.
    func text(_ rows: [JSONValue], terminal: Terminal = .output) -> String {
        let cells = rows.map { row in self.columns.map { Terminal.printable($0.text(row)).replacing("\n", with: " ") } }
        let widths = self.columns.indices.map { index in
            cells.map { $0[index].count }.reduce(self.columns[index].title.count, max)
        }
        func line(_ cells: [String]) -> String {
            var line = ""
            for (index, cell) in cells.enumerated() {
                line += cell
                if index < cells.count - 1 { line += String(repeating: " ", count: widths[index] - cell.count + 2) }
            }
            return line
        }
        let titles = terminal.styled(line(self.columns.map(\.title)), .bold)
        return ([titles] + cells.map(line)).map { $0 + "\n" }.joined()
    }

    /// One object, a member in each line.
    static func object(_ object: JSONValue) -> String {
        let members = object.objectValue ?? []
        let width = members.map { $0.0.count }.max() ?? 0
        return members.map { name, value in
            "\(name)\(String(repeating: " ", count: width - name.count + 2))\(Terminal.printable(Self.text(value)))\n"
        }.joined()
    }

    static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null?: "-"
        case .string(let text)?: text
        case .bool(let flag)?: flag ? "yes" : "no"
        case .array(let items)?: items.isEmpty ? "-" : items.map { Self.text($0) }.joined(separator: ",")
        case let value?: value.text
        }
    }

    static func time(_ value: JSONValue?) -> String {
        guard let text = value?.stringValue else { return "-" }
        return text.count == 24 ? text.prefix(19).replacing("T", with: " ") + "Z" : text
    }
}

/// How administrative commands show what the API answers.
enum AdminOutput {
    /// A list, with its cursor where there is more.
    static func list(_ answer: JSONValue, _ columns: [Table.Column], asJSON: Bool) {
        if asJSON {
            Terminal.output.line(answer.text)
            return
        }
        let rows = answer["data"]?.arrayValue ?? []
        Terminal.output.write(Table(columns: columns).text(rows))
        if let cursor = answer["nextCursor"]?.stringValue { Terminal.error.line("more: --cursor \(cursor)") }
    }

    /// One object.
    static func object(_ answer: JSONValue, asJSON: Bool) {
        if asJSON {
            Terminal.output.line(answer.text)
        } else {
            Terminal.output.write(Table.object(answer["data"] ?? answer))
        }
    }

    /// What was done; as JSON what the API answered, or an empty object.
    static func done(_ answer: JSONValue, _ sentence: String, asJSON: Bool) {
        Terminal.output.line(asJSON ? (answer == .null ? "{}" : answer.text) : Terminal.printable(sentence))
    }

    /// A new gateway key: the secret alone on standard output, once, so that a script can take it.
    static func issued(_ answer: JSONValue, asJSON: Bool) {
        if asJSON {
            Terminal.output.line(answer.text)
            return
        }
        let data = answer["data"] ?? .null
        let end = data["expiresAt"]?.stringValue == nil ? "does not expire" : "until \(Table.time(data["expiresAt"]))"
        Terminal.error.line(
            Terminal.printable(
                "Key \(Table.text(data["id"])) of group \(Table.text(data["groupId"])), "
                    + "scopes \(Table.text(data["scopes"])), \(end). Shown once, on the next line:"
            )
        )
        Terminal.output.line(Table.text(data["secret"]))
    }
}
