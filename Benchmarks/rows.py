"""The rows of the table. Each takes the shared bench, measures both sides by turns, and returns what it found."""

import contextlib
import http.client
import json
import statistics
import subprocess
import time

from harness import CHAT, KEY, LOAD_CORE, Bench, BenchError, Side, request_body, wrk


def by_turns(rounds: int, sides: list, measure) -> list[list]:
    """Measures the sides one after the other, and in the other order every second time, so that drift hits both."""
    found = [[] for _ in sides]
    for turn in range(rounds):
        order = list(range(len(sides)))
        for index in reversed(order) if turn % 2 else order:
            found[index].append(measure(sides[index]))
    return found


def ratio_row(ours: list[float], theirs: list[float], unit: str, **more) -> dict:
    """The median of the ratios of each turn; the spread tells what to think of it."""
    ratios = [a / b for a, b in zip(ours, theirs)]
    return {
        "turnpike": statistics.median(ours),
        "nginx": statistics.median(theirs),
        "unit": unit,
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        **more,
    }


@contextlib.contextmanager
def both(bench: Bench, workers=1, log=False, pinned=True):
    """Gateway and nginx up side by side; the one that is not measured sleeps."""
    core = {} if pinned else {"core": None}
    gateway = bench.gateway(workers, log, **core)
    try:
        proxy = bench.proxy(workers, log, **core)
        try:
            yield gateway, proxy
        finally:
            bench.stop(proxy)
    finally:
        bench.stop(gateway)


def calls(bench: Bench, provider="bench", workers=1, log=False, operation=CHAT, make=request_body) -> dict:
    """CPU time per chat call, 1 KB in and 1.3 KB out, keep-alive on both sides, as many as one core of load gives."""
    body = bench.folder / f"{provider}.json"
    body.write_bytes(make(f"{provider}/plain-1"))
    pinned = workers == 1
    rounds, seconds = (3, 2) if bench.quick else (7, 5)
    with both(bench, workers, log, pinned) as sides:
        def measure(side: Side, seconds=seconds):
            core = LOAD_CORE if pinned else None
            return wrk(side, body, provider, seconds, connections=64, threads=workers, core=core, operation=operation)

        for side in sides:
            measure(side, 1)
        ours, theirs = by_turns(rounds, sides, measure)
        profiles = [bench.profile(f"{provider}{'-log' if log else ''}-{workers}", side, measure) for side in sides]
    middle = statistics.median
    return ratio_row(
        [run["cpu_us"] for run in ours],
        [run["cpu_us"] for run in theirs],
        "µs CPU/call",
        calls_per_second=[round(middle(run["calls_per_second"] for run in side)) for side in (ours, theirs)],
        busy=[round(middle(run["busy"] for run in side), 2) for side in (ours, theirs)],
        p99_us=[round(middle(run["p99_us"] for run in side)) for side in (ours, theirs)],
        whole_us=[round(middle(run["whole_us"] for run in side), 1) for side in (ours, theirs)],
        **({"profiles": profiles} if any(profiles) else {}),
        layout="subject on core 0; wrk and provider on core 1" if pinned else "not pinned: subject, wrk and provider share the cores",
    )


def chat(bench):
    """chat call, 1 KB / 1.3 KB"""
    return calls(bench)


def chat_two(bench):
    """the same, two loops and two workers"""
    return calls(bench, workers=2)


def log(bench):
    """the same with the log line on"""
    row = calls(bench, log=True)
    row["note"] = "nginx: access_log combined, unbuffered (its default); Turnpike: one JSON line, log.file"
    return row


def log_two(bench):
    """log line on, two loops and two workers"""
    return calls(bench, workers=2, log=True)


def tls(bench):
    """chat call to a TLS provider, keep-alive"""
    return calls(bench, "secure")


def loadgen(bench: Bench, *arguments, timeout=180) -> dict:
    run = subprocess.run(
        ["taskset", "-c", LOAD_CORE, bench.loadgen, *map(str, arguments)], capture_output=True, text=True, timeout=timeout
    )
    if run.returncode or not run.stdout.strip():
        raise BenchError(f"loadgen {' '.join(map(str, arguments))}: {run.stderr.strip()} {run.stdout}")
    result = json.loads(run.stdout.splitlines()[-1])
    result["stderr"] = run.stderr.strip()
    return result


def stream(bench, operation=CHAT, more_events=1):
    """streamed chunk of 180 B"""
    streams, pause_us = 300, 10_000
    chunks = 200 if bench.quick else 500
    model = f"streams/c?chunks={chunks}&bytes=180&us={pause_us}"
    with both(bench) as sides:
        def measure(side: Side):
            before = side.process.cpu_seconds()
            run = loadgen(bench, "streams", side.port, side.path("streams", operation), KEY, model, streams)
            used = side.process.cpu_seconds() - before
            if run["errors"]:
                raise BenchError(f"{side.name}: {run['errors']} of {streams} streams failed; {run['stderr']}")
            # nginx passes on what the provider says, whatever was asked for.
            wanted = streams * (chunks + (1 if side.name == "nginx" else more_events))
            if run["events"] != wanted:
                raise BenchError(f"{side.name}: {run['events']} events came of {wanted}")
            return used * 1e6 / (streams * (chunks + 1))

        for side in sides:
            measure(side)
        ours, theirs = by_turns(3 if bench.quick else 7, sides, measure)
        profiles = [bench.profile("stream", side, measure) for side in sides]
    return ratio_row(
        ours,
        theirs,
        "µs CPU/chunk",
        **({"profiles": profiles} if any(profiles) else {}),
        layout=f"{streams} streams at once, one chunk each {pause_us // 1000} ms; subject on core 0, load and provider on core 1",
    )


class HeldStreams:
    """Streams that have begun and then wait, for as long as the block runs."""

    def __init__(self, bench: Bench, side: Side, provider: str, count: int):
        model = f"{provider}/c?chunks=1&bytes=180&us=0&hold"
        arguments = ["streams", side.port, side.path(provider), KEY, model, count, "hold"]
        self.process = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, bench.loadgen, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"held streams: {self.process.stderr.read()}")
        return json.loads(line)

    def __exit__(self, *_):
        self.process.stdin.close()
        self.last_line = self.process.stdout.read()
        self.process.wait(30)


def held(bench: Bench, provider: str, count: int) -> tuple[list[dict], list[float]]:
    """Opens `count` idle streams through each side; what opened, and KiB of resident memory for each."""
    opened, kib = [], []
    for start in (bench.gateway, bench.proxy):
        side = start()
        with HeldStreams(bench, side, provider, 10):
            time.sleep(0.2)
        time.sleep(0.5)
        before = side.process.resident_bytes()
        with HeldStreams(bench, side, provider, count) as result:
            time.sleep(1)
            opened.append(result)
            kib.append((side.process.resident_bytes() - before) / 1024 / count)
        bench.stop(side)
    return opened, kib


def memory(bench, provider="streams"):
    """memory per idle open stream, at 2,000"""
    count = 2000
    opened, kib = held(bench, provider, count)
    if any(result["errors"] for result in opened):
        raise BenchError(f"not all of {count} streams opened: {opened}")
    return {"turnpike": kib[0], "nginx": kib[1], "unit": "KiB/stream", "kib_per_stream": kib[0], "ratio": kib[0] / kib[1]}


def memory_tls(bench):
    """memory per idle open stream from a TLS provider"""
    return memory(bench, "secure-streams")


def open_streams(bench):
    """8,000 streams open at once"""
    count = 8000
    opened, kib = held(bench, "streams", count)
    return {
        "turnpike": opened[0]["open"],
        "nginx": opened[1]["open"],
        "unit": f"open of {count:,}",
        "errors": opened[0]["errors"],
        "nginx_errors": opened[1]["errors"],
        "kib_per_stream_at_8000": [round(value, 1) for value in kib],
    }


def latency(bench):
    """latency at 500 calls/s"""
    seconds = 4 if bench.quick else 10
    with both(bench) as sides:
        def measure(side: Side):
            run = loadgen(bench, "rate", side.port, side.path("bench"), KEY, bench.body, 500, seconds, 64)
            if run["errors"]:
                raise BenchError(f"{side.name}: {run['errors']} of {run['count']} calls failed")
            return run

        for side in sides:
            measure(side)
        ours, theirs = by_turns(3 if bench.quick else 5, sides, measure)
    middle = {
        f"{name}_{share}": statistics.median(run[f"{share}_us"] for run in runs) / 1000
        for name, runs in (("ours", ours), ("theirs", theirs))
        for share in ("p50", "p99")
    }
    return {
        "turnpike": middle["ours_p50"],
        "nginx": middle["theirs_p50"],
        "unit": "ms p50",
        "p99_ms": [round(middle["ours_p99"], 3), round(middle["theirs_p99"], 3)],
        "added_p50_ms": middle["ours_p50"] - middle["theirs_p50"],
        "added_p99_ms": middle["ours_p99"] - middle["theirs_p99"],
        "layout": "open loop, latency from when a call was due; subject on core 0, load and provider on core 1",
    }


def start(bench):
    """start to first answer, memory idle"""
    times, resident = [], []
    for _ in range(3 if bench.quick else 10):
        began = time.monotonic()
        side = bench.gateway(wait=False)
        deadline = began + 10
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=5)
                headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
                connection.request("POST", side.path("bench"), bench.body.read_bytes(), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise BenchError(f"no answer within 10 s of the start; see {side.process.log}")
            time.sleep(0.001)
        times.append((time.monotonic() - began) * 1000)
        time.sleep(1)
        resident.append(side.process.resident_bytes() / 1024 / 1024)
        bench.stop(side)
    return {
        "turnpike": statistics.median(times),
        "unit": "ms to first answer",
        "first_answer_ms": statistics.median(times),
        "first_answer_ms_max": max(times),
        "idle_rss_mib": statistics.median(resident),
    }


def gone(bench):
    """client gone → provider connection closed"""
    count = 100 if bench.quick else 400
    found = {}
    # loadgen is client and provider in one here, on the port where the source is otherwise.
    bench.stop_process(bench.source)
    try:
        for phase, how in {"mid-stream": "chunks=1000000&bytes=180&us=20000", "before the head": "silent"}.items():
            side = bench.gateway()
            model = f"streams/c?{how}"
            found[phase] = loadgen(bench, "gone", side.port, side.path("streams"), KEY, model, bench.stream_port, count)
            bench.stop(side)
    finally:
        bench.start_source()
    lost = sum(run["never_closed"] for run in found.values())
    if lost:
        raise BenchError(f"{lost} provider connections were never closed: {found}")
    worst = max(run["p99_us"] for run in found.values()) / 1000
    return {
        "turnpike": worst,
        "unit": "ms p99",
        "p99_ms": worst,
        "phases": {phase: {"p50_ms": run["p50_us"] / 1000, "p99_ms": run["p99_us"] / 1000, "max_ms": run["max_us"] / 1000} for phase, run in found.items()},
    }


ROWS = {
    "chat": chat,
    "log": log,
    "tls": tls,
    "stream": stream,
    "memory": memory,
    "memory-tls": memory_tls,
    "open-streams": open_streams,
    "latency": latency,
    "start": start,
    "gone": gone,
    "chat-two": chat_two,
    "log-two": log_two,
}
