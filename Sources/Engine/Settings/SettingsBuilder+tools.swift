import Core
import NIOCore
import Net
import Tools
import Transport

extension SettingsBuilder {
    /// `tools.servers:`.
    mutating func toolServers(isProduction: Bool) -> [ToolServerSettings] {
        let names = self.values.names(under: "tools.servers")
        return names.compactMap { self.toolServer($0, isProduction: isProduction) }
    }

    private mutating func toolServer(_ name: String, isProduction: Bool) -> ToolServerSettings? {
        let path = SettingPath(["tools", "servers", name])
        guard ToolName.isServer(name) else {
            self.note(path, "is not a name (letters, digits, '-', '_' and '.', at most 64)")
            return nil
        }
        guard name != "tasks" else {
            self.note(path, "is a name that Turnpike keeps for itself")
            return nil
        }
        let url = self.values.optionalText(path.child("url"))
        let command = self.values.optionalText(path.child("command"))
        let way: ToolServerSettings.Way?
        switch (url, command) {
        case (let url?, nil): way = self.address(url, path, isProduction: isProduction).map { .http($0) }
        case (nil, let command?): way = .program(self.program(command, path))
        case (nil, nil):
            self.note(path, "needs url or command")
            return nil
        case (_?, _?):
            self.note(path, "has both url and command: a server is at one place")
            return nil
        }
        guard let way else { return nil }
        self.checkKeys(of: way, path)
        var pins: [String: String] = [:]
        let pinned = path.child("pins")
        for tool in self.values.names(under: pinned) {
            pins[tool] = self.values.text(pinned.child(tool)).lowercased()
        }
        return ToolServerSettings(
            name: name,
            way: way,
            approval: ToolServerSettings.Approval(rawValue: self.values.text(path.child("approve"))) ?? .manual,
            pins: pins,
            groups: self.groups(path.child("groups")),
            timeout: self.values.duration(path.child("timeout")),
            concurrent: self.values.integer(path.child("concurrent"))
        )
    }

    /// An empty list is nobody's.
    private func groups(_ path: SettingPath) -> [GroupID]? {
        if case .list(let groups) = self.values[path] { groups.map { GroupID($0) } } else { nil }
    }

    /// A key that does nothing where it stands is a slip.
    private mutating func checkKeys(of way: ToolServerSettings.Way, _ path: SettingPath) {
        let others: [String]
        switch way {
        case .http: others = ["args", "env", "max_processes", "max_memory", "max_files", "max_cpu"]
        case .program: others = ["allow_private", "ca_file", "headers"]
        }
        for key in others {
            let child = path.child(key)
            guard self.values.entries[child] != nil || !self.values.names(under: child).isEmpty else { continue }
            self.note(child, way.kind == "http" ? "is for a command" : "is for a url")
        }
    }

    private mutating func address(_ text: String, _ path: SettingPath, isProduction: Bool) -> ToolEndpoint? {
        let url = WebhookURL(text)
        let allowsPrivate = self.values.bool(path.child("allow_private"))
        let caFile = self.values.optionalText(path.child("ca_file"))
        guard let endpoint = try? Endpoint(url: url.base, allowPrivate: allowsPrivate, caFile: caFile) else {
            return nil
        }
        let literal = try? SocketAddress(ipAddress: endpoint.host, port: 0)
        let isPrivate = endpoint.host == "localhost" || literal.map { !AddressGuard.isPublic($0) } ?? false
        if isPrivate, !allowsPrivate {
            let place = path.child("url")
            self.note(place, "is at a private address, which is refused unless the entry says allow_private: true")
        }
        if isProduction, endpoint.scheme == .http, !allowsPrivate {
            self.note(
                path.child("url"),
                "production refuses plain HTTP: use https://, or allow_private for one in your network"
            )
        }
        let headers = path.child("headers")
        var fields: [(name: String, value: Secret<String>)] = []
        for name in self.values.names(under: headers) {
            let field = name.lowercased()
            guard Self.isFieldName(field) else {
                self.note(headers.child(name), "is not a field that can be set")
                continue
            }
            fields.append((field, Secret(self.values.text(headers.child(name)))))
        }
        return ToolEndpoint(endpoint: endpoint, query: url.query, fields: fields)
    }

    /// Fields of the connection and of the protocol are not the operator's to set.
    private static func isFieldName(_ name: String) -> Bool {
        let kept: Set = [
            "host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "accept-encoding",
            "te", "upgrade", "expect",
        ]
        let isWord = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        return isWord && !name.isEmpty && !kept.contains(name) && !name.hasPrefix("mcp-")
    }

    private func program(_ command: String, _ path: SettingPath) -> ProgramPlan {
        let environment = path.child("env")
        return ProgramPlan(
            path: command,
            arguments: self.values.list(path.child("args")),
            environment: self.values.names(under: environment).map { name in
                (name, Secret(self.values.text(environment.child(name))))
            },
            limits: ProgramPlan.Limits(
                processes: self.values.integer(path.child("max_processes")),
                memoryBytes: self.values.integer(path.child("max_memory")),
                files: self.values.integer(path.child("max_files")),
                cpuSeconds: self.values.optionalDuration(path.child("max_cpu")).map {
                    Int(clamping: $0.nanoseconds / 1_000_000_000)
                }
            )
        )
    }
}
