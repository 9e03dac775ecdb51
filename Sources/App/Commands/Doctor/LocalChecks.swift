import Core
import Engine
import Glibc
import NIOCore
import Transport

/// What can be checked on this machine.
enum LocalChecks {
    /// Files, folders, limits.
    static func all(_ settings: Settings) -> [Finding] {
        var findings = [Self.dataFolder(settings), Self.firstKey(settings), Self.descriptors()]
        if let tls = settings.server.tls {
            findings.append(Self.file(tls.certificateFile, "server.tls.certificate_file", isSecret: false))
            findings.append(Self.file(tls.keyFile, "server.tls.key_file", isSecret: true))
        }
        for provider in settings.providers {
            guard let path = provider.caFile else { continue }
            findings.append(Self.file(path, "providers.\(provider.name).ca_file", isSecret: false))
        }
        return findings
    }

    private static func dataFolder(_ settings: Settings) -> Finding {
        let path = settings.dataDirectory
        guard SmallFile.stamp(path) != nil else {
            // Made at the first start; until then the nearest folder above decides.
            var parent = path
            while SmallFile.stamp(parent) == nil {
                guard let slash = parent.lastIndex(of: "/"), slash > parent.startIndex else {
                    parent = parent.hasPrefix("/") ? "/" : "."
                    break
                }
                parent = String(parent[..<slash])
            }
            return access(parent, W_OK) == 0
                ? .ok("data folder", "\(path) will be made at the first start")
                : .fail("data folder", "\(path) cannot be made", mend: "make \(parent) writable, or set data_dir")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            return .fail("data folder", "\(path) is not writable", mend: "chown it to the user that runs turnpike")
        }
        return .ok("data folder", path)
    }

    private static func firstKey(_ settings: Settings) -> Finding {
        do throws(FirstKey.Failure) {
            if try FirstKey.existing(in: settings.dataDirectory) != nil {
                let path = FirstKey.path(in: settings.dataDirectory)
                return settings.environment == .production
                    ? .ok("gateway keys", "from bootstrap; \(path) is not used in production")
                    : .ok("gateway keys", path)
            }
            let count = settings.groups.reduce(0) { $0 + $1.keys.count }
            return .ok("gateway keys", count == 0 ? "the first start makes one" : "\(count) from bootstrap")
        } catch {
            return .fail("gateway keys", "\(error)")
        }
    }

    private static func descriptors() -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .warn("descriptor limit", "cannot be read")
        }
        // The soft limit is raised to the hard one at start; each call takes one on either side.
        let hard = limit.rlim_max == rlim_t.max ? Int.max : Int(clamping: limit.rlim_max)
        let calls = (hard - 64) / 2
        guard hard < 4_096 else { return .ok("descriptor limit", hard == .max ? "none" : "\(hard)") }
        return .warn(
            "descriptor limit",
            "\(hard) open files allow some \(calls) calls at once",
            mend: "raise it: ulimit -Hn 65536, or LimitNOFILE=65536 in the systemd unit"
        )
    }

    private static func file(_ path: String, _ subject: String, isSecret: Bool) -> Finding {
        guard let stamp = SmallFile.stamp(path) else { return .fail(subject, "\(path) is not there") }
        guard access(path, R_OK) == 0 else { return .fail(subject, "\(path) cannot be read") }
        if isSecret, stamp.mode & 0o044 != 0 {
            return .warn(subject, "\(path) can be read by others", mend: "chmod 600 \(path)")
        }
        return .ok(subject, path)
    }

    /// Whether the address is free, or a gateway answers there already.
    static func listen(_ settings: Settings, _ client: CommandClient) async -> Finding {
        let listen = settings.server.listen
        guard listen.port != 0 else { return .ok("listen address", "\(listen): the system chooses the port") }
        let url = GatewayAccess.url(of: settings.server, at: settings.server.listen)
        guard let endpoint = try? Endpoint(url: url, allowPrivate: true) else {
            return .fail("listen address", "\(listen) is no address")
        }
        var request = CommandRequest(method: "GET", endpoint: endpoint, path: "/healthz")
        request.timeouts = Timeouts(connect: .seconds(2), firstByte: .seconds(2), idle: .seconds(2), total: .seconds(4))
        do {
            let answer = try await client.send(request)
            return answer.status == 200
                ? .ok("listen address", "\(listen): a gateway is running there")
                : .fail("listen address", "\(listen) is taken by something else", mend: "stop it, or set server.listen")
        } catch TransportError.connectFailed {
            if listen.port < 1_024, geteuid() != 0 {
                return .warn(
                    "listen address",
                    "\(listen) is free, but ports below 1024 need more rights",
                    mend: "choose another port, or setcap cap_net_bind_service=+ep turnpike"
                )
            }
            return .ok("listen address", "\(listen) is free")
        } catch TransportError.tlsFailed {
            return .ok("listen address", "\(listen): something with TLS is running there")
        } catch {
            return .fail(
                "listen address",
                "\(listen) is taken by something that is no gateway",
                mend: "set server.listen"
            )
        }
    }
}
