"""The gateway dies, stops, and runs out of disk while it answers in sessions: what was said is there afterwards, what was
under way is there as far as it came, and the bill is right (rows 74, 93)."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import random
import signal
import sqlite3
import subprocess
import time

import httpx
import pytest

from conftest import poll
from storm import CHUNK_TOKENS, Mortal, Profile, Storm, check_sums, compare, no_bootstrap, site, witness
from talk import Talk, prompts, said, text_of
from test_storage_full import fill, tiny  # noqa: F401 the file system is a fixture

DEATHS = 6
CONNECTIONS = 64
SESSIONS = 160
IN_FLIGHT_MIN = 25
# How far what is written down may be behind: noted every half second, written every half second, on a busy machine.
WRITTEN_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Said(Profile):
    """A message in a session."""

    session: str = ""

    @property
    def path(self) -> str:
        return f"/api/v1/sessions/{self.session}/messages"

    def body(self, number: int) -> dict:
        return {"content": f"This is call number {number}.", "model": self.model, "stream": self.is_stream}


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    simulator = witness(tmp_path_factory.mktemp("provider"))
    yield simulator
    simulator.stop()


@pytest.fixture
def field(provider, tmp_path):
    """A provider that lives on, and a gateway that does not."""
    provider.clear()
    gateway = Mortal(tmp_path / "gateway", site(provider))
    gateway.prepare()
    yield gateway, provider
    gateway.stop()


def talk_to(gateway: Mortal) -> Talk:
    return Talk(f"http://127.0.0.1:{gateway.port}", gateway.key)


def agrees(gateway: Mortal):
    check_sums(gateway)
    assert gateway.verdict()["ok"]


# --- One answer ------------------------------------------------------------------------------------------------------

OPTIONS = f"text_bytes=16&tokens_per_chunk={CHUNK_TOKENS}"


@pytest.mark.parametrize("moment", ["waiting", "first word", "a second in", "three seconds in"])
def test_a_death_amid_an_answer_leaves_what_was_said(field, moment):
    gateway, simulator = field
    gateway.start()
    talk = talk_to(gateway)
    session = talk.session(model=f"sim/sim?chunks=400&interval_ms=25&{OPTIONS}")
    whole = talk.say(session, "Before.", model=f"sim/sim?chunks=3&{OPTIONS}")
    had, seconds = "", {"first word": 0, "a second in": 1, "three seconds in": 3}.get(moment, 0)
    with contextlib.suppress(httpx.HTTPError):
        if moment == "waiting":
            silent = f"sim/sim?stall_before_head=1&{OPTIONS}"
            talk.http.post(f"/sessions/{session}/messages", json={"content": "Hello.", "model": silent}, timeout=1)
        else:
            with talk.ask(session, "Hello.") as reader:
                reader.until("content")
                began = time.monotonic()
                while time.monotonic() - began < seconds:
                    reader.next()
                had = said(reader.events)
                gateway.kill()
    if moment == "waiting":
        gateway.kill()
    gateway.start()
    talk = talk_to(gateway)
    messages = talk.messages(session)
    assert [one["status"] for one in messages] == ["complete", "complete", "complete", "cut"]
    assert messages[1] == whole and messages[2]["content"] == "Hello."
    cut = messages[3]
    assert cut["error"]["code"] == "INTERRUPTED" and cut["endedAt"]
    call = poll(lambda: (one := simulator.calls()[-1])["ending"] != "running" and one)
    text = text_of(cut)
    # What had been written down, and no more than the provider said.
    assert had.startswith(text) or text.startswith(had)
    assert len(text) <= call["tokens_written"] // CHUNK_TOKENS * 16
    assert len(text) >= (len(had) - WRITTEN_SECONDS / 0.025 * 16)
    assert seconds < 3 or text, "after three seconds something is written down"
    # Nobody can follow it any more, nothing is under way, and the conversation goes on.
    with talk.follow(session, "4-1") as late:
        assert late.status == 410 and late.error()["code"] == "GONE"
    assert talk.cancel(session)["cancelled"] is False
    assert talk.say(session, "Go on.", model="sim/sim-mini")["seq"] == 6
    told = [("user", "Before."), ("assistant", text_of(whole)), ("user", "Hello."), ("user", "Go on.")]
    if text:
        told.insert(3, ("assistant", text))
    assert prompts(simulator.calls()[-1]) == told
    gateway.settled()
    outcomes = [row["outcome"] for row in gateway.query("SELECT outcome FROM ledger ORDER BY seq")]
    assert outcomes == ["ok", "interrupted", "ok"]
    (row,) = gateway.query("SELECT * FROM ledger WHERE outcome = 'interrupted'")
    assert row["request_id"] == cut["requestId"]
    assert (row["output_tokens"] or 0) <= call["tokens_written"] * 1.05 + 1
    agrees(gateway)
    assert gateway.program.stop() == 0


def test_a_death_right_after_an_answer_loses_nothing_of_it(field):
    """What a client has the end of is in the store."""
    gateway, simulator = field
    gateway.start()
    session = talk_to(gateway).session(model="sim/sim?chunks=10&interval_ms=5")
    said_before = []
    for number in range(5):
        talk = talk_to(gateway)
        with talk.ask(session, f"Message {number}.") as reader:
            reader.until("done")
            gateway.kill()
            said_before.append(said(reader.events))
        gateway.start()
    messages = talk_to(gateway).messages(session)
    assert [one["status"] for one in messages] == ["complete"] * 10
    assert [text_of(one) for one in messages[1::2]] == said_before
    assert len(simulator.calls()) == 5
    gateway.settled()
    assert len(gateway.query("SELECT 1 FROM ledger WHERE is_charged = 1")) == 5
    agrees(gateway)


def test_a_fork_of_an_answer_that_a_death_cut_off_is_one_of_a_cut_answer(field):
    gateway, simulator = field
    gateway.start()
    talk = talk_to(gateway)
    session = talk.session(model=f"sim/sim?endless=1&interval_ms=25&{OPTIONS}")
    with contextlib.suppress(httpx.HTTPError), talk.ask(session) as reader:
        reader.until("content")
        early = talk.http.post(f"/sessions/{session}/fork", json={}).json()["data"]["id"]
        gateway.kill()
        reader.rest()
    gateway.start()
    talk = talk_to(gateway)
    late = talk.http.post(f"/sessions/{session}/fork", json={}).json()["data"]["id"]
    for copy in (early, late):
        assert [one["status"] for one in talk.messages(copy)] == ["complete", "cut"]
        assert talk.say(copy, "Go on.", model="sim/sim-mini")["status"] == "complete"


# --- Many answers ----------------------------------------------------------------------------------------------------


def profiles(sessions: list[str]) -> list[Said]:
    """Every session has messages of every kind said in it, so that some wait for others."""
    made = []
    for session in sessions:
        for name, options, weight, is_stream, interval, leaves_after in [
            ("long", "chunks=200", 4, True, 30, 0),
            ("short", "chunks=15", 2, True, 20, 0),
            ("leaving", "chunks=120", 1, True, 20, 12),
            ("whole", "chunks=30", 1, False, 25, 0),
            ("slow-to-begin", "chunks=20&ttft_ms=2500", 1, True, 20, 0),
            ("failing", "status=500&ttft_ms=50", 1, False, 20, 0),
        ]:
            made.append(Said(name, options, weight, is_stream, interval, leaves_after, False, session))
    return made


@pytest.mark.timeout(240)
def test_no_death_loses_what_was_said_or_bills_it_wrongly(field):
    gateway, simulator = field
    asyncio.run(deaths(gateway, simulator))


async def deaths(gateway: Mortal, simulator):
    seed = random.SystemRandom().randrange(1, 1 << 31)
    chance = random.Random(seed)
    print(f"seed {seed}")
    gateway.start()
    talk = talk_to(gateway)
    # Nothing goes along, so that the number of a call stands in its own prompt alone.
    sessions = [talk.session(history={"policy": "messages", "count": 0}) for _ in range(SESSIONS)]
    storm = Storm(gateway, simulator, CONNECTIONS, seed, profiles(sessions))
    in_flight = []
    async with storm.blowing():
        for death in range(1, DEATHS + 1):
            await storm.until(IN_FLIGHT_MIN + 15)
            await asyncio.sleep(4.0 if death == DEATHS else chance.uniform(0, 1.5))
            await storm.until(IN_FLIGHT_MIN + 15)
            storm.may_call.clear()
            killed = gateway.kill()
            await asyncio.sleep(0.01)
            in_flight.append(storm.take_record(killed))
            assert in_flight[-1] >= IN_FLIGHT_MIN
            gateway.start()
            storm.may_call.set()
        storm.may_call.clear()
    # Answers whose clients were sent away run on to their end.
    gateway.settled()
    storm.take_record(seconds=60)
    gateway.settled()
    figures = compare(storm, gateway)
    agrees(gateway)
    talk = talk_to(gateway)
    histories = {session: talk.messages(session) for session in sessions}
    figures |= check_histories(storm, histories)
    assert figures["in a stream when killed"] > DEATHS and figures["cut"] > DEATHS
    for session in sessions[:5]:
        assert talk.say(session, "Go on.", model="sim/sim-mini")["status"] == "complete"
    assert gateway.program.stop() == 0
    print(f"{DEATHS} deaths with {min(in_flight)} to {max(in_flight)} in flight; {figures}")


def check_histories(storm: Storm, histories: dict[str, list[dict]]) -> dict:
    """Holds what is stored against what the provider saw and the clients had."""
    written = {call.number: call for call in storm.seen if call.number}
    answers: dict[int, dict] = {}
    behind = [0.0]
    for messages in histories.values():
        assert [one["seq"] for one in messages] == list(range(1, len(messages) + 1))
        for question, answer in zip(messages[::2], messages[1::2], strict=True):
            assert (question["role"], question["status"], answer["role"]) == ("user", "complete", "assistant")
            number = int(question["content"].removeprefix("This is call number ").removesuffix("."))
            assert number not in answers, f"message {number} is there twice"
            answers[number] = answer
            assert answer["status"] in ("complete", "cut", "failed"), answer
            call = written.get(number)
            if answer["status"] == "complete":
                assert answer["error"] is None and call.ending == "completed"
                assert answer["usage"]["outputTokens"] == call.completion
            elif answer["status"] == "cut":
                assert answer["error"]["code"] in ("INTERRUPTED", "SHUTTING_DOWN"), answer["error"]
                if call is None:
                    assert text_of(answer) == ""
                elif call.killed:
                    profile = storm.calls[number].profile
                    tokens = len(text_of(answer)) // 16 * CHUNK_TOKENS
                    assert tokens <= call.written
                    if profile.is_stream:
                        behind.append((call.written - tokens) / CHUNK_TOKENS * profile.interval / 1000)
            else:
                assert storm.calls[number].profile.name == "failing" and text_of(answer) == ""
    lost = [number for number in written if number not in answers]
    assert not lost, f"the provider was asked {lost}, and nobody said that"
    for number, call in storm.calls.items():
        if call.is_whole and call.statuses == [200]:
            assert answers[number]["status"] == "complete", f"the client had all of {number}: {answers[number]}"
    assert max(behind) <= WRITTEN_SECONDS + 1, f"{max(behind):.1f} s of an answer were not written down"
    cut = sum(one["status"] == "cut" for one in answers.values())
    return {"messages": len(answers), "cut": cut, "text behind, at most": round(max(behind), 2)}


# --- Ends in peace ---------------------------------------------------------------------------------------------------


def test_a_shutdown_waits_for_answers_with_and_without_clients(field):
    gateway, simulator = field
    gateway.start()
    talk = talk_to(gateway)
    lengths = [20, 20, 120, 120]
    sessions = [talk.session(model=f"sim/sim?chunks={length}&interval_ms=25&{OPTIONS}") for length in lengths]
    with talk.ask(sessions[0]) as reader, concurrent.futures.ThreadPoolExecutor(4) as pool:
        reader.next()
        whole = pool.submit(talk.say, sessions[1], "Hello.")
        with talk.ask(sessions[2]) as leaving:
            leaving.next()
        with pytest.raises(httpx.ReadTimeout):
            talk.http.post(f"/sessions/{sessions[3]}/messages", json={"content": "Hello."}, timeout=0.2)
        assert len(simulator.calls()) == 4
        gateway.program.send(signal.SIGTERM)
        assert reader.rest()[-1].data["status"] == "complete"
        assert whole.result()["status"] == "complete"
    assert gateway.program.wait(20) == 0
    gateway.start()
    talk = talk_to(gateway)
    assert [talk.messages(one)[1]["status"] for one in sessions] == ["complete"] * 4
    gateway.settled()
    rows = gateway.query("SELECT request_id, outcome, usage_source, code, output_tokens FROM ledger")
    assert [row["outcome"] for row in rows] == ["ok"] * 4, [tuple(row) for row in rows]
    agrees(gateway)


@pytest.mark.parametrize("has_reader", [True, False])
def test_a_shutdown_that_cannot_wait_cuts_answers_and_keeps_what_they_said(provider, tmp_path, has_reader):
    provider.clear()
    gateway = Mortal(tmp_path / "gateway", site(provider, server={"drain": "1s"}))
    gateway.prepare()
    gateway.start()
    try:
        talk = talk_to(gateway)
        session = talk.session(model=f"sim/sim?endless=1&interval_ms=25&{OPTIONS}")
        with talk.ask(session) as reader:
            reader.until("content")
            if has_reader:
                gateway.program.send(signal.SIGTERM)
                events = reader.rest()
                assert events[-1].type == "error" and events[-1].data["code"] == "SHUTTING_DOWN"
        if not has_reader:
            gateway.program.send(signal.SIGTERM)
        assert gateway.program.wait(15) == 0
        gateway.start()
        talk = talk_to(gateway)
        cut = talk.messages(session)[1]
        assert cut["status"] == "cut" and text_of(cut)
        if has_reader:
            assert text_of(cut).startswith(said(reader.events))
        assert talk.say(session, "Go on.", model="sim/sim-mini")["status"] == "complete"
        gateway.settled()
        call = provider.calls()[0]
        row = gateway.query("SELECT * FROM ledger ORDER BY seq")[0]
        assert row["is_charged"] == 1 and 0 < row["output_tokens"] <= call["tokens_written"] * 1.05 + 1
        agrees(gateway)
    finally:
        gateway.stop()


def test_a_shutdown_while_messages_wait_answers_or_refuses_them(field):
    gateway, simulator = field
    gateway.start()
    talk = talk_to(gateway)
    session = talk.session(model=f"sim/sim?chunks=30&interval_ms=25&{OPTIONS}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with talk.ask(session, "The first.") as first:
            first.next()
            waiting = [pool.submit(talk.post, session, f"Message {number}.") for number in range(3)]
            time.sleep(0.3)
            gateway.program.send(signal.SIGTERM)
            assert first.rest()[-1].data["status"] == "complete"
        statuses = [one.result().status_code for one in waiting]
    assert set(statuses) <= {200, 503}
    assert gateway.program.wait(20) == 0
    gateway.start()
    messages = talk_to(gateway).messages(session)
    assert [one["status"] for one in messages] == ["complete"] * (2 + 2 * statuses.count(200))


# --- A disk without room ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
def test_a_full_disk_refuses_messages_and_loses_no_answer_that_runs(tiny, provider, tmp_path):  # noqa: F811
    provider.clear()
    gateway = Mortal(tmp_path / "gateway", no_bootstrap(provider), data=tiny / "data")
    gateway.prepare()
    gateway.start()
    try:
        talk = talk_to(gateway)
        sessions = [talk.session(model=f"sim/sim?chunks=80&interval_ms=50&{OPTIONS}") for _ in range(8)]
        readers = [talk.ask(session) for session in sessions]
        for reader in readers:
            reader.until("content")
        ballast = fill(tiny)

        def refused():
            # A short message may still find room in pages that are there.
            answer = talk.http.post("/sessions", json={"system": "x" * 60_000})
            return answer if answer.status_code != 201 else None

        answer = poll(refused, 20, 0.01)
        assert answer.status_code in (503, 507), answer.text
        assert answer.json()["code"] in ("STORAGE_FULL", "STORE_UNAVAILABLE", "AUDIT_UNAVAILABLE")
        for reader in readers:
            reader.rest()
            assert reader.events[-1].type == "done" and reader.events[-1].data["status"] == "complete"
            reader.close()
        ballast.unlink()

        def all_there():
            return all(talk.messages(session)[1]["status"] == "complete" for session in sessions)

        poll(all_there, 20, 0.1, "all answers are in the store")
        for session, reader in zip(sessions, readers):
            assert text_of(talk.messages(session)[1]) == said(reader.events)
        poll(lambda: talk.post(sessions[0], "Go on.", model="sim/sim-mini").status_code == 200, 20, 0.1)
        subprocess.run(["mount", "-o", "remount,size=100m", tiny], check=True)
        gateway.kill()
        gateway.start()
        talk = talk_to(gateway)
        for session, reader in zip(sessions, readers):
            assert text_of(talk.messages(session)[1]) == said(reader.events)
        gateway.settled()
        assert gateway.verdict()["ok"]
        assert len(gateway.query("SELECT 1 FROM ledger")) == len(provider.calls()) == 9
        assert gateway.program.stop() == 0
        with contextlib.closing(sqlite3.connect(gateway.data / "turnpike.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        gateway.stop()


def test_a_shutdown_that_cannot_wait_tells_those_who_wait_for_a_whole_answer(provider, tmp_path):
    provider.clear()
    gateway = Mortal(tmp_path / "gateway", site(provider, server={"drain": "1s"}, chat={"timeout": "60s"}))
    gateway.prepare()
    gateway.start()
    try:
        talk = talk_to(gateway)
        model = "sim/sim?stall_after_events=3"
        asked, chatted = talk.session(model=model), talk.session(model=model)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            whole = pool.submit(talk.post, asked, "Hello.")
            chat = pool.submit(talk.chat, "Hello.", conversationId=chatted)
            poll(lambda: len(provider.calls()) == 2)
            gateway.program.send(signal.SIGTERM)
            for answer in (whole.result(), chat.result()):
                assert answer.status_code == 503 and answer.json()["code"] == "SHUTTING_DOWN", answer.text
                assert answer.headers["retry-after"] == "1"
        assert gateway.program.wait(15) == 0
        gateway.start()
        for session in (asked, chatted):
            assert [one["status"] for one in talk_to(gateway).messages(session)] == ["complete", "cut"]
    finally:
        gateway.stop()
