"""A disk without room (row 115): calls are refused honestly, what runs ends and is settled, nothing in the store
breaks, and when there is room again calls are served again, without a restart."""

import asyncio
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import time

import httpx
import pytest

from conftest import poll
from storm import INPUT_PRICE, OUTPUT_PRICE, Caller, Mortal, Profile, Sent, check_sums, no_bootstrap, witness

# Room for the store and for one segment of the journal, of 16 MiB. The second is tried for at once: that must not take,
# not even for a moment, the room that the store needs.
SIZE_MIB = 31


@pytest.fixture
def tiny(tmp_path):
    """A file system of its own, smaller than anybody would choose."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here, so a full disk is not tested: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: pathlib.Path) -> pathlib.Path:
    """Takes all the room there is, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return ballast


def call(gateway: Mortal, number: int, model: str, stream: bool, metadata_bytes: int = 0) -> Sent:
    messages = [{"role": "user", "content": f"call number {number}"}]
    body = json.dumps({"model": model, "messages": messages, "stream": stream})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f'x-turnpike-metadata: {{"n":{number},"pad":"{"x" * metadata_bytes}"}}\r\n\r\n'
    )
    return Sent(number, Profile("full", "", 1, stream), body.encode(), head.encode())


class Answered(Caller):
    """Keeps the head of the answer."""

    def data_received(self, data: bytes):
        self.all = getattr(self, "all", b"") + data[:2000]
        super().data_received(data)


async def make(gateway: Mortal, one: Sent) -> Answered:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    _, caller = await loop.create_connection(lambda: Answered(one, done), "127.0.0.1", gateway.port)
    await done
    return caller


@pytest.mark.timeout(180)
def test_a_full_disk_refuses_calls_and_breaks_nothing(tiny, tmp_path):
    simulator = witness(tmp_path / "provider")
    configuration = no_bootstrap(
        simulator,
        prices={"sim/*": {"input": INPUT_PRICE, "output": OUTPUT_PRICE}},
        budgets={"hard": {"group": "demo", "usd": 1000, "per": "total"}},
    )
    # The log goes elsewhere: it is not what this is about.
    gateway = Mortal(tmp_path / "gateway", configuration, data=tiny / "data")
    gateway.prepare()
    gateway.start()
    try:
        asyncio.run(run_full(gateway, simulator, tiny))
    finally:
        gateway.stop()
        simulator.stop()


async def run_full(gateway: Mortal, simulator, tiny: pathlib.Path):
    quick = "sim/sim?chunks=2&text_bytes=16&tokens_per_chunk=3"
    slow = "sim/sim?chunks=500&interval_ms=50&text_bytes=16&tokens_per_chunk=3"
    streams = [asyncio.create_task(make(gateway, call(gateway, n, slow, True))) for n in range(1, 31)]
    await asyncio.to_thread(poll, lambda: simulator.http.get("/sim/totals").json()["running"] == 30)
    began = time.monotonic()

    ballast = fill(tiny)
    number, refused, served = 1000, None, 0
    deadline = time.monotonic() + 90
    # The journal's room was taken before the disk was full, so calls go on until that is used up.
    while refused is None:
        assert time.monotonic() < deadline, f"{served} calls and no refusal"
        wave = [call(gateway, number + n, quick, False, 1900) for n in range(64)]
        number += 64
        answers = await asyncio.gather(*(make(gateway, one) for one in wave))
        served += sum(one.statuses == [200] for one in wave)
        # A machine that is busy with other things has another reason to refuse calls.
        others = [answer for one, answer in zip(wave, answers) if one.statuses != [200]]
        refused = next((answer for answer in others if b'"overloaded"' not in answer.all), None)
    head, _, body = refused.all.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503"), refused.all
    assert json.loads(body)["error"]["code"] == "storage_full"
    assert b"\r\nretry-after:" in head.lower()
    running = simulator.http.get("/sim/totals").json()["running"]
    # Half a minute is what they take; that each came to its end is seen below.
    assert running == 30 or time.monotonic() - began > 20, "a full disk ends no stream that runs"
    assert gateway.metric("turnpike_storage_full_refusals_total") >= 1

    ended = await asyncio.gather(*streams)
    assert all(stream.call.is_whole and stream.call.statuses == [200] for stream in ended)
    # Settled, though nothing of it can be in the ledger yet.
    await asyncio.to_thread(poll, lambda: gateway.metric("turnpike_attempts_open") == 0)
    standing = gateway.budgets()["hard"]
    assert standing["reserved"] == 0

    # What the calls have left to write down needs more than there ever was, so the file system grows.
    ballast.unlink()
    subprocess.run(["mount", "-o", f"remount,size={10 * SIZE_MIB}m", tiny], check=True)

    def works_again():
        one = call(gateway, 999_999, quick, False)
        asyncio.run(make(gateway, one))
        return one.statuses == [200]

    await asyncio.to_thread(poll, works_again, 20, 0.2, "calls are served again without a restart")
    await asyncio.to_thread(gateway.settled, 60)
    check_sums(gateway)
    totals = simulator.http.get("/sim/totals").json()
    rows = gateway.query("SELECT COUNT(*) AS n, SUM(input_tokens) AS i, SUM(output_tokens) AS o FROM ledger")[0]
    seen = (totals["answered"], totals["prompt_tokens"], totals["completion_tokens"])
    assert (rows["n"], rows["i"], rows["o"]) == seen
    assert gateway.verdict()["ok"]
    assert gateway.program.stop() == 0
    with contextlib.closing(sqlite3.connect(gateway.data / "turnpike.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    print(f"{served} calls were served on a full disk before the journal's room was used up")


@pytest.mark.timeout(120)
def test_responses_wait_for_room_and_are_there_meanwhile(tiny, tmp_path):
    """What cannot be written down is kept in memory, can be asked for and gone on from, and is stored when it can be."""
    simulator = witness(tmp_path / "provider")
    gateway = Mortal(tmp_path / "gateway", no_bootstrap(simulator), data=tiny / "data")
    gateway.prepare()
    gateway.start()
    headers = {"authorization": f"Bearer {gateway.key}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}/v1", headers=headers, trust_env=False) as http:
            had = run_kept(gateway, http, tiny)
        # They are in the store now, not only in memory. The next life needs a journal of its own beside the last.
        subprocess.run(["mount", "-o", f"remount,size={4 * SIZE_MIB}m", tiny], check=True)
        gateway.kill()
        gateway.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}/v1", headers=headers, trust_env=False) as http:
            assert {name: http.get(f"/responses/{name}").json() for name in had} == had
        gateway.settled()
        assert gateway.verdict()["ok"]
        assert gateway.program.stop() == 0
        with contextlib.closing(sqlite3.connect(gateway.data / "turnpike.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        gateway.stop()
        simulator.stop()


def run_kept(gateway: Mortal, http: httpx.Client, tiny: pathlib.Path) -> dict[str, dict]:
    def respond(text: str, **more) -> dict:
        answer = http.post("/responses", json={"model": "sim/sim?chunks=5", "input": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def counted(name: str) -> float:
        return gateway.metric(f"turnpike_responses_{name}")

    early = respond("Before the disk is full.")
    poll(lambda: counted("kept_total") == 1)
    ballast = fill(tiny)
    # More than the pages that the store has left over can take.
    had = {answer["id"]: answer for answer in (respond(f"{number} {'x' * 100_000}") for number in range(20))}
    last = respond("Go on.", previous_response_id=list(had)[-1])
    had |= {last["id"]: last, early["id"]: early}
    time.sleep(1)  # Several turns of the writer, each of which fails.
    assert counted("waiting") >= 2 and counted("lost_total") == 0
    assert {name: http.get(f"/responses/{name}").json() for name in had} == had
    ballast.unlink()
    poll(lambda: counted("waiting") == 0, 20, 0.05, "all responses are in the store")
    assert counted("kept_total") == len(had)
    return had
