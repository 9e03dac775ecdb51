import ArgumentParser
import Core
import Engine
import NIOCore
import Wire

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Watch the calls as they end: model, provider, status, tokens, milliseconds.",
        discussion: "Connects again when the gateway restarts. Ctrl-C ends it."
    )

    @OptionGroup var gateway: GatewayOptions

    @Flag(help: "Print one JSON object for each call.")
    var json = false

    /// Where the gateway shows calls.
    private static let path = "/api/v1/calls/live"

    func run() async throws {
        let access = try GatewayAccess(self.gateway, isAdministrative: true)
        let asJSON = self.json
        _ = try await Interrupts.run {
            try await CommandClient.with { try await Self.follow(access, asJSON: asJSON, $0) }
        }
    }

    /// Follows the feed, again after each loss of the connection, until nobody reads or the key is refused.
    private static func follow(_ access: GatewayAccess, asJSON: Bool, _ client: CommandClient) async throws {
        var request = access.request("GET", Self.path)
        request.fields.append(("accept", "text/event-stream"))
        request.timeouts.streamMax = .hours(24 * 365)
        request.timeouts.idle = .minutes(5)
        var pause = Duration.milliseconds(500)
        var hasSaidSo = false
        if !asJSON { Terminal.output.line(Terminal.output.styled(TailLine.header, .bold)) }
        while true {
            do {
                let isOpen = Signpost()
                let answer = try await client.stream(request, onOpen: { isOpen.set() }) { event in
                    try Self.show(event, asJSON: asJSON)
                }
                if let answer { throw access.explain(answer) }
                if isOpen.isSet { pause = .milliseconds(500) }
            } catch let failure as CommandFailure {
                throw failure
            } catch is CancellationError {
                return
            } catch is ReaderGone {
                return
            } catch {
                if !hasSaidSo { Terminal.error.line("turnpike: \(access.explain(error).message); trying again") }
                hasSaidSo = true
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(10))
        }
    }

    private static func show(_ event: ServerSentEvent, asJSON: Bool) throws -> Bool {
        let type = event.type.map { String(buffer: $0) } ?? "message"
        let line: String
        if asJSON {
            line = String(buffer: event.data)
        } else if type == "lost" {
            let count = (try? JSONValue.parse(event.data))?["count"]?.intValue ?? 0
            line = "… \(count) calls not shown: they came faster than they could be written"
        } else if let call = try? JSONValue.parse(event.data) {
            line = TailLine.text(call, terminal: .output)
        } else {
            return true
        }
        guard Terminal.output.line(line) else { throw ReaderGone() }
        return true
    }

    private struct ReaderGone: Error {}
}

/// One call in columns.
enum TailLine {
    /// Widths of the columns; the last has none.
    private static let columns: [(title: String, width: Int, isNumber: Bool)] = [
        ("TIME", 12, false), ("STATUS", 6, true), ("MS", 7, true), ("FIRST", 7, true), ("IN", 7, true),
        ("OUT", 7, true), ("GROUP", 12, false), ("PROVIDER", 12, false), ("MODEL", 0, false),
    ]

    static let header = Self.row(Self.columns.map(\.title))

    /// The line for a call, as the feed gives it.
    static func text(_ call: JSONValue, terminal: Terminal) -> String {
        let status = call["status"]?.intValue ?? 0
        let time = call["time"]?.stringValue ?? ""
        // The time of day; the feed gives a date before it and a zone after it.
        let clock = time.split(separator: "T").last.map { String($0.prefix(12)) } ?? ""
        var last = call["model"]?.stringValue ?? "-"
        if let code = call["code"]?.stringValue, !code.isEmpty { last += "  " + code }
        if let attempts = call["attempts"]?.intValue, attempts > 1 { last += "  \(attempts) attempts" }
        let line = Self.row([
            clock, status == 0 ? "-" : String(status), Self.number(call["ms"]), Self.number(call["ttftMs"]),
            Self.number(call["tokensIn"]), Self.number(call["tokensOut"]), call["group"]?.stringValue ?? "-",
            call["provider"]?.stringValue ?? "-", last,
        ])
        switch status {
        case 200..<300: return line
        case 400..<500: return terminal.styled(line, .yellow)
        default: return terminal.styled(line, .red)
        }
    }

    private static func number(_ value: JSONValue?) -> String {
        if let number = value?.intValue { return String(number) }
        return value?.doubleValue.map { String(Int($0.rounded())) } ?? "-"
    }

    private static func row(_ cells: [String]) -> String {
        zip(cells, Self.columns).map { cell, column in
            // What others named may not move the cursor.
            let safe = Terminal.printable(cell)
            let padding = String(repeating: " ", count: max(0, column.width - safe.count))
            return column.isNumber ? padding + safe : safe + padding
        }.joined(separator: "  ")
    }
}
