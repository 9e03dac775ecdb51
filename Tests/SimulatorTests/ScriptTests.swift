import NIOPosix
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct ScriptTests {
    @Test func `a script fails the first attempts and then lets the call through`() async throws {
        try await Bench.with { bench in
            try bench.simulator.script([ScriptEntry(model: "sim", times: 2, fault: ["status": "503"])])
            for status in [503, 503, 200] {
                #expect(try await bench.ask("sim").head.hasPrefix("HTTP/1.1 \(status) "))
            }
        }
    }

    @Test func `entries skip calls, match by key, path and model, and take turns`() async throws {
        let script = FaultScript()
        try script.add([
            ScriptEntry(key: "a", skip: 1, times: 1, fault: ["status": "500"]),
            ScriptEntry(path: "/v1/*", fault: ["status": "404"]),
            ScriptEntry(model: "gpt-*", fault: ["status": "403"]),
        ])
        func status(_ model: String, _ path: String, _ key: String) -> Int? {
            script.take(at: .body, model: (model, String(model.prefix { $0 != "?" })), path: path, key: key)?.status
        }
        #expect(status("gpt-4", "/other", "a") == 403)
        #expect(status("gpt-4", "/other", "a") == 500)
        #expect(status("gpt-4", "/other", "a") == 403)
        #expect(status("sim", "/v1/models", "b") == 404)
        #expect(status("sim", "/other", "b") == nil)
        #expect(status("gpt-5?x", "/other", "b") == 403)
        script.clear()
        #expect(status("gpt-4", "/v1/models", "a") == nil)
    }

    @Test func `a script may be sent, is checked whole, and may be taken back`() async throws {
        try await Bench.with { bench in
            func control(_ method: String, _ body: String) async throws -> String {
                let request =
                    "\(method) /sim/script HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                return try await RawClient.exchange(bench.simulator, request).head
            }
            let good =
                #"[{"match":{"path":"/v1/models"},"times":1,"fault":{"status":418,"header":["x-a: 1","x-b: 2"]}}]"#
            let taken = try await control("POST", good)
            #expect(taken.hasPrefix("HTTP/1.1 200"))
            let models = "GET /v1/models HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n"
            let teapot = try await RawClient.exchange(bench.simulator, models)
            #expect(teapot.head.hasPrefix("HTTP/1.1 418"))
            #expect(teapot.head.contains("\r\nx-a: 1\r\nx-b: 2"))
            #expect(try await RawClient.exchange(bench.simulator, models).head.hasPrefix("HTTP/1.1 200"))
            for bad in [
                "", "[1]", #"[{"fault":{"statis":1}}]"#, #"[{"times":0,"fault":{}}]"#, #"[{"match":{"port":1}}]"#,
                #"[{"match":{"model":"sim"},"fault":{"on_head":"close"}}]"#, #"[{"macth":{}}]"#,
                #"[{"fault":{"status":500}},{"fault":{"on_accept":"never"}}]"#,
            ] {
                let refused = try await control("POST", bad)
                #expect(refused.hasPrefix("HTTP/1.1 400"), "\(bad)")
            }
            // The last one held a good entry beside a bad one: nothing of it may be left.
            #expect(try await RawClient.exchange(bench.simulator, models).head.hasPrefix("HTTP/1.1 200"))
            _ = try await control("POST", #"{"fault":{"status":500}}"#)
            _ = try await control("DELETE", "")
            #expect(try await RawClient.exchange(bench.simulator, models).head.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test(arguments: [("close", RawClient.Ending.closed), ("reset", .reset)])
    func `a connection may end on accept or when the head has come (row 84)`(
        action: String,
        ending: RawClient.Ending
    ) async throws {
        try await Bench.with { bench in
            try bench.simulator.script([ScriptEntry(times: 1, fault: ["on_accept": action])])
            do {
                let client = try await RawClient.connect(bench.simulator)
                let reply = try await client.receive()
                #expect(reply.ending == ending)
            } catch is NIOConnectionError {
                // The reset may overtake the news that the connection is there.
                #expect(ending == .reset)
            }
            let accepted = try await bench.nextEnded()
            #expect(accepted.options == ["on_accept"])
            #expect(accepted.method.isEmpty)
            try bench.simulator.script([ScriptEntry(times: 1, fault: ["on_head": action])])
            let reply = try await bench.ask("sim")
            #expect(reply.bytes.isEmpty)
            #expect(reply.ending != .open)
            let call = try await bench.nextEnded()
            #expect(call.ending == .cut)
            #expect(call.path == "/v1/chat/completions")
            #expect(try await bench.ask("sim").head.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a body may be left unread and the call answered all the same`() async throws {
        try await Bench.with { bench in
            try bench.simulator.script([ScriptEntry(times: 1, fault: ["unread_body": "1", "status": "413"])])
            let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer k\r\n"
            let client = try await RawClient.connect(bench.simulator)
            try await client.send(head + "Content-Length: 1000000\r\n\r\n{")
            let reply = try await client.receive()
            #expect(reply.head.hasPrefix("HTTP/1.1 413"))
            #expect(try await bench.nextEnded().bodyCompleteNanoseconds == 0)
        }
    }

    @Test func `a body may be read slowly and arrives whole`() async throws {
        try await Bench.with { bench in
            try bench.simulator.script([ScriptEntry(times: 1, fault: ["slow_read": "64"])])
            let filler = String(repeating: "z", count: 400)
            let reply = try await bench.ask("sim", more: #","user":"\#(filler)""#)
            #expect(reply.head.hasPrefix("HTTP/1.1 200"))
            let call = try await bench.nextEnded()
            #expect(call.bodyText.contains(filler))
        }
    }

    @Test func `a script overrides the model name key by key`() async throws {
        try await Bench.with { bench in
            try bench.simulator.script(json: #"[{"fault":{"text":"scripted"}}]"#)
            let reply = try await bench.ask("sim?text=named&finish=length")
            #expect(reply.body.contains(#""content":"scripted""#))
            #expect(reply.body.contains(#""finish_reason":"length""#))
            bench.simulator.clearScript()
            #expect(try await bench.ask("sim?text=named").body.contains("named"))
        }
    }
}
