import Testing

@testable import Simulator

/// The faults, seen from a raw socket: what RELIABILITY rows 16, 29, 33-35 and 83-92 need from a scripted provider.
@Suite(.timeLimit(.minutes(2))) struct FaultTests {
    @Test(arguments: [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529])
    func `any status can be had, with an error body`(status: Int) async throws {
        try await Bench.with { bench in
            for isStream in [false, true] {
                let reply = try await bench.ask("sim?status=\(status)", stream: isStream)
                #expect(reply.head.hasPrefix("HTTP/1.1 \(status) "))
                #expect(try JSONParser.parse(reply.body)["error"]?["message"]?.string?.isEmpty == false)
                #expect(try await bench.nextEnded().status == status)
            }
        }
    }

    @Test func `retry-after comes in seconds, milliseconds, as a date, or as nonsense (row 85)`() async throws {
        try await Bench.with {
            $0.clocks.wall = { 784_111_777 + 86_400 }
        } _: { bench in
            let reply = try await bench.ask("sim?status=429&retry_after=-1&retry_after_ms=NaN")
            #expect(reply.head.contains("\r\nretry-after: -1"))
            #expect(reply.head.contains("\r\nretry-after-ms: NaN"))
            let dated = try await bench.ask("sim?status=429&retry_after_date=-86400")
            #expect(dated.head.contains("\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
        }
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }

    @Test func `error bodies come in every bad shape`() async throws {
        try await Bench.with { bench in
            func body(_ kind: String) async throws -> RawClient.Reply {
                try await bench.ask("sim?status=502&error=\(kind)")
            }
            let html = try await body("html")
            #expect(html.head.contains("content-type: text/html"))
            let empty = try await body("empty")
            #expect(empty.head.contains("content-length: 0"))
            let cut = try await body("cut").body
            #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(cut) }
            let words = try await body("not_json")
            #expect(words.body.hasPrefix("upstream connect error"))
            let router = try await body("openrouter")
            #expect(try JSONParser.parse(router.body)["error"]?["code"] == .integer(502))
            let echo = try await body("echo_key")
            #expect(echo.head.hasPrefix("HTTP/1.1 502 Wrong key sk-raw-key1"))
            #expect(echo.head.contains("x-sim-echo: Bearer sk-raw-key1"))
            #expect(echo.body.contains("sk-raw-key1"))
            let error200 = try await bench.ask("sim?error200=1")
            #expect(error200.head.hasPrefix("HTTP/1.1 200"))
            #expect(try JSONParser.parse(error200.body)["choices"] == nil)
        }
    }

    @Test(arguments: [0, 1, 3])
    func `an error in the stream comes after so many events, and then the stream just ends (row 89)`(
        count: Int
    ) async throws {
        try await Bench.with { bench in
            let events = try await bench.ask("sim?midstream_error=\(count)", stream: true).events
            #expect(events.count == count + 1)
            #expect(try JSONParser.parse(try #require(events.last))["error"] != nil)
        }
    }

    @Test func `an error may follow the role and nothing else (row 88)`() async throws {
        try await Bench.with { bench in
            let events = try await bench.ask("sim?lifecycle_then_error=1&error_code=overloaded", stream: true).events
            #expect(events.count == 2)
            #expect(events[0].contains(#""role":"assistant""#))
            #expect(try JSONParser.parse(events[1])["error"]?["code"] == .string("overloaded"))
        }
    }

    @Test(arguments: [("close", RawClient.Ending.closed), ("reset", .reset), ("half_close", .closed)])
    func `an answer is cut where the fault says (rows 84, 89)`(cut: String, ending: RawClient.Ending) async throws {
        try await Bench.with { bench in
            let nothing = try await bench.ask("sim?cut_before_head=1&cut=\(cut)", stream: true)
            #expect(nothing.bytes.isEmpty)
            #expect(nothing.ending == ending)
            let bytes = try await bench.ask("sim?cut_at_byte=10&cut=\(cut)")
            #expect(bytes.text == "HTTP/1.1 2")
            #expect(bytes.ending == ending)
            let events = try await bench.ask("sim?cut_after_events=2&cut=\(cut)", stream: true)
            #expect(events.events.count == 2)
            #expect(events.text.hasSuffix("\n\n\r\n"))
            #expect(events.ending == ending)
            let middle = try await bench.ask("sim?cut_mid_event=2&cut=\(cut)", stream: true)
            #expect(middle.events.count == 3)
            #expect(!middle.text.hasSuffix("\n\n\r\n"))
            for _ in 0..<4 { #expect(try await bench.nextEnded().ending == .cut) }
        }
    }

    @Test func `an answer is cut at every byte of its head`() async throws {
        try await Bench.with { bench in
            let whole = try await bench.ask("sim?text=x")
            for count in stride(from: 1, to: whole.bytes.count, by: 37) {
                let part = try await bench.ask("sim?text=x&cut_at_byte=\(count)")
                #expect(part.bytes.count == count)
            }
        }
    }

    @Test func `a stream stalls before its head, after it, or between events (row 90)`() async throws {
        try await Bench.with { bench in
            let head = try await RawClient.exchange(
                bench.simulator,
                Bench.chat("sim?stall_after_head=1", stream: true)
            ) { $0.text.hasSuffix("\r\n\r\n") }
            #expect(head.ending == .open)
            #expect(head.body.isEmpty)
            let words = try await RawClient.exchange(
                bench.simulator,
                Bench.chat("sim?stall_after_events=3", stream: true)
            ) { $0.events.count == 3 && $0.text.hasSuffix("\r\n") }
            #expect(words.ending == .open)
            for events in [0, 3] {
                let call = try await bench.nextEnded()
                #expect(call.ending == .clientClosed)
                #expect(call.eventsWritten == events)
            }
            let resumed = try await bench.ask("sim?stall_after_events=1&stall_ms=1&text=x", stream: true)
            #expect(resumed.events.last == "[DONE]")
        }
    }

    @Test func `redirects point where they are told (row 29)`() async throws {
        try await Bench.with { bench in
            for status in [301, 302, 307, 308] {
                let reply = try await bench.ask("sim?redirect=\(status)&location=http://127.0.0.1:1/x%3Fy=1")
                #expect(reply.head.hasPrefix("HTTP/1.1 \(status) "))
                #expect(reply.head.contains("\r\nlocation: http://127.0.0.1:1/x?y=1\r\n"))
            }
        }
    }

    @Test func `heads come with a storm before them, foreign fields, raw lines and a 101 (row 16)`() async throws {
        try await Bench.with { bench in
            let storm = try await bench.ask("sim?informational=20")
            #expect(storm.text.components(of: "HTTP/1.1 103 Early\r\n") == 20)
            #expect(storm.text.contains("HTTP/1.1 200 OK\r\n"))
            let hostile = try await bench.ask("sim?hostile_headers=1")
            #expect(hostile.head.contains("\r\nset-cookie: sim=hostile"))
            let raw = try await bench.ask("sim?header=x-a:%20b%0d%0aset-cookie:%20c=d")
            #expect(raw.head.contains("\r\nx-a: b\r\nset-cookie: c=d"))
            let switching = try await RawClient.exchange(
                bench.simulator,
                Bench.chat("sim?switching=1")
            ) { $0.text.contains("\r\n\r\n") }
            #expect(switching.head.hasPrefix("HTTP/1.1 101 Switching Protocols"))
            let bare = try await bench.ask("sim?bare_lf=1")
            #expect(!bare.text.contains("\r"))
            let old = try await bench.ask("sim?http10=1", stream: true)
            #expect(old.head.hasPrefix("HTTP/1.0 200"))
            #expect(!old.head.contains("transfer-encoding"))
            #expect(old.events.last == "[DONE]")
        }
    }

    @Test func `large heads, bodies, lines and depths have the size that was asked for (row 34)`() async throws {
        try await Bench.with { bench in
            #expect(try await bench.ask("sim?header_block=100000").head.utf8.count > 100_000)
            let line = try await bench.ask("sim?header_line=100000")
            #expect(line.head.hasSuffix(String(repeating: "H", count: 100_000)))
            let body = try await bench.ask("sim?body_bytes=1000000")
            #expect(body.body.utf8.count == 1_000_000)
            #expect(try JSONParser.parse(body.body)["choices"]?.array?.count == 1)
            let long = try await bench.ask("sim?line_bytes=300000&text=x", stream: true)
            #expect(long.events.contains { $0.utf8.count > 300_000 })
            #expect(try JSONParser.parse(long.events[1])["choices"] != nil)
            let deep = try await bench.ask("sim?deep=1000")
            #expect(deep.body.contains(String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)))
            let deepEvent = try await bench.ask("sim?deep=1000", stream: true)
            #expect(deepEvent.events.first?.hasSuffix("]}") == true)
        }
    }

    @Test func `lengths are wrong in the ways that matter`() async throws {
        try await Bench.with { bench in
            func lengths(_ fault: String) async throws -> (announced: [String], actual: Int) {
                let reply = try await bench.ask("sim?text=x&content_length=\(fault)")
                let lines = reply.head.split(separator: "\r\n").filter { $0.hasPrefix("content-length: ") }
                return (lines.map { String($0.dropFirst(16)) }, reply.body.utf8.count)
            }
            let short = try await lengths("short")
            #expect(short.announced == ["\(short.actual - 5)"])
            let long = try await lengths("long")
            #expect(long.announced == ["\(long.actual + 10)"])
            let twice = try await lengths("twice")
            #expect(twice.announced == ["\(twice.actual)", "\(twice.actual)"])
            let differing = try await lengths("differing")
            #expect(differing.announced == ["\(differing.actual)", "\(differing.actual + 1)"])
            let both = try await bench.ask("sim?content_length=with_chunked")
            #expect(both.head.contains("transfer-encoding: chunked"))
            #expect(both.head.contains("content-length: "))
        }
    }

    @Test func `usage is missing, wrong, late or double`() async throws {
        try await Bench.with { bench in
            func events(_ usage: String) async throws -> [String] {
                let more = #","stream_options":{"include_usage":true}"#
                return try await bench.ask("sim?text=x&usage=\(usage)", stream: true, more: more).events
            }
            func carriers(_ usage: String) async throws -> [Int] {
                let events = try await events(usage)
                return events.indices.filter { events[$0].contains(#""usage":{"#) }
            }
            let expected: KeyValuePairs = [
                "always": [3], "none": [], "late": [4], "double": [3, 4], "in_choice": [2], "every": [1, 3],
            ]
            for (usage, places) in expected {
                let found = try await carriers(usage)
                #expect(found == places, "\(usage)")
            }
            let late = try await events("late")
            #expect(late[3] == "[DONE]")
            let zero = try await events("zero")
            #expect(zero[3].contains(#""prompt_tokens":0,"completion_tokens":0,"total_tokens":0"#))
            let wrong = try await events("wrong")
            #expect(wrong[3].contains(#""completion_tokens":17"#))
            for _ in 0..<9 { #expect(try await bench.nextEnded().completionTokens == 1) }
        }
    }

    @Test func `drips, splits and chunks change nothing but the packets`() async throws {
        try await Bench.with { bench in
            let usual = try await bench.ask("sim?text=some%20words", stream: true)
            for fault in ["split=1", "split=13", "drip_ms=1&drip_bytes=64", "drip_ms=1&drip_bytes=200&drip=head"] {
                let reply = try await bench.ask("sim?text=some%20words&\(fault)", stream: true)
                #expect(reply.events.count == usual.events.count, "\(fault)")
                #expect(reply.bytes.count == usual.bytes.count, "\(fault)")
            }
            let chunked = try await bench.ask("sim?text=some%20words&http_chunk=5", stream: true)
            #expect(chunked.body.components(of: "\r\n5\r\n") > 20)
        }
    }

    @Test func `events are written in every way the standard allows, and some it does not (row 35)`() async throws {
        try await Bench.with { bench in
            func body(_ variant: String) async throws -> String {
                try await bench.ask("sim?text=x&framing=close&\(variant)", stream: true).body
            }
            let expected: KeyValuePairs = [
                "sse=crlf": "}\r\n\r\ndata: ", "sse=cr": "}\r\rdata: ", "sse=nospace": "data:{",
                "sse=multiline": "data: {\ndata: \"id\"", "sse=comments": ": a comment\n:\ndata: ",
                "sse=fields": "id: 7\nretry: 10\nevent: message\ndata: ", "sse=spoof": "event: error\n",
                "sse=nul": "id: nul\0nul\n", "garbage_after=2": "data: {\"this is\": not JSON\n\n",
            ]
            for (variant, part) in expected {
                let written = try await body(variant)
                #expect(written.utf8.contains(part), "\(variant)")
            }
            let endings: KeyValuePairs = [
                "sse=nofinal": "data: [DONE]", "no_done=1": "}\n\n", "no_done=1&sse=nofinal": "}",
            ]
            for (variant, ending) in endings {
                let written = try await body(variant)
                #expect(written.hasSuffix(ending), "\(variant)")
            }
            let marked = try await body("sse=bom")
            #expect(marked.hasPrefix("\u{FEFF}data: "))
            let odd = try await bench.ask("sim?unicode=1", stream: true)
            #expect(odd.text.unicodeScalars.contains("\u{2028}"))
        }
    }

    @Test func `a kept connection may die right after its answer`() async throws {
        try await Bench.with { bench in
            let reply = try await RawClient.exchange(bench.simulator, Bench.chat("sim?text=x&idle_close=1"))
            #expect(reply.ending == .closed)
            #expect(!reply.head.contains("connection: close"))
            let framed = try await RawClient.exchange(bench.simulator, Bench.chat("sim?text=x&framing=close"))
            #expect(framed.ending == .closed)
            #expect(framed.head.contains("connection: close"))
            #expect(!framed.head.contains("content-length"))
        }
    }

    @Test func `an unknown option is an error, not a test that tests nothing`() async throws {
        try await Bench.with { bench in
            for model in ["sim?cut_after_event=3", "sim?status=abc", "sim?cut=softly", "sim?status=99", "sim?=1"] {
                let reply = try await bench.ask(model)
                #expect(reply.head.hasPrefix("HTTP/1.1 400"), "\(model)")
                #expect(reply.body.contains("unknown_simulator_option"), "\(model)")
            }
        }
    }
}

extension String {
    /// How often `part` occurs.
    func components(of part: String) -> Int { self.ranges(of: part).count }
}

extension String.UTF8View {
    /// Compares bytes: characters would join a carriage return and a line feed.
    func contains(_ part: String) -> Bool { self.firstRange(of: part.utf8) != nil }
}
