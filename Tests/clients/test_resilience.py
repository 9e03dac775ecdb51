"""A provider's bad day is not the user's: the real binary between the real SDK and providers that fail on command.

What the providers saw is asked of them, and what the gateway says of itself is held against that.
"""

import concurrent.futures
import contextlib
import json
import socket
import subprocess
import threading
import time

import openai
import pytest

from conftest import BINARY, GATEWAY_KEY, PROVIDER_KEY, Simulator, free_port, poll

OPERATOR_KEY = "tp_test_operator-of-the-gateway-7c2f4e"
QUESTION = [{"role": "user", "content": "Say something."}]


class Backlog:
    """An address where connections are never taken: the kernel leaves them without an answer."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        while self.fits():
            pass

    def fits(self) -> bool:
        """Whether one more found a place in the queue."""
        one = socket.socket()
        self.waiting.append(one)
        one.settimeout(0.3)
        try:
            one.connect(("127.0.0.1", self.port))
            return True
        except TimeoutError:
            return False

    def close(self):
        for each in [*self.waiting, self.listener]:
            each.close()


def site(first: str, second: str, **more) -> dict:
    """Two providers, `a` before `b`, and an operator. A breaker that opened stays so for a minute."""
    alone = {"targets": [{"provider": "a", "model": "sim-mini"}]}
    both = {"targets": [{"provider": "a", "model": "sim-mini"}, {"provider": "b", "model": "sim-mini"}]}
    provider = {"kind": "openai", "allow_private": True, "breaker": {"cooldown": "5m"}}
    return {
        "providers": {"a": {**provider, "base_url": first}, "b": {**provider, "base_url": second}},
        "models": {"fast": both, "alone": alone},
        "defaults": {"model": "fast", "provider": "b"},
        "bootstrap": {
            "groups": [
                {
                    "id": "demo",
                    "credentials": [{"provider": name, "api_key": PROVIDER_KEY} for name in ("a", "b")],
                    "users": [{"id": "op", "role": "system_admin"}],
                    "keys": [
                        {"name": "dev", "secret": GATEWAY_KEY},
                        {"name": "op", "secret": OPERATOR_KEY, "user": "op", "scopes": ["inference", "admin"]},
                    ],
                }
            ]
        },
        **more,
    }


@pytest.fixture
def bad(tmp_path):
    """The provider that has the bad day."""
    simulator = Simulator(tmp_path / "bad", arguments=["--quiet"])
    yield simulator
    simulator.stop()


@pytest.fixture
def sdk():
    """SDK clients by gateway; closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda gateway, **more: stack.enter_context(
            openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, **{"max_retries": 0, **more})
        )


def script(provider: Simulator, *entries: dict):
    provider.http.delete("/sim/script")
    if entries:
        provider.http.post("/sim/script", json=list(entries)).raise_for_status()


def fails(**fault) -> dict:
    return {"match": {"path": "/v1/chat/completions"}, "fault": fault}


def ask(client: openai.OpenAI, model: str = "fast", stream: bool = False) -> dict[str, str]:
    """One call; the fields of its answer, which has text."""
    if not stream:
        answer = client.chat.completions.with_raw_response.create(model=model, messages=QUESTION)
        assert answer.parse().choices[0].message.content
    else:
        answer = client.chat.completions.with_raw_response.create(model=model, messages=QUESTION, stream=True)
        chunks = list(answer.parse())
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
        assert len({chunk.id for chunk in chunks}) == 1, "two answers were mixed"
    return {name.lower(): value for name, value in answer.headers.items()}


def ask_many(client: openai.OpenAI, count: int, at_once: int = 8, every: int = 3) -> list[dict[str, str]]:
    """Every third one is streamed. Fails if one of them does."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda number: ask(client, "fast", number % every == 0), range(count)))


def run(gateway, *arguments, key: str = GATEWAY_KEY) -> str:
    done = subprocess.run(
        [str(BINARY), *arguments], cwd=gateway.folder, capture_output=True, text=True, timeout=30,
        env={"PATH": "/usr/bin:/bin", "HOME": str(gateway.folder), "TURNPIKE_URL": gateway.root, "TURNPIKE_KEY": key},
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def explain(gateway, fields: dict[str, str]) -> str:
    return run(gateway, "explain", fields["x-request-id"])


def status_of(gateway, provider: str) -> dict:
    health = gateway.http.get("/api/ai/status").json()
    return next(one for one in health["providers"] if one["name"] == provider)


def retries_of(gateway, provider: str, what: str = "retries") -> float:
    for line in gateway.http.get("/metrics").text.splitlines():
        if line.startswith(f'turnpike_{what}_total{{provider="{provider}"}}'):
            return float(line.split()[-1])
    return 0


# One provider is down


@pytest.mark.parametrize("how", ["refused", "unreachable", "failing", "cut", "silent", "stalled before content"])
def test_a_provider_that_is_down_costs_no_call(start_gateway, simulator, bad, sdk, how):
    """Rows 83, 84, 86, 90: others answer, and after a few calls nobody goes there."""
    configuration = site(bad.url, simulator.url)
    clocks = configuration["providers"]["a"]["timeouts"] = {"connect": "1s", "first_byte": "1s", "idle": "1s"}
    backlog = None
    if how == "refused":
        configuration["providers"]["a"]["base_url"] = f"http://127.0.0.1:{free_port()}/v1"
    elif how == "unreachable":
        backlog = Backlog()
        configuration["providers"]["a"]["base_url"] = f"http://127.0.0.1:{backlog.port}/v1"
    elif how == "failing":
        script(bad, fails(status=503))
    elif how == "cut":
        script(bad, fails(cut_before_head=1, cut="reset"))
    elif how == "silent":
        script(bad, fails(stall_before_head=1))
    else:
        script(bad, fails(stall_after_events=1, interval_ms=1))
    gateway = start_gateway(configuration)
    client = sdk(gateway)
    began = time.monotonic()
    first = ask(client, stream=True)
    took = time.monotonic() - began
    assert (first["x-turnpike-provider"], first["x-turnpike-attempts"]) == ("b", "2")
    assert took < 2 * 1 + 1, f"more than one clock was waited for: {clocks}"
    told = explain(gateway, first)
    assert "answered by b/sim-mini" in told and "attempt 1 at a/sim-mini failed" in told, told
    if how in ("unreachable", "silent", "stalled before content"):
        clock = {"unreachable": "connect", "silent": "first", "stalled before content": "idle"}[how]
        assert "PROVIDER_TIMEOUT" in told and clock in told and "1000" in told, told

    # A plain answer has no events that could stall.
    every = 1 if how == "stalled before content" else 3
    ask_many(client, 40, every=every)
    assert status_of(gateway, "a")["breaker"] == "open"
    seen, health = len(bad.calls()), gateway.http.get("/api/ai/status").json()
    dials = int(status_of(gateway, "a")["callsSinceStart"])
    assert health["status"] == "degraded"
    assert status_of(gateway, "a")["status"] == "down" and status_of(gateway, "b")["status"] == "ok"
    assert status_of(gateway, "a")["lastError"] and status_of(gateway, "a")["successRate"] == 0
    # Five open it; the others were on their way already, eight at a time.
    assert 5 <= dials <= 5 + 8

    later = ask_many(client, 60)
    assert {(one["x-turnpike-provider"], one["x-turnpike-attempts"]) for one in later} == {("b", "1")}
    assert len(bad.calls()) == seen, "it was called although its breaker is open"
    assert status_of(gateway, "a")["callsSinceStart"] == dials
    told = explain(gateway, later[-1])
    assert "a/sim-mini was passed over: it failed too often of late" in told, told
    assert [line for line in run(gateway, "breaker", "list", "--open", key=OPERATOR_KEY).splitlines() if "sim-mini" in line]
    if backlog:
        backlog.close()


def test_a_provider_killed_in_the_middle_of_streams_breaks_those_that_had_begun_and_no_other(
    start_gateway, simulator, bad, sdk
):
    """Rows 84, 89: what had content says in-band that it is broken; what had none goes on elsewhere."""
    configuration = site(bad.url, simulator.url)
    configuration["models"]["fast"]["targets"][0]["model"] = "sim?chunks=40&interval_ms=100"
    configuration["models"]["quiet"] = {
        "targets": [{"provider": "a", "model": "sim?ttft_ms=60000"}, {"provider": "b", "model": "sim-mini"}]
    }
    gateway = start_gateway(configuration)
    client = sdk(gateway)
    begun = threading.Barrier(9)

    def talking(_) -> str:
        stream = client.chat.completions.create(model="fast", messages=QUESTION, stream=True)
        text = ""
        try:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content and not text:
                    begun.wait(20)
                text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        except openai.APIError as error:
            return f"broken: {error}"
        return "whole"

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        spoken = [pool.submit(talking, number) for number in range(8)]
        waiting = [pool.submit(ask, client, "quiet", True) for _ in range(8)]
        poll(lambda: len(bad.calls()) == 16, message="all calls are there")
        begun.wait(20)
        bad.process.kill()
        bad.wait()
        assert all(one.result().startswith("broken") for one in spoken), [one.result() for one in spoken]
        answers = [one.result() for one in waiting]
    assert {(one["x-turnpike-provider"], one["x-turnpike-attempts"]) for one in answers} == {("b", "2")}
    assert ask(client, stream=True)["x-turnpike-provider"] == "b", "the chat goes on"


def test_an_operator_keeps_calls_away_and_lets_them_back(start_gateway, simulator, bad, sdk):
    gateway = start_gateway(site(bad.url, simulator.url))
    client = sdk(gateway)
    assert ask(client)["x-turnpike-provider"] == "a"
    run(gateway, "breaker", "open", "a", "--model", "sim-mini", key=OPERATOR_KEY)
    bad.clear()
    answers = ask_many(client, 12)
    assert {one["x-turnpike-provider"] for one in answers} == {"b"} and not bad.calls()
    assert status_of(gateway, "a")["breaker"] == "held_open"
    assert "a/sim-mini was passed over: an operator has switched it off" in explain(gateway, answers[-1])
    # Where there is nobody else it is said at once, with a time, and the provider hears nothing.
    answer = gateway.chat("alone")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "provider_unavailable"
    assert int(answer.headers["retry-after"]) > 0 and not bad.calls()

    run(gateway, "breaker", "close", "a", key=OPERATOR_KEY)
    assert {one["x-turnpike-provider"] for one in ask_many(client, 40)} >= {"a"}
    assert status_of(gateway, "a")["breaker"] == "closed"
    actions = [entry["action"] for entry in json.loads(run(gateway, "audit", "list", "--json", key=OPERATOR_KEY))["data"]]
    assert {"breaker.open", "breaker.close"} <= set(actions)
    refused = gateway.http.post("/api/v1/breakers/open", json={"provider": "a"})
    assert refused.status_code == 403


def test_what_failures_opened_an_operator_can_close(start_gateway, simulator, bad, sdk):
    gateway = start_gateway(site(bad.url, simulator.url))
    client = sdk(gateway)
    script(bad, fails(status=500))
    ask_many(client, 12)
    assert status_of(gateway, "a")["breaker"] == "open"
    script(bad)
    bad.clear()
    assert ask(client)["x-turnpike-provider"] == "b" and not bad.calls()
    run(gateway, "breaker", "close", "a", key=OPERATOR_KEY)
    ask_many(client, 40)
    assert bad.calls(), "calls go there again"


# All are down


class Load:
    """Calls at a steady rate from SDKs, whatever becomes of them."""

    def __init__(self, gateway, model: str, rate: float, retries: int = 0, clients: int = 24):
        self.gateway, self.model, self.rate, self.retries = gateway, model, rate, retries
        self.calls: list[tuple[float, int, str | None]] = []
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.next = time.monotonic()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(30)

    def work(self):
        with openai.OpenAI(base_url=self.gateway.url, api_key=GATEWAY_KEY, max_retries=self.retries) as client:
            while not self.is_over.is_set():
                with self.lock:
                    due, self.next = self.next, self.next + 1 / self.rate
                if self.is_over.wait(max(0, due - time.monotonic())):
                    return
                code, answer = 200, None
                try:
                    client.chat.completions.create(model=self.model, messages=QUESTION)
                except openai.APIStatusError as error:
                    code, answer = error.status_code, error.response
                except openai.APIConnectionError:
                    code = 0
                with self.lock:
                    self.calls.append((due, code, answer))

    def since(self, moment: float) -> list[int]:
        """Status codes of the calls that were due since then."""
        with self.lock:
            return [code for due, code, _ in self.calls if due >= moment]


def called(*providers: Simulator) -> int:
    return sum(provider.http.get("/sim/totals").json()["calls"] for provider in providers)


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 503}, {"cut_before_head": 1, "cut": "reset"}])
def test_an_outage_of_all_is_not_made_worse_even_without_breakers(start_gateway, simulator, bad, how):
    """Row 86: what is tried again is a tenth of what is offered, breakers or not."""
    configuration = site(bad.url, simulator.url)
    for provider in configuration["providers"].values():
        provider["breaker"] = {"enabled": False}
    script(bad, fails(**how))
    script(simulator, fails(**how))
    gateway = start_gateway(configuration)
    try:
        before = called(bad, simulator)
        # Two further tries are what an SDK does by itself, where it is not told to leave it.
        with Load(gateway, "fast", 110, retries=2) as load:
            time.sleep(8)
        offered, upstream = len(load.calls), called(bad, simulator) - before
    finally:
        script(simulator)
    print(f"{offered} calls offered, {upstream} at the providers: {upstream / offered:.3f}")
    assert offered > 300, "this machine is too slow for the test"
    assert upstream > offered, "nothing was ever tried again"
    # Until it was known that the second fails as well, each caller may have gone on there once.
    assert upstream <= 1.1 * offered + len(load.threads)
    for _, code, answer in load.calls:
        assert code in (502, 503)
        # Whether the gateway tried again or its budget forbade it: the SDK must not do it instead.
        assert answer.headers["x-should-retry"] == "false"
        assert "retry-after" in answer.headers or code == 502


def test_in_an_outage_of_all_breakers_answer_at_once(start_gateway, simulator, bad):
    configuration = site(bad.url, simulator.url)
    for provider in configuration["providers"].values():
        # Opens for 200 ms at first, so that probes are among the calls.
        provider["breaker"] = {"cooldown": "1s"}
    script(bad, fails(status=503))
    script(simulator, fails(status=503))
    gateway = start_gateway(configuration)
    try:
        before = called(bad, simulator)
        with Load(gateway, "fast", 110) as load:
            time.sleep(5)
        offered, upstream = len(load.calls), called(bad, simulator) - before
        health = gateway.http.get("/api/ai/status")
    finally:
        script(simulator)
    print(f"{offered} calls offered, {upstream} at the providers")
    assert health.status_code == 503 and health.json()["status"] == "down"
    assert upstream < offered / 5
    for _, code, answer in load.calls:
        assert code == 503 and answer.json()["error"]["code"] == "provider_unavailable"
        assert 1 <= int(answer.headers["retry-after"]) <= 5


def test_all_calls_are_answered_again_within_ten_seconds_of_the_end_of_an_outage(start_gateway, simulator, bad):
    configuration = site(bad.url, simulator.url)
    del configuration["providers"]["a"]["breaker"]
    script(bad, fails(status=503))
    gateway = start_gateway(configuration)
    with Load(gateway, "alone", 50) as load:
        # Long enough for the breaker to wait for its longest time.
        time.sleep(8)
        assert set(load.since(0)) == {503}
        healed = time.monotonic()
        script(bad)
        poll(lambda: 200 in load.since(healed), 15, 0.05, "the first call is answered")
        first = time.monotonic()
        time.sleep(2)
    with load.lock:
        bad_until = max([due for due, code, _ in load.calls if code != 200])
    print(f"first answer {first - healed:.1f} s after the end, all from {bad_until - healed:.1f} s on")
    assert bad_until - healed < 10
    assert load.since(bad_until + 0.001).count(200) > 50, "and then all of them"
    assert status_of(gateway, "a")["breaker"] == "closed"


# Slow ones


def test_a_stream_that_stalls_after_content_ends_at_the_idle_clock_and_counts_against_its_provider(
    start_gateway, simulator, bad, sdk
):
    """Rows 89, 90."""
    configuration = site(bad.url, simulator.url)
    configuration["providers"]["a"]["timeouts"] = {"idle": "1s"}
    gateway = start_gateway(configuration)
    client = sdk(gateway)
    script(bad, fails(stall_after_events=4))

    def stalled(_) -> float:
        stream = client.chat.completions.create(model="fast", messages=QUESTION, stream=True)
        last = time.monotonic()
        with pytest.raises(openai.APIError, match="idle limit of 1000 ms"):
            for _ in stream:
                last = time.monotonic()
        return time.monotonic() - last

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        silences = list(pool.map(stalled, range(5)))
    # Not before its time by more than a client's own delay, and long before any other clock.
    assert min(silences) > 0.5 and max(silences) < 5, silences
    assert status_of(gateway, "a")["breaker"] == "open"
    assert ask(client, stream=True)["x-turnpike-provider"] == "b"
    assert len(bad.calls()) == 5, "what had content was not tried again"


def test_a_second_attempt_answers_where_the_first_is_slow_and_both_are_in_the_ledger(
    start_gateway, simulator, bad, sdk
):
    configuration = site(bad.url, simulator.url)
    configuration["models"]["fast"] |= {"hedge": "200ms", "hedge_budget": 100}
    gateway = start_gateway(configuration)
    client = sdk(gateway)
    script(bad, fails(ttft_ms=30_000))
    began = time.monotonic()
    answers = [ask(client, stream=number % 2 == 0) for number in range(6)]
    assert time.monotonic() - began < 30, "none waited for the slow one"
    assert {(one["x-turnpike-provider"], one["x-turnpike-attempts"]) for one in answers} == {("b", "2")}
    told = explain(gateway, answers[-1])
    assert "so b/sim-mini was asked too" in told and "had content first; the other was called off" in told, told
    assert "attempt 1 at a/sim-mini" in told and "attempt 2 at b/sim-mini (hedge) answered" in told, told
    poll(lambda: all(call["ending"] != "running" for call in bad.calls()), message="those that lost are called off")
    assert len(bad.calls()) == len(simulator.calls()) == 6

    def by_variant():
        rows = json.loads(run(gateway, "usage", "--by", "variant", "--json", key=OPERATOR_KEY))["data"]
        rows = rows if isinstance(rows, list) else rows["rows"]
        found = {row.get("variant") or row.get("key") or "": row for row in rows}
        return found if "hedge" in found and sum(row["attempts"] for row in rows) == 12 else None

    print(poll(by_variant, 10, 0.2, "both are in the ledger"))
