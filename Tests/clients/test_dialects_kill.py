"""The gateway dies in the midst of answers that it puts into another dialect, of lists that it asks for in parts, and of
responses that it keeps; its ledger says afterwards what the provider saw (row 74)."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import random
import threading
import time

import httpx
import pytest

from conftest import poll
from dialects import priced
from storm import INPUT_PRICE, OUTPUT_PRICE, Mortal, Profile, Storm, check_sums, compare, witness

PROVIDERS = ["compatible", "openai", "mistral", "anthropic", "gemini", "cohere", "bedrock"]
DEATHS = 4
CONNECTIONS = 64
IN_FLIGHT_MIN = 25


@dataclasses.dataclass(frozen=True)
class Translated(Profile):
    """A call in one dialect for a provider of any."""

    provider: str = "compatible"
    client: str = "chat"

    @property
    def model(self) -> str:
        return f"{self.provider}/sim?{self.settings}"

    @property
    def path(self) -> str:
        return {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}[self.client]

    def body(self, number: int) -> dict:
        text = f"This is call number {number}."
        body = {"model": self.model, "stream": self.is_stream}
        if self.client == "responses":
            return {**body, "input": text}
        return {**body, "max_tokens": 8000, "messages": [{"role": "user", "content": text}]}


def profiles(client: str) -> list[Translated]:
    """Of every provider that speaks another dialect than the client: streams long and short, and whole answers."""
    own = {"chat": {"compatible", "openai"}, "messages": {"anthropic"}, "responses": {"openai"}}[client]
    made = []
    for provider in PROVIDERS:
        if provider in own:
            continue
        for name, options, weight, is_stream, interval, leaves_after in [
            ("long", "chunks=200", 4, True, 30, 0),
            ("short", "chunks=15", 1, True, 20, 0),
            ("leaving", "chunks=200", 1, True, 20, 12),
            ("whole", "chunks=30", 1, False, 25, 0),
        ]:
            made.append(
                Translated(f"{provider}-{name}", options, weight, is_stream, interval, leaves_after, False, provider, client)
            )
    return made


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    simulator = witness(tmp_path_factory.mktemp("provider"))
    yield simulator
    simulator.stop()


@pytest.fixture
def field(provider, tmp_path):
    """A provider that lives on, and a gateway that takes it for seven and does not."""
    provider.clear()
    gateway = Mortal(tmp_path / "gateway", priced(provider, INPUT_PRICE, OUTPUT_PRICE))
    gateway.prepare(PROVIDERS)
    yield gateway, provider
    gateway.stop()


def ledger_agrees(gateway: Mortal):
    check_sums(gateway)
    assert gateway.verdict()["ok"]


# --- Translated answers ----------------------------------------------------------------------------------------------


@pytest.mark.timeout(200)
@pytest.mark.parametrize("client", ["chat", "messages", "responses"])
def test_no_death_loses_or_doubles_a_translated_call(field, client):
    gateway, simulator = field
    asyncio.run(deaths(gateway, simulator, client))


async def deaths(gateway: Mortal, simulator, client: str):
    seed = random.SystemRandom().randrange(1, 1 << 31)
    chance = random.Random(seed)
    storm = Storm(gateway, simulator, CONNECTIONS, seed, profiles(client))
    gateway.start()
    in_flight = []
    async with storm.blowing():
        for death in range(1, DEATHS + 1):
            await storm.until(IN_FLIGHT_MIN + 15)
            # One life is long enough for streams to have several checkpoints behind them.
            await asyncio.sleep(4.5 if death == DEATHS else chance.uniform(0, 1.0))
            await storm.until(IN_FLIGHT_MIN + 15)
            storm.may_call.clear()
            killed = gateway.kill()
            await asyncio.sleep(0.01)
            in_flight.append(storm.take_record(killed))
            assert in_flight[-1] >= IN_FLIGHT_MIN
            gateway.start()
            storm.may_call.set()
        storm.may_call.clear()
    gateway.settled()
    storm.take_record()
    figures = compare(storm, gateway)
    ledger_agrees(gateway)
    assert figures["in a stream when killed"] > DEATHS
    print(f"{seed}: {DEATHS} deaths with {min(in_flight)} or more in flight; {figures}")


# --- Lists in parts --------------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name, model, count", [
    ("cohere", "embed-v4.0", 300), ("gemini", "gemini-embedding-001", 301), ("bedrock", "amazon.titan-embed-text-v2:0", 5),
])
def test_a_death_amid_embeddings_in_parts_bills_the_parts_that_were_answered(field, name, model, count):
    gateway, simulator = field
    gateway.start()
    body = {"model": f"{name}/{model}?ttft_ms=300", "dimensions": 256}
    body["input"] = [f"This is text number {n}." for n in range(count)]
    headers = {"authorization": f"Bearer {gateway.key}"}

    def ask():
        with contextlib.suppress(httpx.HTTPError):
            return httpx.post(f"http://127.0.0.1:{gateway.port}/v1/embeddings", json=body, headers=headers, timeout=120)

    def answered() -> list[dict]:
        return [call for call in simulator.calls() if call["ending"] == "completed"]

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        whole = pool.submit(ask).result()
        assert whole is not None and whole.status_code == 200, whole
        parts = len(answered())
        assert parts >= 4, "the list was not taken apart"
        simulator.clear()
        cut = pool.submit(ask)
        # Two have been answered, and the gateway is on with the third.
        poll(lambda: len(simulator.calls()) >= 3, 60, 0.005)
        gateway.kill()
        assert cut.result() is None
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls()), message="the provider has noticed")
    assert 2 <= len(answered()) < parts
    gateway.start()
    gateway.settled()
    first, second = gateway.query("SELECT * FROM ledger ORDER BY seq")
    assert (first["outcome"], first["is_charged"]) == ("ok", 1)
    assert second["outcome"] == "interrupted"
    said = [call["prompt_tokens"] for call in answered()]
    assert (second["usage_source"], second["is_charged"]) == ("provider_partial", 1)
    # The answer to the last of them may have been on its way when the gateway died.
    assert second["input_tokens"] in (sum(said), sum(said[:-1]))
    assert second["charged"] == INPUT_PRICE * second["input_tokens"] > 0
    ledger_agrees(gateway)
    assert gateway.program.stop() == 0


# --- Responses that are kept -----------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
def test_a_death_loses_no_kept_response_but_those_of_the_last_moment(field):
    """Each is there whole as its client had it, or is not there at all; what was answered well before is."""
    gateway, simulator = field
    gateway.start()
    headers = {"authorization": f"Bearer {gateway.key}"}
    had: dict[str, tuple[float, dict]] = {}
    had_lock = threading.Lock()
    is_over = threading.Event()
    killed = 0.0

    def work(number: int):
        provider = PROVIDERS[number % len(PROVIDERS)]
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}/v1", headers=headers, trust_env=False) as http:
            while not is_over.is_set():
                asked = {"model": f"{provider}/sim?chunks=5", "input": f"This is call number {number + 1}."}
                with contextlib.suppress(httpx.HTTPError):
                    answer = http.post("/responses", json=asked)
                    if answer.status_code == 200:
                        with had_lock:
                            had[answer.json()["id"]] = (time.monotonic(), answer.json())

    for death in range(3):
        is_over.clear()
        with concurrent.futures.ThreadPoolExecutor(14) as pool:
            for number in range(14):
                pool.submit(work, number)
            before = len(had)
            poll(lambda: len(had) - before >= 100, 30, 0.005)
            time.sleep(0.3 * death)
            killed = time.monotonic()
            gateway.kill()
            is_over.set()
        gateway.start()
        lost = []
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}/v1", headers=headers, trust_env=False) as http:
            for name, (at, response) in had.items():
                found = http.get(f"/responses/{name}")
                if found.status_code == 200:
                    assert found.json() == response
                    continue
                assert found.status_code == 404, found.text
                # Twenty times as long as it takes to come to its turn.
                assert killed - at < 5, f"{name} was answered {killed - at:.1f} s before the death"
                lost.append(name)
            if lost:
                again = {"model": "anthropic/sim", "input": "Go on.", "previous_response_id": lost[0]}
                refused = http.post("/responses", json=again)
                assert refused.status_code == 400 and "previous_response_id" in refused.text, refused.text
            kept = next(name for name in had if name not in lost)
            again = {"model": "anthropic/sim", "input": "Go on.", "previous_response_id": kept}
            assert http.post("/responses", json=again).status_code == 200
        for name in lost:
            del had[name]
    gateway.settled()
    ledger_agrees(gateway)
    seen = [call for call in simulator.calls() if call["ending"] == "completed"]
    rows = gateway.query("SELECT * FROM ledger WHERE outcome = 'ok'")
    # What was whole at the provider and had not come through when the gateway died is in a row that says so.
    assert len(rows) <= len(seen) <= len(rows) + 3 * 14
    assert len(gateway.query("SELECT * FROM ledger")) >= len(seen)
    assert gateway.program.stop() == 0
