import NIOCore
import Tools

extension SettingsTable {
    /// Tool servers, in the file alone: what runs as a program of this machine, and what gets a credential, is never
    /// said in a place where more people write; see `docs/tools.md`.
    static let tools: [Setting] = [
        Self.tool(
            "url",
            .text(expected: "an http(s) URL", check: WebhookURL.isOne),
            nil,
            "Where the server is, for one over HTTP.",
            "https://tools.example.com/mcp"
        ),
        Self.tool(
            "allow_private",
            .bool,
            "false",
            "Whether it may be at a loopback, private or link-local address.",
            "true"
        ),
        Self.tool(
            "ca_file",
            .anyText("a path"),
            nil,
            "PEM file of the authorities trusted for it, in place of the system's.",
            "/etc/turnpike/ca.pem"
        ),
        Self.tool(
            "headers.<field>",
            .text(expected: "visible ASCII", check: Self.isFieldText),
            nil,
            "What is sent along with each request, such as the server's own credential as `authorization`.",
            "Bearer of-the-server",
            isSecret: true
        ),
        Self.tool(
            "command",
            .text(expected: "an absolute path", check: { $0.hasPrefix("/") && !$0.utf8.contains(0) }),
            nil,
            "The program, for one of this machine, spoken to over its standard input and output; no shell reads it.",
            "/usr/local/bin/files-mcp"
        ),
        Self.tool(
            "args",
            .list(expected: "a text", check: { !$0.utf8.contains(0) }),
            nil,
            "The program's arguments.",
            "--read-only"
        ),
        Self.tool(
            "env.<variable>",
            .anyText("a text on one line"),
            nil,
            "The program's whole environment: nothing of the gateway's own is passed on.",
            "/usr/bin:/bin",
            isSecret: true
        ),
        Self.tool(
            "max_processes",
            .integer(1...100_000),
            "64",
            "Processes and threads that the program may have.",
            "8"
        ),
        Self.tool(
            "max_memory",
            .size(16_777_216...1_000_000_000_000_000),
            "4GiB",
            "Address space that each of its processes may have.",
            "1GiB"
        ),
        Self.tool(
            "max_files",
            .integer(16...1_000_000),
            "256",
            "Files that each of its processes may have open.",
            "64"
        ),
        Self.tool(
            "max_cpu",
            .duration(.seconds(1)...(.hours(8760))),
            nil,
            "Processor time that each of its processes may use before it is ended; the program is started again then.",
            "1h"
        ),
        Self.tool(
            "approve",
            .choice(ToolServerSettings.Approval.allCases.map(\.rawValue)),
            "first_use",
            "`first_use`: a tool is approved as it is seen for the first time. `manual`: an administrator approves it. "
                + "One that changes later is off until it is approved again.",
            "manual"
        ),
        Self.tool(
            "groups",
            .list(expected: "a group's id", check: SettingRule.isGroupID),
            nil,
            "The groups whose agents may use it; without it those of every group, as their administrators say.",
            "demo"
        ),
        Self.tool(
            "pins.<tool>",
            .text(expected: "64 hexadecimal digits", check: { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }),
            nil,
            "The hash that a tool must have (`turnpike tool list --json`); nothing else approves it then.",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ),
        Self.tool(
            "timeout",
            .duration(.milliseconds(10)...(.minutes(10))),
            "30s",
            "The longest that a call may take.",
            "5s"
        ),
        Self.tool("concurrent", .integer(1...1000), "8", "Calls that may be under way at once; others wait.", "2"),
    ]

    private static func tool(
        _ key: String,
        _ kind: SettingKind,
        _ standard: String?,
        _ help: String,
        _ example: String,
        isSecret: Bool = false
    ) -> Setting {
        Setting(
            path: "tools.servers.<name>.\(key)",
            kind: kind,
            standard: standard,
            help: help,
            example: example,
            isSecret: isSecret,
            isFileOnly: true
        )
    }

    private static func isFieldText(_ text: String) -> Bool {
        (1...8192).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }
}
