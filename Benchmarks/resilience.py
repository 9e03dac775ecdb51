"""The rows about providers that are down, stall, or have a slow tail. The providers are simulators that fail on command."""

import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import secrets
import socket
import statistics
import threading
import time
import urllib.request

from harness import KEY, LOAD_CORE, Bench, BenchError, Process, Side, free_port, request_body, wait_for
from rows import by_turns, loadgen

CONNECT_MS = 500
IDLE_MS = 1000


class Provider:
    """A simulator, and what it saw."""

    def __init__(self, bench: Bench, name: str):
        if bench.turnpike_binary is None:
            raise BenchError("this row is about the gateway alone; there is no stand-in for it")
        self.port = free_port()
        arguments = ["simulate", "--listen", f"127.0.0.1:{self.port}", "--pace", "none", "--quiet", "--threads", "1"]
        self.process: Process = bench.start([bench.turnpike_binary, *arguments], f"{name}-{self.port}", core=LOAD_CORE)
        self.stop = lambda: bench.stop_process(self.process)
        wait_for(self.port, self.process, "/sim/health")

    def send(self, method: str, path: str, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode() if body is not None else None, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fail(self, *entries: dict):
        self.send("DELETE", "/sim/script")
        if entries:
            self.send("POST", "/sim/script", [{"match": {"path": "/v1/chat/completions"}, **entry} for entry in entries])

    @property
    def calls(self) -> int:
        return self.send("GET", "/sim/totals")["calls"]


class Backlog:
    """An address where no connection is ever taken and none is refused: a host that is gone."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = [self.listener]
        with contextlib.suppress(TimeoutError):
            while True:
                self.waiting.append(socket.create_connection(("127.0.0.1", self.port), timeout=0.3))

    def stop(self):
        for each in self.waiting:
            each.close()


def settings(targets: str, providers: dict[str, tuple[int, str]], alias: str = "") -> str:
    """A whole configuration but for its first line: providers by name with port and further settings, one alias."""
    lines = ["providers:"]
    for name, (port, more) in providers.items():
        url = f"http://127.0.0.1:{port}/v1"
        lines.append(f'  {name}: {{ kind: openai, base_url: "{url}", allow_private: true{more} }}')
    entries = ", ".join(f"{{ provider: {target.partition('/')[0]}, model: '{target.partition('/')[2]}' }}" for target in targets.split())
    credentials = ", ".join(f'{{ provider: {name}, api_key: "sk-bench-{secrets.token_hex(16)}" }}' for name in providers)
    last = list(providers)[-1]
    first = targets.split()[-1].partition("/")[2]
    lines += [
        "models:",
        f"  fast: {{ targets: [ {entries} ]{alias} }}",
        f"  well: {{ targets: [ {{ provider: {last}, model: '{first}' }} ] }}",
        f"defaults: {{ model: fast, provider: {last} }}",
        "bootstrap:",
        "  groups:",
        f'    - {{ id: bench, credentials: [ {credentials} ], keys: [ {{ name: bench, secret: "{KEY}" }} ] }}',
    ]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def gateway(bench: Bench, name: str, *arguments, more=""):
    """A gateway with providers of its own; `more` are further settings."""
    own = Bench.__new__(Bench)
    own.__dict__ = bench.__dict__ | {"configuration": lambda port: f"server: {{ listen: 127.0.0.1:{port} }}\n"}
    side = own.gateway(more=settings(*arguments) + more, name=name)
    try:
        yield side
    finally:
        bench.stop(side)


def body_of(bench: Bench, model: str) -> pathlib.Path:
    file = bench.folder / f"{model}.json"
    file.write_bytes(request_body(model))
    return file


def rate(bench: Bench, side: Side, model: str, calls: int, seconds: float, connections=64) -> dict:
    return loadgen(bench, "rate", side.port, "/v1/chat/completions", KEY, body_of(bench, model), calls, seconds, connections)


def down(bench: Bench):
    """one provider hard down, beside a healthy run"""
    seconds, found = 4 if bench.quick else 10, {}
    backlog = Backlog()
    try:
        for how, port in {"refused": free_port(), "silent": backlog.port}.items():
            providers = {
                "a": (port, f", timeouts: {{ connect: {CONNECT_MS}ms }}"),
                "b": (bench.upstream_port, ""),
            }
            with gateway(bench, f"down-{how}", "a/plain-1 b/plain-1", providers) as side:
                rate(bench, side, "well", 200, 1)
                # From the first call on: until the breaker opens they wait for the connect clock.
                first = rate(bench, side, "fast", 100, 2, 200)
                ours, healthy = by_turns(
                    3 if bench.quick else 5, ["fast", "well"], lambda model: rate(bench, side, model, 500, seconds)
                )
            found[how] = {
                "failed": first["errors"] + sum(run["errors"] for run in ours),
                "first_p99_ms": first["p99_us"] / 1000,
                "open_p99_ms": statistics.median(run["p99_us"] for run in ours) / 1000,
                "healthy_p99_ms": statistics.median(run["p99_us"] for run in healthy) / 1000,
                "open_p50_ms": statistics.median(run["p50_us"] for run in ours) / 1000,
                "healthy_p50_ms": statistics.median(run["p50_us"] for run in healthy) / 1000,
            }
    finally:
        backlog.stop()
    added = max(run["open_p99_ms"] - run["healthy_p99_ms"] for run in found.values())
    return {
        "turnpike": added,
        "unit": "ms p99 added",
        "failed_calls": sum(run["failed"] for run in found.values()),
        "added_p99_ms": added,
        "first_over_connect_ms": max(run["first_p99_ms"] for run in found.values()) - CONNECT_MS,
        **{how: {name: round(value, 2) for name, value in run.items()} for how, run in found.items()},
        "note": f"the first of two targets refuses connections, or leaves them without an answer (connect {CONNECT_MS} ms); "
        "500 calls/s with its breaker open, probes included, beside the same gateway's calls for the healthy one alone",
    }


def outage(bench: Bench):
    """upstream calls of 100 offered, all providers down"""
    seconds, per_second, found = 10 if bench.quick else 30, 100, {}
    for name, more in {"breakers": "", "budget_alone": ", breaker: { enabled: false }"}.items():
        providers = [Provider(bench, "a"), Provider(bench, "b")]
        try:
            for provider in providers:
                provider.fail({"fault": {"status": 503}})
            named = {key: (provider.port, more) for key, provider in zip("ab", providers)}
            with gateway(bench, f"outage-{name}", "a/sim b/sim", named) as side:
                # The retry budget looks back ten seconds; what it allows for a start is not what an outage is like.
                rate(bench, side, "fast", per_second, 10, 256)
                before = sum(provider.calls for provider in providers)
                run = rate(bench, side, "fast", per_second, seconds, 256)
            if run["errors"] != run["count"]:
                raise BenchError(f"{run['count'] - run['errors']} calls were answered by providers that are down")
            found[name] = (sum(provider.calls for provider in providers) - before) / run["count"]
        finally:
            for provider in providers:
                provider.stop()
    return {
        "turnpike": found["breakers"] * 100,
        "unit": "upstream calls",
        "amplification": found["breakers"],
        "amplification_without_breakers": found["budget_alone"],
        "note": f"{per_second} calls/s for {seconds} s, after ten others, at an alias with two targets that answer 503; and with breakers off, "
        "which leaves the retry budget",
    }


class Caller:
    """One connection to the gateway."""

    def __init__(self, side: Side):
        self.connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=30)

    def begin(self, model: str, stream=False) -> http.client.HTTPResponse:
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say something."}]}
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return self.connection.getresponse()

    def status(self, model: str) -> int:
        answer = self.begin(model)
        answer.read()
        return answer.status


def back(bench: Bench):
    """end of an outage → every call answered"""
    times = []
    for turn in range(2 if bench.quick else 5):
        provider = Provider(bench, "back")
        try:
            provider.fail({"fault": {"status": 503}})
            with gateway(bench, "back", "a/sim", {"a": (provider.port, "")}) as side:
                caller = Caller(side)
                # Breakers wait for 1, 2, 4, 5 s; each turn ends elsewhere in that.
                until = time.monotonic() + 7.5 + turn * 1.1
                while time.monotonic() < until:
                    caller.status("fast")
                    time.sleep(0.01)
                provider.fail()
                healed = last_bad = time.monotonic()
                while time.monotonic() < last_bad + 2:
                    if caller.status("fast") != 200:
                        last_bad = time.monotonic()
                    if last_bad > healed + 30:
                        raise BenchError("calls still fail 30 s after the provider is back")
                    time.sleep(0.01)
                times.append(last_bad - healed)
        finally:
            provider.stop()
    return {
        "turnpike": max(times),
        "unit": "s, worst",
        "full_after_s": max(times),
        "each_s": [round(value, 2) for value in times],
        "note": "the only target answers 503 for 7 s and more, with calls all the while; from its first good answer being "
        "possible to the last call that failed",
    }


def stall(bench: Bench):
    """stalled stream: from the idle clock to its error"""
    rounds, at_once = 3 if bench.quick else 8, 10
    provider = Provider(bench, "stall")
    try:
        more = f", timeouts: {{ idle: {IDLE_MS}ms }}, breaker: {{ enabled: false }}"
        with gateway(bench, "stall", "a/sim?chunks=9&stall_after_events=4", {"a": (provider.port, more)}) as side:

            def silence(_) -> float:
                answer, last = Caller(side).begin("fast", stream=True), 0.0
                while line := answer.readline():
                    now = time.monotonic()
                    if b'"error"' in line:
                        if not last:
                            raise BenchError(f"a stream failed before it began: {line}")
                        return (now - last) * 1000 - IDLE_MS
                    if line.startswith(b"data:"):
                        last = now
                raise BenchError("a stalled stream ended without an error")

            silence(0)
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                late = list(pool.map(silence, range(rounds * at_once)))
    finally:
        provider.stop()
    worst = max(late, key=abs)
    return {
        "turnpike": abs(worst),
        "unit": "ms off, worst",
        "off_ms": abs(worst),
        "late_ms": [round(value, 1) for value in (min(late), statistics.median(late), max(late))],
        "streams": len(late),
        "note": f"idle clock {IDLE_MS} ms; least, middle and greatest time over it, as the client sees it",
    }


def hedge(bench: Bench):
    """p99 to first content with hedging, beside without"""
    count, at_once, slow_ms, usual_ms, every = 1000 if bench.quick else 3000, 6, 1500, 30, 33
    provider = Provider(bench, "tail")
    found = {}
    try:
        # One in so many calls is slow, whoever makes it: each entry lets others go by, and is used once.
        tail = [
            {"skip": (every - 1) * number, "times": 1, "fault": {"ttft_ms": slow_ms}} for number in range(1, count // every + 20)
        ]
        for name, alias in {"without": "", "with": ", hedge: on"}.items():
            provider.fail()
            with gateway(bench, f"hedge-{name}", f"a/sim?ttft_ms={usual_ms}&chunks=3", {"a": (provider.port, "")}, alias) as side:
                local = threading.local()

                def first_content(_) -> float:
                    if not hasattr(local, "caller"):
                        local.caller = Caller(side)
                    began = time.monotonic()
                    answer, content = local.caller.begin("fast", stream=True), 0.0
                    for line in answer:
                        if not content and b'"content":"' in line and b'"content":""' not in line:
                            content = time.monotonic()
                    if answer.status != 200 or not content:
                        raise BenchError(f"a call ended with {answer.status} and no content")
                    return (content - began) * 1000

                with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                    # What the alias learns its own 95th percentile from.
                    list(pool.map(first_content, range(300)))
                    provider.fail(*tail)
                    before = provider.calls
                    times = sorted(pool.map(first_content, range(count)))
                time.sleep(0.2)
                found[name] = {
                    "p50_ms": times[len(times) // 2],
                    "p99_ms": times[len(times) * 99 // 100],
                    "max_ms": times[-1],
                    "calls": (provider.calls - before) / count,
                }
    finally:
        provider.stop()
    return {
        "turnpike": found["with"]["p99_ms"],
        "unit": "ms p99",
        "p99_left": found["with"]["p99_ms"] / found["without"]["p99_ms"],
        "extra_calls": found["with"]["calls"] - 1,
        **{name: {key: round(value, 3) for key, value in run.items()} for name, run in found.items()},
        "note": f"{count} streams; one call in {every} takes {slow_ms} ms to its first content, the others {usual_ms} ms",
    }


ROWS = {"down": down, "outage": outage, "back": back, "stall": stall, "hedge": hedge}
