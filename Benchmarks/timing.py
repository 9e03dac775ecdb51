#!/usr/bin/env python3
"""Whether the time of a refusal tells what is wrong with a key: `make timing` (RELIABILITY row 38).

Each class of key that does not work is sent many times over one connection on loopback, in random order, and the times
until the answer are compared with Welch's t-test, after the method of dudect (Reparaz, Balasch, Verbauwhede: "Dude, is
my code constant time?", 2017): the slowest are cut off at several percentiles, and the largest |t| counts. Below 4.5 no
difference is shown. Standard library only.
"""

import argparse
import json
import math
import os
import pathlib
import random
import socket
import sys
import tempfile
import time
import urllib.request

from harness import HERE, Process, free_port, wait_for

LIMIT = 4.5
PERCENTILES = (50, 75, 90, 99, 100)


def api(port: int, key: str, method: str, path: str, body=None) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text)["data"] if text else {}


def keys(port: int, admin: str) -> dict[str, str]:
    """One key of each class. All have the same length and form."""
    revoked = api(port, admin, "POST", "/groups/default/keys", {"name": "revoked"})
    api(port, admin, "POST", f"/groups/default/keys/{revoked['id']}/revoke", {})
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    expired = api(port, admin, "POST", "/groups/default/keys", {"name": "expired", "expiresAt": soon})
    working = api(port, admin, "POST", "/groups/default/keys", {"name": "working"})
    time.sleep(3.5)
    secret = working["secret"]
    flip = {"a": "b"}
    return {
        "unknown": "tp_zzzzzzzzzzzz_" + secret[16:],
        "known id, wrong secret": secret[:-1] + flip.get(secret[-1], "a"),
        "revoked": revoked["secret"],
        "expired": expired["secret"],
    }


def measure(port: int, found: dict[str, str], samples: int) -> dict[str, list[int]]:
    names = list(found)
    requests = {
        name: f"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n\r\n".encode()
        for name, key in found.items()
    }
    times = {name: [] for name in names}
    order = random.choices(names, k=samples * len(names))
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    started = time.monotonic()
    for number, name in enumerate(order):
        begin = time.perf_counter_ns()
        connection.sendall(requests[name])
        answer = connection.recv(65536)
        times[name].append(time.perf_counter_ns() - begin)
        if not answer.startswith(b"HTTP/1.1 401"):
            sys.exit(f"a {name} key was answered with {answer[:40]!r}")
        if sys.stderr.isatty() and number % 5000 == 0:
            rate = (number + 1) / (time.monotonic() - started)
            print(f"\r{number:,} of {len(order):,}, {(len(order) - number) / rate:.0f} s left ", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r" + " " * 50, end="\r", file=sys.stderr)
    return times


def welch(a: list[int], b: list[int]) -> float:
    def moments(values):
        mean = math.fsum(values) / len(values)
        return mean, math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)

    (mean_a, variance_a), (mean_b, variance_b) = moments(a), moments(b)
    return (mean_a - mean_b) / math.sqrt(variance_a / len(a) + variance_b / len(b))


def compare(a: list[int], b: list[int]) -> float:
    """The largest |t| over the cuts."""
    together = sorted(a + b)
    worst = 0.0
    for percentile in PERCENTILES:
        cut = together[min(len(together) - 1, len(together) * percentile // 100)]
        left, right = [x for x in a if x <= cut], [x for x in b if x <= cut]
        if len(left) > 100 and len(right) > 100:
            worst = max(worst, abs(welch(left, right)))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turnpike", type=pathlib.Path, default=HERE.parent / ".build/release/turnpike")
    parser.add_argument("--samples", type=int, default=100_000, help="for each class")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnpike-timing-") as name:
        folder = pathlib.Path(name)
        port = free_port()
        settings = {"TURNPIKE_SERVER_LOOPS": "1", "TURNPIKE_LOG_CALLS": "false", "TURNPIKE_LOG_FILE": str(folder / "log")}
        # The limit on failed attempts would answer most of these with 429, which is not what is measured.
        settings["TURNPIKE_AUTH_FAILURE_LIMIT"] = "0"
        command = [arguments.turnpike.resolve(), "serve", "--server-listen", f"127.0.0.1:{port}", "--data-dir", folder / "data"]
        gateway = Process(command, folder, "gateway", settings)
        try:
            wait_for(port, gateway, "/readyz")
            found = keys(port, (folder / "data/first-key").read_text().strip())
            measure(port, found, 2_000)
            times = measure(port, found, arguments.samples)
        finally:
            gateway.stop()
    names = list(times)
    result = {}
    for index, one in enumerate(names):
        for other in names[index + 1:]:
            result[f"{one} / {other}"] = compare(times[one], times[other])
    print(f"{arguments.samples:,} samples of each class, load {os.getloadavg()[0]:.1f}; |t| must be below {LIMIT}\n")
    for name, values in times.items():
        values.sort()
        print(f"  {name:<26} median {values[len(values) // 2] / 1000:7.2f} µs   p90 {values[len(values) * 9 // 10] / 1000:7.2f} µs")
    print()
    for pair, t in result.items():
        print(f"  {pair:<50} |t| = {t:5.2f}{'' if t < LIMIT else '   MISSED'}")
    return 0 if max(result.values()) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
