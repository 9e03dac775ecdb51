import Core

/// What a person typed: a question, or a command to the chat itself.
enum ChatInput: Equatable, Sendable {
    case question(String)
    case help
    /// Another model; nil shows the one in use.
    case model(String?)
    /// Another system prompt; nil shows the one in use, an empty one removes it.
    case system(String?)
    case clear
    case save(String)
    case usage
    case quit
    case nothing
    /// Not understood; the text says why.
    case mistake(String)

    /// The commands, for `/help` and for slips.
    static let commands: [(name: String, argument: String, help: String)] = [
        ("/help", "", "this list"), ("/model", "[NAME]", "show or change the model"),
        ("/system", "[TEXT | off]", "show, change or remove what the model is told first"),
        ("/clear", "", "forget the conversation"), ("/save", "FILE", "write it to a .md or .json file"),
        ("/usage", "", "what this chat has used so far"), ("/quit", "", "leave (or Ctrl-D)"),
    ]

    init(_ line: String) {
        let text = Self.trimmed(line)
        guard !text.isEmpty else {
            self = .nothing
            return
        }
        // A question may begin with a slash when it is doubled.
        guard text.hasPrefix("/"), !text.hasPrefix("//") else {
            self = .question(text.hasPrefix("//") ? String(text.dropFirst()) : text)
            return
        }
        let name = String(text.prefix { !$0.isWhitespace })
        let argument = Self.trimmed(String(text.dropFirst(name.count)))
        switch name {
        case "/help", "/?": self = .help
        case "/model": self = .model(argument.isEmpty ? nil : argument)
        case "/system": self = .system(argument.isEmpty ? nil : argument == "off" ? "" : argument)
        case "/clear": self = .clear
        case "/save": self = argument.isEmpty ? .mistake("/save needs a file name") : .save(argument)
        case "/usage": self = .usage
        case "/quit", "/exit", "/q": self = .quit
        default:
            let near = NearestName.find(name, in: Self.commands.map(\.name))
            self = .mistake("\(name) is no command" + (near.map { "; did you mean \($0)?" } ?? "; see /help"))
        }
    }

    private static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
