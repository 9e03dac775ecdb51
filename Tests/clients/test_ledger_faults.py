"""A death at every write of the journal and the ledger in turn (row 74): while a start recovers what was left, under
load, and while the journal turns over from one segment to the next.

A few lines of C, preloaded into the gateway, kill it before its n-th call that changes a file, for n = 1, 2, 3 …,
counted from the moment at which the load is there. What the journal writes into mapped memory is no such call:
JournalKillTests has it. TURNPIKE_LEDGER_FAULTS says how many deaths under load there are.
"""

import asyncio
import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time

import pytest

from conftest import REPOSITORY, poll
from storm import INPUT_PRICE, OUTPUT_PRICE, Mortal, Profile, Storm, check_sums, compare, site, witness

FAULTS = int(os.environ.get("TURNPIKE_LEDGER_FAULTS", "40"))
TURNS = max(3, FAULTS // 10)
CONNECTIONS = 96
IN_FLIGHT_MIN = 50


class FatalWrite:
    """Decides at which of its writes a gateway dies."""

    def __init__(self, library: pathlib.Path, file: pathlib.Path):
        self.file = file
        file.write_bytes(bytes(4096))
        self.environment = {"LD_PRELOAD": str(library), "FATAL_WRITE": str(file)}

    def at(self, number: int, names_only: bool = False):
        """The n-th write from now is the last; or the n-th call that makes, renames or deletes a file."""
        with self.file.open("r+b") as file:
            file.seek(8)
            file.write(struct.pack("<q48sq", 0, b"", names_only))
            file.seek(0)
            file.write(struct.pack("<q", number))

    @property
    def died_at(self) -> int:
        return struct.unpack_from("<q", self.file.read_bytes(), 8)[0]

    @property
    def call(self) -> str:
        """The name of the call that was not made."""
        return self.file.read_bytes()[16:64].rstrip(b"\0").decode()


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> pathlib.Path:
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    built = tmp_path_factory.mktemp("fatal") / "fatal_write.so"
    source = pathlib.Path(__file__).with_name("fatal_write.c")
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    simulator = witness(folder / "provider")
    yield folder, simulator
    simulator.stop()


# --- While a start recovers ------------------------------------------------------------------------------------------


async def die_under_load(gateway: Mortal, storm: Storm):
    async with storm.blowing():
        await asyncio.sleep(0.5)
        await storm.until(IN_FLIGHT_MIN + 15)
        storm.may_call.clear()
        killed = gateway.kill()
        await asyncio.sleep(0.02)
        assert storm.take_record(killed) >= IN_FLIGHT_MIN


@pytest.mark.timeout(400)
def test_a_death_at_any_write_of_a_start_leaves_the_next_one_the_same(field, library, tmp_path):
    folder, simulator = field
    configuration = site(simulator)
    template = Mortal(tmp_path / "template", configuration)
    template.prepare()
    template.start()
    storm = Storm(template, simulator, CONNECTIONS, 1)
    asyncio.run(die_under_load(template, storm))

    def copy(name: str) -> Mortal:
        gateway = Mortal(tmp_path / name, configuration)
        shutil.copytree(template.data, gateway.data)
        gateway.key, gateway.admin_key = template.key, template.admin_key
        return gateway

    def finish(gateway: Mortal, what: str) -> list[tuple]:
        gateway.settled()
        check_sums(gateway)
        assert gateway.verdict()["ok"], what
        rows = gateway.query("SELECT attempt_id, outcome, input_tokens, output_tokens, charged FROM ledger")
        code = gateway.program.stop()
        assert code == 0, f"{what}: {code}, {gateway.program.stderr.read_text()[-2000:]}"
        return sorted(map(tuple, rows))

    # What a start that nobody disturbs makes of it.
    whole = copy("whole")
    whole.start()
    whole.settled()
    compare(storm, whole)
    expected = finish(whole, "undisturbed")
    assert len(expected) >= IN_FLIGHT_MIN

    def die_and_recover(number: int) -> bool:
        gateway = copy(f"death-{number}")
        try:
            fatal = FatalWrite(library, tmp_path / f"fatal-{number}")
            fatal.at(number)
            gateway.begin(fatal.environment)

            def is_over():
                if gateway.program.process.poll() is not None:
                    return "dead"
                return "through" if gateway.get("/readyz")[0] == 200 and not left(gateway) else None

            if poll(is_over, 60, 0.01) == "through":
                gateway.kill()
                is_through = True
            else:
                is_through = False
                calls[fatal.call] += 1
            gateway.start()
            assert finish(gateway, f"death {number}") == expected, f"after a death at write {number}"
            return is_through
        finally:
            gateway.stop()
            shutil.rmtree(gateway.folder)

    def left(gateway: Mortal) -> bool:
        """Whether the journal of the dead life is still there."""
        return len(list((gateway.data / "journal").iterdir())) > 1

    deaths = 0
    calls = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for start in range(1, 10_000, 6):
            through = list(pool.map(die_and_recover, range(start, start + 6)))
            deaths += through.count(False)
            if all(through):
                break
    print(f"{deaths} deaths at writes of a start, {len(expected)} attempts: {dict(calls)}")
    assert deaths >= 20 and {"fdatasync", "rename", "unlink", "rmdir"} <= set(calls)


# --- Under load ------------------------------------------------------------------------------------------------------


async def dead(gateway: Mortal, fatal: FatalWrite, seconds: float) -> int:
    """Waits for the death; gives its moment, or 0 if it does not come."""
    deadline = time.monotonic() + seconds
    while gateway.program.process.poll() is None:
        if time.monotonic() > deadline:
            return 0
        await asyncio.sleep(0.002)
    assert fatal.died_at, "it died of something else"
    return fatal.died_at


@pytest.mark.timeout(120 + 3 * FAULTS)
def test_a_death_at_any_write_under_load_loses_and_doubles_nothing(field, library, tmp_path):
    folder, simulator = field
    simulator.clear()
    gateway = Mortal(tmp_path / "gateway", site(simulator))
    gateway.prepare()
    try:
        asyncio.run(under_load(gateway, simulator, FatalWrite(library, tmp_path / "fatal")))
    finally:
        gateway.stop()


async def under_load(gateway: Mortal, simulator, fatal: FatalWrite):
    storm = Storm(gateway, simulator, CONNECTIONS, 2)
    in_flight, calls = [], collections.Counter()
    gateway.start(fatal.environment)
    async with storm.blowing():
        for number in range(1, FAULTS + 1):
            await storm.until(IN_FLIGHT_MIN + 25)
            fatal.at(number)
            killed = await dead(gateway, fatal, 30)
            calls[fatal.call] += 1
            assert killed, f"30 s of load make no {number} writes"
            storm.may_call.clear()
            await asyncio.sleep(0.01)
            in_flight.append(storm.take_record(killed))
            assert in_flight[-1] >= IN_FLIGHT_MIN, f"only {in_flight[-1]} calls were in flight at write {number}"
            fatal.at(0)
            gateway.start(fatal.environment)
            storm.may_call.set()
        storm.may_call.clear()
    gateway.settled()
    storm.take_record()
    figures = compare(storm, gateway)
    check_sums(gateway)
    assert gateway.verdict()["rows"] == figures["rows"]
    print(f"{FAULTS} deaths at writes, {min(in_flight)} to {max(in_flight)} calls in flight: {dict(calls)}; {figures}")


# --- While the journal turns over ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loadgen(tmp_path_factory) -> pathlib.Path:
    program = tmp_path_factory.mktemp("loadgen") / "loadgen"
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    subprocess.run([compiler, "-O2", "-o", program, REPOSITORY / "Benchmarks/loadgen.c"], check=True)
    return program


@pytest.mark.timeout(120 + 30 * TURNS)
def test_a_death_while_the_journal_turns_over_loses_no_open_attempt(field, library, tmp_path, loadgen):
    folder, simulator = field
    simulator.clear()
    gateway = Mortal(tmp_path / "gateway", site(simulator))
    gateway.prepare()
    try:
        asyncio.run(turns(gateway, simulator, tmp_path, loadgen, FatalWrite(library, tmp_path / "fatal")))
    finally:
        gateway.stop()


def segments(gateway: Mortal) -> list[str]:
    return sorted(path.name for path in (gateway.data / "journal").glob("*/*.tpj"))


def is_tidy(gateway: Mortal) -> bool:
    return len(list((gateway.data / "journal").iterdir())) == 1 and len(segments(gateway)) >= 2


async def turns(gateway: Mortal, simulator, folder: pathlib.Path, loadgen: pathlib.Path, fatal: FatalWrite):
    body = folder / "body.json"
    quick = "sim/sim?chunks=1&text_bytes=16&tokens_per_chunk=3"
    body.write_text(json.dumps({"model": quick, "messages": [{"role": "user", "content": "Quick."}]}))
    # Metadata makes the records long, so that 16 MiB are soon full; it goes in behind the key.
    key = f'{gateway.key}\r\nx-turnpike-metadata: {{"n":0,"pad":"{"x" * 1900}"}}'
    # Open all the time, so that each segment that is full has attempts to be carried over.
    storm = Storm(gateway, simulator, 64, 3, [Profile("open", "chunks=3000", 1, interval=60)])
    gateway.start(fatal.environment)
    in_flight, carried, calls = [], 0, collections.Counter()
    async with storm.blowing():
        for number in range(1, TURNS + 1):
            await storm.until(IN_FLIGHT_MIN + 10)
            # Not before the start has tidied up and made the next segment: this is about what comes then.
            await asyncio.to_thread(poll, lambda: is_tidy(gateway), message="the start is over")
            fatal.at(number, names_only=True)
            load = subprocess.Popen(
                [loadgen, "rate", str(gateway.port), "/v1/chat/completions", key, body, "4000", "25", "16"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            killed = await dead(gateway, fatal, 25)
            load.kill()
            load.wait()
            storm.may_call.clear()
            assert killed, f"25 s of load make no {number} changes of names"
            calls[fatal.call] += 1
            await asyncio.sleep(0.01)
            in_flight.append(storm.take_record(killed))
            assert in_flight[-1] >= IN_FLIGHT_MIN
            carried += segments(gateway)[-1] > "0000000002.tpj"
            fatal.at(0)
            gateway.start(fatal.environment)
            storm.may_call.set()
        storm.may_call.clear()
    gateway.settled()
    storm.take_record()
    quick_seen = [call for call in storm.seen if not call.number]
    storm.seen = [call for call in storm.seen if call.number]
    check_sums(gateway)
    rows = gateway.rows()
    mine = rows.pop(0)
    # Sixteen calls at most were on their way at each death.
    assert len(quick_seen) <= len(mine) <= len(quick_seen) + 16 * TURNS
    ok = collections.Counter(row["outcome"] for row in mine)
    assert set(ok) <= {"ok", "interrupted"}, ok
    assert sum(row["charged"] for row in mine if row["outcome"] == "interrupted") == 0
    price = {INPUT_PRICE * call.prompt + OUTPUT_PRICE * call.completion for call in quick_seen if call.completion}
    assert {row["charged"] for row in mine if row["outcome"] == "ok"} == price
    assert gateway.verdict()["ok"]
    figures = compare_open(storm, rows)
    print(f"{TURNS} deaths, {carried} of them while the journal turned over, {min(in_flight)} or more in flight:")
    print(f"{dict(calls)}; quick calls {dict(ok)}; open streams {figures}")
    assert carried >= TURNS // 3, "the journal did not turn over"


def compare_open(storm: Storm, rows: dict) -> dict:
    """Each stream that was open is in the ledger once."""
    numbers = collections.Counter(call.number for call in storm.seen)
    assert all(len(rows[number]) == count == 1 for number, count in numbers.items())
    outcomes = collections.Counter(row["outcome"] for mine in rows.values() for row in mine)
    assert outcomes["interrupted"] >= IN_FLIGHT_MIN * TURNS
    return dict(outcomes)
