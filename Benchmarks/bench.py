#!/usr/bin/env python3
"""The figures beside nginx: `make bench`, or `Benchmarks/bench.py --turnpike .build/release/turnpike`.

Prints a table, writes all of it as JSON into bench-results/, and ends with code 1 if a threshold is missed.
Thresholds are in thresholds.json. `--stand-in` measures a second nginx in Turnpike's place: how exact the rest is.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import allocations
import dialects
import money
import resilience
import rows
import sessions
from harness import Bench, BenchError

HERE = pathlib.Path(__file__).resolve().parent
ROWS = rows.ROWS | dialects.ROWS | allocations.ROWS | money.ROWS | resilience.ROWS | sessions.ROWS


def first_line(*command) -> str:
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (run.stdout + run.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "not there"


def machine(turnpike) -> dict:
    """What the figures were measured on and with."""
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.+)"', pathlib.Path("/etc/os-release").read_text())
    return {
        "cpu": cpu.group(1) if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20, 1) if memory else None,
        "kernel": platform.release(),
        "system": system.group(1) if system else platform.platform(),
        "swift": first_line("swift", "--version"),
        "nginx": first_line("nginx", "-v"),
        "wrk": first_line("wrk", "-v").split(" Copyright")[0],
        "turnpike": first_line(str(turnpike), "version") if turnpike else "a second nginx stands in",
        "commit": first_line("git", "-C", str(HERE), "rev-parse", "--short", "HEAD"),
    }


def missed(name: str, row: dict, limits: dict) -> list[str]:
    """The thresholds of this row that the figures are over."""
    return [
        f"{name}: {what} is {row[what]:.3g}, {limit:g} is the limit"
        for what, limit in limits.get(name, {}).items()
        if row[what] > limit
    ]


def cell(value) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def print_row(title: str, row: dict, limits: dict):
    ratio = f"{row['ratio']:.2f} ({row['ratio_low']:.2f}–{row['ratio_high']:.2f})" if "ratio_low" in row else cell(row.get("ratio"))
    reach = ", ".join(f"{what} ≤ {limit:g}" for what, limit in limits.items())
    print(f"{title:<44} {cell(row['turnpike']):>9} {cell(row.get('nginx')):>9}  {row['unit']:<18} {ratio:<18} {reach}", flush=True)
    known = {"turnpike", "nginx", "unit", "ratio", "ratio_low", "ratio_high", "layout", "seconds"}
    rest = {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items() if key not in known}
    if rest:
        print("    " + ", ".join(f"{key} {value}" for key, value in rest.items()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turnpike", type=pathlib.Path, default=HERE.parent / ".build/release/turnpike")
    parser.add_argument("--metering", type=pathlib.Path, default=HERE.parent / ".build/release/MeteringBench")
    parser.add_argument("--row", help=f"one or more of {', '.join(ROWS)}, with commas")
    parser.add_argument("--quick", action="store_true", help="a minute or two; the spread is wider")
    parser.add_argument("--profile", action="store_true", help="after each row of calls or chunks, where the time went (needs perf)")
    parser.add_argument("--stand-in", action="store_true", help="a second nginx in Turnpike's place")
    parser.add_argument("--results", type=pathlib.Path, default=HERE.parent / "bench-results")
    arguments = parser.parse_args()
    names = arguments.row.split(",") if arguments.row else list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are {', '.join(ROWS)}")
    turnpike = None if arguments.stand_in else arguments.turnpike.resolve()
    if turnpike and not turnpike.exists():
        parser.error(f"{turnpike} is not there; build it with: make build")

    limits = json.loads((HERE / "thresholds.json").read_text())
    about = machine(turnpike)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"note: the load of this machine is {load:.1f} before we begin; figures of a busy machine are worth little")
    print(f"\n{'':<44} {'turnpike':>9} {'nginx':>9}  {'':<18} {'ratio (low–high)':<18} to reach")
    results, over = {}, []
    with tempfile.TemporaryDirectory(prefix="turnpike-bench-") as folder:
        bench = Bench(pathlib.Path(folder), turnpike, arguments.quick, arguments.metering.resolve())
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        arguments.results.mkdir(exist_ok=True)
        bench.profile_prefix = arguments.results / stamp if arguments.profile else None
        try:
            bench.start_providers()
            for name in names:
                began = time.monotonic()
                try:
                    row = ROWS[name](bench)
                except BenchError as error:
                    over.append(f"{name}: could not be measured: {error}")
                    results[name] = {"error": str(error)}
                    print(f"{name}: {error}", flush=True)
                    continue
                row["seconds"] = round(time.monotonic() - began, 1)
                results[name] = row
                print_row(ROWS[name].__doc__, row, limits.get(name, {}))
                over += missed(name, row, limits)
        finally:
            bench.stop_all()
    file = arguments.results / f"{stamp}.json"
    record = {"when": stamp, "quick": arguments.quick, "load_before": load, "machine": about, "rows": results, "missed": over}
    file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(f"\nAll of it: {file}")
    for line in over:
        print(f"missed: {line}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
