"""The rows about limits, budgets, journal and ledger."""

import contextlib
import http.client
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import tempfile
import time

from harness import KEY, Bench, BenchError, Side, request_body, wrk
from rows import by_turns, loadgen, ratio_row

# Three limits, a hard budget, a soft one and a price, all about every call and none ever reached.
EVERYTHING = """\
limits:
  group: { group: bench, rpm: 1000000000, tpm: 1000000000, concurrent: 1000000 }
  key: { key: "*", rpm: 1000000000, tpm: 1000000000 }
  model: { model: "*", rpm: 1000000000, tpm: 1000000000 }
budgets:
  hard: { group: bench, usd: 1000000000, per: month, mode: hard, alerts: [80] }
  soft: { key: "*", usd: 1000000000, per: day, mode: soft, alerts: [50, 80, 100] }
prices:
  "bench/*": { input: 0.15, output: 0.6, cached_input: 0.075, max_output: 16384 }
"""


def full(bench: Bench):
    """the same with limits, budgets and the log on"""
    body = bench.folder / "bench.json"
    body.write_bytes(request_body("bench/plain-1"))
    rounds, seconds = (3, 2) if bench.quick else (7, 5)
    with contextlib.ExitStack() as stack:
        def up(side: Side) -> Side:
            stack.callback(bench.stop, side)
            return side

        sides = [
            up(bench.gateway(log=True, more=EVERYTHING, name="full")),
            up(bench.gateway(name="bare")),
            up(bench.proxy(log=True)),
        ]

        def measure(side: Side, seconds=seconds):
            return wrk(side, body, "bench", seconds, connections=64)

        for side in sides:
            measure(side, 1)
        ours, bare, theirs = by_turns(rounds, sides, measure)
        profiles = [bench.profile("full", side, measure) for side in sides[:2]]
    shares = [a["calls_per_second"] / b["calls_per_second"] for a, b in zip(ours, bare)]
    middle = statistics.median
    return ratio_row(
        [run["cpu_us"] for run in ours],
        [run["cpu_us"] for run in theirs],
        "µs CPU/call",
        throughput_lost=1 - middle(shares),
        throughput_share=[round(share, 2) for share in (min(shares), middle(shares), max(shares))],
        calls_per_second=[round(middle(run["calls_per_second"] for run in runs)) for runs in (ours, bare, theirs)],
        cpu_us=[round(middle(run["cpu_us"] for run in runs), 1) for runs in (ours, bare, theirs)],
        whole_us=[round(middle(run["whole_us"] for run in runs), 1) for runs in (ours, bare, theirs)],
        whole_ratio=middle(a["whole_us"] / b["whole_us"] for a, b in zip(ours, theirs)),
        **({"profiles": profiles} if any(profiles) else {}),
        layout="subject on core 0, with its fold into the ledger; wrk and provider on core 1",
        note="in threes: everything on; the same gateway without limits, budgets, prices and log line, which still "
        "authenticates and keeps metrics, journal and ledger, as they cannot be switched off; nginx with its access log. "
        "cpu_us: event loops while calls come; whole_us: the whole process until the ledger has them all",
    )


def metering(bench: Bench, what: str, count: int, folder: pathlib.Path) -> dict:
    """One run of MeteringBench."""
    if bench.metering_binary is None or not bench.metering_binary.exists():
        raise BenchError(f"{bench.metering_binary} is not there; `make bench` builds it")
    run = subprocess.run([bench.metering_binary, what, str(count), folder], capture_output=True, text=True, timeout=500)
    if run.returncode:
        raise BenchError(f"MeteringBench {what}: {run.returncode} {run.stderr.strip()[-1000:]}")
    return json.loads(run.stdout)


@contextlib.contextmanager
def scratch(bench: Bench):
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        yield pathlib.Path(folder)


def settle(bench: Bench):
    """journal and ledger of a settled call"""
    count = 100_000 if bench.quick else 400_000
    runs = []
    for _ in range(1 if bench.quick else 3):
        with scratch(bench) as folder:
            runs.append(metering(bench, "settle", count, folder))
    row = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {
        "turnpike": row["road_us"],
        "unit": "µs CPU/call",
        **row,
        "note": "road: reserve, encode, lock, append, settle, under a hard and a soft budget; the keeper makes and syncs "
        "segments; fold: CPU of the whole process, SQLite with synchronous=FULL",
    }


def recovery(bench: Bench):
    """journal left by a crash, until calls are served"""
    count = 100_000 if bench.quick else 1_000_000
    with scratch(bench) as folder:
        data = folder / "data"
        data.mkdir(mode=0o700)
        left = metering(bench, "journal", count, data)
        row = metering(bench, "recovery", count, data)
    with scratch(bench) as folder:
        data = folder / "data"
        data.mkdir(mode=0o700)
        metering(bench, "journal", count, data)
        began = time.monotonic()
        side = bench.gateway(wait=False, more=EVERYTHING, name="recovering", data=data)
        ready = until_ready(side, 60) - began
        cpu = side.process.cpu_seconds()
        folded = until_rows(data / "turnpike.db", count, 300) - began
        cpu = side.process.cpu_seconds() - cpu
        peak = side.process.resident_bytes() / 1024 / 1024
        bench.stop(side)
    return {
        "turnpike": ready * 1000,
        "unit": "ms until ready",
        "attempts": count,
        "ready_ms": ready * 1000,
        "journal_mib": left["bytes"] / 2**20,
        "folded_after_s": folded,
        "fold_cpu_us_per_row": cpu * 1e6 / count,
        "resident_mib": peak,
        "alone": {name: round(row[name]) for name in ("read_ms", "budgets_ms", "peak_mib")},
        "note": f"the whole program from its start to /readyz; {left['open']:.0f} of the attempts had no end; the files are "
        "in the page cache; the fold goes on while calls are served. alone: reading, and budgets, without the program",
    }


def until_ready(side: Side, seconds: float) -> float:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        side.process.must_live()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return time.monotonic()
        time.sleep(0.005)
    raise BenchError(f"not ready {seconds:g} s after the start; see {side.process.log}")


def until_rows(store: pathlib.Path, count: int, seconds: float) -> float:
    """Waits until the ledger has so many rows."""
    deadline = time.monotonic() + seconds
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)) as connection:
        while time.monotonic() < deadline:
            found = connection.execute("SELECT seq FROM ledger_head").fetchone()
            if found and found[0] >= count:
                return time.monotonic()
            time.sleep(0.05)
    raise BenchError(f"the ledger has not {count} rows after {seconds:g} s")


def report(bench: Bench):
    """usage reports over a month's ledger"""
    count = 100_000 if bench.quick else 1_000_000
    with scratch(bench) as folder:
        row = metering(bench, "report", count, folder)
    worst = max(row["day_and_model_s"], row["group_s"])
    return {
        "turnpike": worst,
        "unit": "s",
        "slowest_s": worst,
        **row,
        "note": "a hundred people in ten groups, five models, thirty days: sums are by the hour",
    }


def sync_times(folder: pathlib.Path, count: int) -> list[float]:
    """Milliseconds that fdatasync takes for 4 KiB of a file that was made ahead, one after the other."""
    path = folder / "sync"
    size, page = 16 << 20, b"x" * 4096
    times = []
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(file, bytes(size))
        os.fsync(file)
        for number in range(count):
            os.pwrite(file, page, number * 4096 % size)
            began = time.monotonic()
            os.fdatasync(file)
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.002)
    finally:
        os.close(file)
        path.unlink()
    return sorted(times)


def power(bench: Bench):
    """p99 where a call waits for the disk"""
    seconds, rate = 4 if bench.quick else 10, 300
    with contextlib.ExitStack() as stack:
        sides = []
        for name in ("process", "power"):
            side = bench.gateway(more=f"ledger: {{ durability: {name} }}\n", name=name)
            stack.callback(bench.stop, side)
            sides.append(side)
        proxy = bench.proxy()
        stack.callback(bench.stop, proxy)
        sides.append(proxy)

        def measure(side: Side):
            run = loadgen(bench, "rate", side.port, side.path("bench"), KEY, bench.body, rate, seconds, 64)
            if run["errors"]:
                raise BenchError(f"{side.name}: {run['errors']} of {run['count']} calls failed")
            side.process.rest()
            return run | {"sync_p99_ms": share(sync_times(bench.folder, 300), 0.99)}

        for side in sides:
            measure(side)
        runs = by_turns(3 if bench.quick else 5, sides, measure)
    found = {
        f"{side.name}_{what}_ms": statistics.median(run[f"{what}_us"] for run in side_runs) / 1000
        for side, side_runs in zip(sides, runs)
        for what in ("p50", "p99")
    }
    sync = statistics.median(run["sync_p99_ms"] for side_runs in runs for run in side_runs)
    return {
        "turnpike": found["power_p99_ms"],
        "nginx": found["nginx_p99_ms"],
        "unit": "ms p99",
        **found,
        "sync_p99_ms": sync,
        # A call that comes while a sync is under way waits for that one and for its own.
        "power_over_commit_ms": found["power_p99_ms"] - found["process_p99_ms"] - sync,
        "process_added_p99_ms": found["process_p99_ms"] - found["nginx_p99_ms"],
        "note": f"{rate} calls/s, latency from when a call was due; sync: fdatasync of 4 KiB beside it, with nobody else",
    }


def share(times: list[float], part: float) -> float:
    return times[min(len(times) - 1, int(len(times) * part))]


ROWS = {"full": full, "settle": settle, "recovery": recovery, "report": report, "power": power}
