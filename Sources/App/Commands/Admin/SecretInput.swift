import Core
import Engine
import Glibc

/// Secrets from a file, standard input, a variable or a hidden prompt; never from an argument, which everybody on the
/// machine can see.
enum SecretInput {
    /// One line.
    ///
    /// - Parameters:
    ///   - path: A file, `-` for standard input; nil for the variable, or else a prompt.
    ///   - variable: An environment variable that may have it.
    ///   - prompt: What is asked for, at a terminal.
    static func read(path: String?, variable: String? = nil, prompt: String) throws -> Secret<String> {
        if let path {
            let text = try path == "-" ? Self.standardInput() : Self.file(path)
            return try Self.line(text, path == "-" ? "standard input" : path)
        }
        if let variable, let value = SettingsEnvironment.all[variable], !value.isEmpty { return Secret(value) }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                "\(prompt) is needed: --key-file FILE, or --key-file - for standard input",
                isMisuse: true
            )
        }
        return try Self.line(try Self.ask(prompt), "the answer")
    }

    /// What a file holds; others may not read it.
    private static func file(_ path: String) throws -> String {
        do throws(SmallFile.Failure) {
            return try SmallFile.read(path, bytesMax: 16_384)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func standardInput() throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count <= 16_384 {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
        throw CommandFailure("standard input is too long for a key")
    }

    private static func line(_ text: String, _ place: String) throws -> Secret<String> {
        var line = text.prefix { !$0.isNewline }
        while line.last?.isWhitespace == true { line = line.dropLast() }
        while line.first?.isWhitespace == true { line = line.dropFirst() }
        guard !line.isEmpty else { throw CommandFailure("\(place) holds no key") }
        return Secret(String(line))
    }

    /// Asks at the terminal without showing what is typed.
    private static func ask(_ prompt: String) throws -> String {
        Terminal.error.write("\(prompt): ")
        var old = termios()
        guard tcgetattr(STDIN_FILENO, &old) == 0 else { throw CommandFailure("the terminal cannot be asked") }
        var quiet = old
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &old)
            Terminal.error.line()
        }
        guard let line = readLine(strippingNewline: true) else { throw CommandFailure("") }
        return line
    }

    /// Asks whether to go on; without a terminal nobody is asked.
    static func confirm(_ question: String, isConfirmed: Bool) throws {
        guard !isConfirmed, isatty(STDIN_FILENO) == 1 else { return }
        Terminal.error.write("\(question) [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("nothing was changed")
        }
    }
}
