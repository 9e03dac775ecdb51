"""Many calls and not a token of difference, and a start behind all of them that takes no time (A+.4, I6).

TURNPIKE_LEDGER_CALLS says how many calls there are; a million of them take some minutes.
"""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

import pytest

from conftest import REPOSITORY, Simulator, poll
from storm import INPUT_PRICE, OUTPUT_PRICE, Mortal, check_sums, site, volley

CALLS = int(os.environ.get("TURNPIKE_LEDGER_CALLS", "10000"))
RATE = int(os.environ.get("TURNPIKE_LEDGER_RATE", "2000"))
# Calls whose attempts are in the journal and not in the ledger when the gateway dies.
UNFOLDED = int(os.environ.get("TURNPIKE_LEDGER_UNFOLDED", str(max(2000, CALLS // 10))))
STREAMS = min(2000, CALLS // 20)
# What a start may take, however much there is behind it.
START_SECONDS = 2.0


@pytest.fixture
def loadgen(tmp_path) -> pathlib.Path:
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    subprocess.run([compiler, "-O2", "-o", tmp_path / "loadgen", REPOSITORY / "Benchmarks/loadgen.c"], check=True)
    return tmp_path / "loadgen"


class Load:
    """Calls as fast as a C program makes them."""

    def __init__(self, gateway: Mortal, loadgen: pathlib.Path, folder: pathlib.Path):
        self.gateway, self.loadgen, self.folder = gateway, loadgen, folder
        body = {"model": "sim/sim-mini", "messages": [{"role": "user", "content": "Say something short, please."}]}
        (folder / "body.json").write_text(json.dumps(body))

    def command(self, kind: str, *more) -> list[str]:
        target = [str(self.gateway.port), "/v1/chat/completions", self.gateway.key]
        return [str(self.loadgen), kind, *target, *map(str, more)]

    def plain(self, calls: int):
        seconds = calls / RATE
        run = subprocess.run(
            self.command("rate", self.folder / "body.json", RATE, seconds, 32),
            capture_output=True, text=True, timeout=seconds + 60,
        )
        assert run.returncode == 0, run.stderr
        print(f"{calls} plain calls: {run.stdout.strip()}")

    def streams(self, calls: int):
        messages = [{"role": "user", "content": "Go on."}]
        body = {"model": "sim/sim?chunks=30&interval_ms=5", "messages": messages, "stream": True}
        for first in range(0, calls, 250):
            made = volley(self.gateway, [body] * min(250, calls - first))
            assert all(call.is_whole and call.statuses == [200] for call in made)


def compare_totals(gateway: Mortal, simulator: Simulator) -> int:
    """The ledger's sums against the provider's own; gives how many calls there were."""
    totals = simulator.http.get("/sim/totals").json()
    assert totals["running"] == 0
    row = gateway.query(
        "SELECT COUNT(*) AS rows, SUM(input_tokens) AS input, SUM(output_tokens) AS output, SUM(charged) AS charged,"
        " COUNT(DISTINCT attempt_id) AS ids, SUM(outcome = 'ok' AND usage_source = 'provider') AS clean FROM ledger"
    )[0]
    assert row["rows"] == row["ids"] == row["clean"] == totals["calls"] == totals["answered"], (dict(row), totals)
    assert (row["input"], row["output"]) == (totals["prompt_tokens"], totals["completion_tokens"])
    assert row["charged"] == INPUT_PRICE * totals["prompt_tokens"] + OUTPUT_PRICE * totals["completion_tokens"]
    check_sums(gateway)
    return row["rows"]


@contextlib.contextmanager
def locked(gateway: Mortal):
    """Nobody else can write to the store meanwhile."""
    with contextlib.closing(sqlite3.connect(gateway.data / "turnpike.db", isolation_level=None)) as database:
        poll(lambda: begin(database), message="the store's lock")
        try:
            yield
        finally:
            database.execute("ROLLBACK")


def begin(database: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.OperationalError):
        database.execute("BEGIN IMMEDIATE")
        return True
    return False


@pytest.mark.timeout(300 + (CALLS + UNFOLDED) // 300)
def test_a_great_many_calls_are_in_the_ledger_to_the_token(tmp_path, loadgen):
    simulator = Simulator(tmp_path / "provider", arguments=["--quiet", "--record", "0"])
    gateway = Mortal(tmp_path / "gateway", site(simulator, ledger={"journal_max": "4GiB"}, log={"calls": False}))
    gateway.prepare()
    gateway.start()
    load = Load(gateway, loadgen, tmp_path)
    try:
        load.streams(STREAMS)
        load.plain(CALLS - STREAMS)
        behind = time.monotonic()
        gateway.settled(120)
        print(f"in the ledger {time.monotonic() - behind:.2f} s after the last call")
        assert compare_totals(gateway, simulator) == CALLS

        gateway.kill()
        gateway.start()
        print(f"ready {gateway.starts[-1] * 1000:.0f} ms after kill -9 with {CALLS} rows in the ledger")
        assert gateway.starts[-1] < START_SECONDS
        check_sums(gateway)

        with locked(gateway):
            load.plain(UNFOLDED)
            gateway.kill()
        gateway.start()
        took = gateway.starts[-1]
        print(f"ready {took * 1000:.0f} ms after kill -9 with {UNFOLDED} attempts in the journal alone")
        # What the budgets have spent is known before the ledger has it.
        charged = simulator.http.get("/sim/totals").json()
        price = INPUT_PRICE * charged["prompt_tokens"] + OUTPUT_PRICE * charged["completion_tokens"]
        assert all(round(budget["spent"] * 1_000_000) == price for budget in gateway.budgets().values())
        behind = time.monotonic()
        gateway.settled(120)
        print(f"in the ledger {time.monotonic() - behind:.2f} s after that")
        assert compare_totals(gateway, simulator) == CALLS + UNFOLDED
        assert took < START_SECONDS

        began = time.monotonic()
        verdict = gateway.verdict()
        assert verdict["ok"] and verdict["rows"] == CALLS + UNFOLDED
        print(f"verified in {time.monotonic() - began:.1f} s; the difference is 0")
        assert gateway.program.stop() == 0
    finally:
        gateway.stop()
        simulator.stop()
