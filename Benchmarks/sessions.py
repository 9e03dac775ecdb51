"""The rows about conversations, and about answers that can be resumed. Clients are plain sockets, so that they cost little."""

import contextlib
import json
import os
import secrets
import selectors
import socket
import statistics
import time

import resilience
from harness import CHAT, KEY, LOAD_CORE, Bench, BenchError, Side
from rows import by_turns

SESSIONS = "/api/v1/sessions"
# What the provider's answers are full of, and nothing else is.
CONTENT = b"xxxxxxxx"
# And how each piece of them ends.
PIECE = b'xx"'
# The end of a chunked body.
END = b"\r\n0\r\n\r\n"


@contextlib.contextmanager
def load_core():
    """Keeps this thread off the core of what is measured, as the other load is."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(LOAD_CORE)} & cores or cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Line:
    """A connection, and what came on it since the last request."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.came = bytearray()

    def send(self, method: str, path: str, body=None, **fields):
        """Begins a request; underscores of fields are dashes."""
        content = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {KEY}"]
        head += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        self.came.clear()
        self.socket.sendall("\r\n".join([*head, "", ""]).encode() + content)

    def take(self):
        """Waits for more."""
        more = self.socket.recv(1 << 20)
        if not more:
            raise BenchError(f"a connection was closed: {bytes(self.came[:600])}")
        self.came += more
        if len(self.came) >= 12 and self.came[9:12] not in (b"200", b"201"):
            raise BenchError(f"not what was asked for: {bytes(self.came[:600])}")

    def until(self, mark: bytes, count=1) -> float:
        """Waits until something came so many times; when that was."""
        place, found = 0, 0
        while True:
            while (at := self.came.find(mark, place)) >= 0:
                place, found = at + len(mark), found + 1
                if found == count:
                    return time.perf_counter()
            # It may have come in two pieces; what was counted is never looked at again.
            place = max(place, len(self.came) - len(mark) + 1)
            if mark != END and self.came.endswith(END):
                raise BenchError(f"an answer ended before its time: {bytes(self.came[:600])}")
            self.take()

    def whole(self, method: str, path: str, body=None, **fields) -> dict:
        """A call that is answered in one piece."""
        self.send(method, path, body, **fields)
        while b"\r\n\r\n" not in self.came:
            self.take()
        head, _, _ = bytes(self.came).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(self.came) < len(head) + 4 + length:
            self.take()
        return json.loads(self.came[len(head) + 4 :])

    def close(self):
        self.socket.close()


def make_session(line: Line) -> str:
    return line.whole("POST", SESSIONS, {"title": "bench"})["data"]["id"]


def streamed(how: str) -> dict:
    """A call in OpenAI's dialect to the provider that streams as its model's name says."""
    return {"model": f"streams/c?{how}", "stream": True, "messages": [{"role": "user", "content": "Go on."}]}


def said(how: str) -> dict:
    """The same in a session."""
    return {"model": f"streams/c?{how}", "stream": True, "content": "Go on."}


def at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def session_chat(bench: Bench):
    """message in a session, beside the provider alone"""
    rounds, calls, how = (4, 50, "chunks=10&bytes=220&us=1000") if bench.quick else (8, 150, "chunks=10&bytes=220&us=1000")
    side = bench.gateway()
    with load_core():
        provider, gateway = Line(bench.stream_port), Line(side.port)

        def ask(way: str, path: str) -> tuple[float, float]:
            line = provider if way == "provider" else gateway
            began = time.perf_counter()
            line.send("POST", path, said(how) if way == "session" else streamed(how))
            return line.until(CONTENT) - began, line.until(END) - began

        def measure(way: str) -> dict:
            path = CHAT
            if way == "session":
                # As many messages go along as ever do.
                path = f"{SESSIONS}/{make_session(gateway)}/messages"
                for _ in range(10):
                    ask(way, path)
            times = []
            for _ in range(calls):
                times.append(ask(way, path))
                # Nobody reads an answer and speaks in the same moment; what is written down behind it is not in the next.
                time.sleep(0.002)
            return {
                f"{what}_{name}": at([each[place] for each in times], share) * 1000
                for place, what in enumerate(("first", "end"))
                for name, share in (("p50", 0.5), ("p99", 0.99))
            }

        ways = ["provider", "chat", "session"]
        for way in ways:
            measure(way)
        found = dict(zip(ways, by_turns(rounds, ways, measure)))
    bench.stop(side)

    def added(way: str, beside: str, what: str) -> float:
        return statistics.median(a[what] - b[what] for a, b in zip(found[way], found[beside]))

    return {
        "turnpike": added("session", "provider", "first_p50"),
        "unit": "ms p50 added",
        "added_first_ms": added("session", "provider", "first_p50"),
        "added_end_ms": added("session", "provider", "end_p50"),
        "chat_first_ms": round(added("chat", "provider", "first_p50"), 3),
        "chat_end_ms": round(added("chat", "provider", "end_p50"), 3),
        "added_p99_ms": [round(added("session", "provider", f"{what}_p99"), 3) for what in ("first", "end")],
        "layout": f"one call at a time, a session's with 20 messages before it; {how}; time to the first content and to the end "
        "of the body over that of the provider asked directly; subject on core 0, client and provider on core 1",
    }


class Following:
    """An answer of many events, and how to ask for it again."""

    def __init__(self, bench: Bench, side: Side, kind: str, ends: bool, events: int):
        self.side, self.kind = side, kind
        how = f"chunks={events}&bytes=180&us=50{'' if ends else '&hold'}"
        self.line = Line(side.port)
        self.key = f"bench-{secrets.token_hex(8)}"
        if kind == "session":
            session = make_session(self.line)
            self.path = f"{SESSIONS}/{session}/stream"
            self.line.send("POST", f"{SESSIONS}/{session}/messages", said(how))
            # Its own first event goes before the provider's.
            self.names = lambda number: f"2-{number + 1}"
        else:
            self.path, self.body = CHAT, streamed(how)
            self.line.send("POST", CHAT, self.body, Idempotency_Key=self.key)
            self.names = str
        self.events = events
        self.line.until(PIECE, events)
        if ends:
            self.line.until(END)
            time.sleep(0.05)

    def again(self, had: int) -> tuple[float, float]:
        """Seconds to the first event that was missed, and to the last, on a connection of its own."""
        began = time.perf_counter()
        line = Line(self.side.port)
        if self.kind == "session":
            line.send("GET", self.path, Last_Event_ID=self.names(had))
        else:
            line.send("POST", self.path, self.body, Idempotency_Key=self.key, Last_Event_ID=self.names(had))
        first = line.until(b"\nid: ") - began
        if f"id: {self.names(had + 1)}\n".encode() not in line.came[:2000]:
            raise BenchError(f"resumed elsewhere: {bytes(line.came[:600])}")
        last = line.until(f"id: {self.names(self.events)}\n".encode()) - began
        line.close()
        return first, last


def session_resume(bench: Bench):
    """resuming a stream of 10,000 events"""
    events, tries = 10_000, 10 if bench.quick else 40
    found = {}
    side = bench.gateway()
    with load_core():
        for kind in ("session", "keyed"):
            for state in ("running", "over"):
                answer = Following(bench, side, kind, state == "over", events)
                answer.again(events - 10)
                for where, had in (("near_the_end", events - 10), ("from_the_start", 1)):
                    times = [answer.again(had) for _ in range(tries)]
                    found[f"{kind}_{state}_{where}"] = {
                        "first_p50_ms": statistics.median(first for first, _ in times) * 1000,
                        "first_max_ms": max(first for first, _ in times) * 1000,
                        "all_p50_ms": statistics.median(last for _, last in times) * 1000,
                    }
                answer.line.close()
    side.process.process.kill()
    bench.stop(side)
    worst = max(run["first_p50_ms"] for run in found.values())
    return {
        "turnpike": worst,
        "unit": "ms p50, worst",
        "start_ms": worst,
        "start_max_ms": max(run["first_max_ms"] for run in found.values()),
        **{name: {key: round(value, 2) for key, value in run.items()} for name, run in found.items()},
        "layout": "from connecting to the first event after Last-Event-ID; the answer still runs, or is over, which for a keyed call "
        "is read from the store; the slowest of the eight medians, and the slowest of all tries",
    }


def session_streams(bench: Bench):
    """memory per open stream that can be resumed, at 1,000"""
    count, events, found = 1000, 20, {}
    how = f"chunks={events}&bytes=180&us=0&hold"
    for kind in ("session", "keyed"):
        side = bench.gateway()
        control = Line(side.port)
        sessions = [make_session(control) for _ in range(count + 10)] if kind == "session" else []

        def begin() -> Line:
            line = Line(side.port)
            if kind == "session":
                line.send("POST", f"{SESSIONS}/{sessions.pop()}/messages", said(how))
            else:
                line.send("POST", CHAT, streamed(how), Idempotency_Key=f"bench-{secrets.token_hex(8)}")
            return line

        # A few stay open all the while: what the first of anything costs is not the price of one more.
        lines = open_all(begin, 10, events)
        time.sleep(2)
        before = side.process.resident_bytes()
        lines += open_all(begin, count, events)
        time.sleep(2)
        found[kind] = (side.process.resident_bytes() - before) / 1024 / count
        for line in [control, *lines]:
            line.close()
        # They would go on without their clients, for as long as that is allowed.
        side.process.process.kill()
        bench.stop(side)
    worst = max(found.values())
    return {
        "turnpike": worst,
        "unit": "KiB/stream, worst",
        "kib_per_stream": worst,
        **{f"{kind}_kib": round(value, 1) for kind, value in found.items()},
        "layout": f"{count} at once, each with {events} events of 180 B behind it and more to come; growth of resident memory",
    }


def open_all(begin, count: int, events: int) -> list[Line]:
    """Begins streams, at most so many at a time, and gives them once each has brought its events."""
    at_once, lines, waiting = 64, [], 0
    with selectors.DefaultSelector() as selector:
        while len(lines) < count or waiting:
            while waiting < at_once and len(lines) < count:
                lines.append(begin())
                selector.register(lines[-1].socket, selectors.EVENT_READ, lines[-1])
                waiting += 1
            ready = selector.select(60)
            if not ready:
                raise BenchError(f"{waiting} streams say nothing more")
            for key, _ in ready:
                key.data.take()
                if key.data.came.count(PIECE) >= events:
                    key.data.came.clear()
                    selector.unregister(key.fileobj)
                    waiting -= 1
    return lines


def tool_round(bench: Bench):
    """round of an agent's tool, without provider and tool"""
    rounds, calls = (4, 50) if bench.quick else (8, 150)
    provider = resilience.Provider(bench, "tool-round-provider")
    # The tool is one of another gateway, over HTTP and on the core of the load.
    server = bench.gateway(core=LOAD_CORE, name="tool-server")
    more = (
        f'tools: {{ servers: {{ remote: {{ url: "http://127.0.0.1:{server.port}/mcp/tasks", allow_private: true, '
        f'headers: {{ authorization: "Bearer {KEY}" }} }} }} }}\n'
        "agents: { worker: { group: bench, model: fast, tools: [ remote/list_tasks ] } }\n"
    )
    try:
        with resilience.gateway(bench, "tool-round", "a/sim", {"a": (provider.port, "")}, more=more) as side, load_core():
            tool, lines = Tool(server), {"provider": Line(provider.port), "gateway": Line(side.port)}
            asked = [{"role": "user", "content": "What is on my list?"}]
            wish = {"id": "call_1", "type": "function", "function": {"name": tool.model_name, "arguments": "{}"}}
            told = [
                *asked,
                {"role": "assistant", "content": None, "tool_calls": [wish]},
                {"role": "tool", "tool_call_id": "call_1", "content": tool.text},
            ]
            ways = {
                "agent": ("gateway", {"model": "agent/worker", "messages": asked}),
                "first": ("provider", {"model": "sim", "messages": asked, "tools": [tool.for_models]}),
                "second": ("provider", {"model": "sim", "messages": told, "tools": [tool.for_models]}),
                "plain": ("gateway", {"model": "fast", "messages": asked}),
                "plain_alone": ("provider", {"model": "sim", "messages": asked}),
            }

            def ask(way: str) -> float:
                began = time.perf_counter()
                if way == "tool":
                    tool.call()
                    return time.perf_counter() - began
                where, body = ways[way]
                lines[where].send("POST", CHAT, {**body, "stream": True})
                return lines[where].until(END) - began

            def measure(way: str) -> float:
                times = []
                for _ in range(calls):
                    times.append(ask(way))
                    time.sleep(0.002)
                return statistics.median(times) * 1000

            names = [*ways, "tool"]
            for way in names:
                measure(way)
            before = provider.calls
            ask("agent")
            if provider.calls - before != 2:
                raise BenchError(f"an answer with a tool took {provider.calls - before} calls: {bytes(lines['gateway'].came[:1500])}")
            found = dict(zip(names, by_turns(rounds, names, measure)))
    finally:
        provider.stop()
        bench.stop(server)

    def added(*parts: str) -> float:
        return statistics.median(whole - sum(rest) for whole, *rest in zip(*(found[part] for part in parts)))

    whole = added("agent", "first", "second", "tool")
    plain = added("plain", "plain_alone")
    return {
        "turnpike": whole - plain,
        "unit": "ms p50 added",
        "added_ms": whole - plain,
        "answer_added_ms": round(whole, 3),
        "plain_added_ms": round(plain, 3),
        "tool_ms": round(statistics.median(found["tool"]), 3),
        "layout": "an agent's streamed answer with one round of a tool over HTTP, less both calls of the provider and the call of the tool, "
        "each asked directly, and less what the gateway adds to a plain call; subject on core 0, all others on core 1",
    }


class Tool:
    """A tool of the tasks that a gateway serves, and a client of its own for it."""

    def __init__(self, server: Side):
        self.line, self.fields = Line(server.port), {"Accept": "application/json, text/event-stream"}
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.say("initialize", client)
        head = bytes(self.line.came).partition(b"\r\n\r\n")[0].decode().lower()
        session = next(line for line in head.split("\r\n") if line.startswith("mcp-session-id:"))
        self.fields["Mcp-Session-Id"] = session.partition(":")[2].strip()
        tool = next(each for each in self.say("tools/list", {})["tools"] if each["name"] == "list_tasks")
        self.model_name = "remote__list_tasks"
        function = {"name": self.model_name, "description": tool["description"], "parameters": tool["inputSchema"]}
        self.for_models = {"type": "function", "function": function}
        self.text = self.call()["content"][0]["text"]

    def say(self, method: str, parameters: dict) -> dict:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return self.line.whole("POST", "/mcp/tasks", body, **self.fields)["result"]

    def call(self) -> dict:
        return self.say("tools/call", {"name": "list_tasks", "arguments": {}})


ROWS = {"session-chat": session_chat, "session-resume": session_resume, "session-streams": session_streams, "tool-round": tool_round}
