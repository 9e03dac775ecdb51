"""What is billed of translated calls that do not come to their end: clients that leave, and lists that are refused in
the middle. Each call is held against its own row of the ledger, and against what the provider saw of it."""

import collections
import json

import httpx
import openai
import pytest

from conftest import poll
from dialects import priced
from storm import CHUNK_TOKENS, INPUT_PRICE, OUTPUT_PRICE, Mortal, Profile, Seen, check, check_sums, witness

PROVIDERS = ["compatible", "openai", "mistral", "anthropic", "gemini", "cohere", "bedrock"]
# Where each sort of client calls, and which providers it needs no translation for.
CLIENTS = {
    "chat": ("/v1/chat/completions", {"compatible", "openai"}),
    "messages": ("/v1/messages", {"anthropic"}),
    "responses": ("/v1/responses", {"openai"}),
}
PAIRS = [(client, name) for client, (_, own) in CLIENTS.items() for name in PROVIDERS if name not in own]
SLOW = f"chunks=300&interval_ms=20&text_bytes=16&tokens_per_chunk={CHUNK_TOKENS}"


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A provider, and a gateway that takes it for seven."""
    folder = tmp_path_factory.mktemp("bill")
    simulator = witness(folder / "provider")
    gateway = Mortal(folder / "gateway", priced(simulator, INPUT_PRICE, OUTPUT_PRICE))
    gateway.prepare(PROVIDERS)
    gateway.start()
    yield gateway, simulator
    check_sums(gateway)
    assert gateway.verdict()["ok"]
    assert gateway.program.stop() == 0
    simulator.stop()


@pytest.fixture
def shop(field):
    gateway, simulator = field
    gateway.program.must_live()
    simulator.clear()
    simulator.http.delete("/sim/script")
    return gateway, simulator


numbers = iter(range(1, 1_000_000))


def fields(gateway: Mortal, number: int) -> dict:
    return {"authorization": f"Bearer {gateway.key}", "x-turnpike-metadata": json.dumps({"n": number})}


def row_of(gateway: Mortal, number: int):
    """The one row of a call."""

    def find():
        return [row for row in gateway.query("SELECT * FROM ledger") if json.loads(row["metadata"] or "{}").get("n") == number]

    rows = poll(find, 20, 0.05, f"call {number} is in the ledger")
    assert len(rows) == 1, [dict(row) for row in rows]
    return rows[0]


# --- Clients that leave ----------------------------------------------------------------------------------------------


def ask(client: str, provider: str, number: int, stream: bool, options: str = SLOW) -> tuple[str, dict]:
    body = {"model": f"{provider}/sim?{options}", "stream": stream}
    text = f"This is call number {number}."
    if client == "responses":
        body |= {"input": text}
    else:
        body |= {"max_tokens": 8000, "messages": [{"role": "user", "content": text}]}
    return CLIENTS[client][0], body


def left(simulator) -> dict:
    """The call at the provider, once it has seen the gateway hang up."""
    call = poll(lambda: next((call for call in simulator.calls() if call["ending"] != "running"), None), 20, 0.01)
    assert call["ending"] in ("client_closed", "client_reset"), call["ending"]
    return call


@pytest.mark.parametrize("client, provider", PAIRS)
def test_who_leaves_in_the_middle_of_a_stream_pays_for_what_had_come(shop, client, provider):
    gateway, simulator = shop
    number = next(numbers)
    path, body = ask(client, provider, number, True)
    events = 0
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}", trust_env=False, timeout=20) as http:
        with http.stream("POST", path, json=body, headers=fields(gateway, number)) as answer:
            assert answer.status_code == 200, answer.read()
            for line in answer.iter_lines():
                events += line.startswith("data:")
                if events >= 30:
                    break
    call = left(simulator)
    assert call["events_written"] < 250, "the provider worked on for nobody"
    row = row_of(gateway, number)
    assert row["outcome"] == "partial_client_gone" and row["is_charged"] == 1
    assert row["input_tokens"] > 0
    # Some of the thirty opened the answer; each of the others brought three tokens.
    assert row["output_tokens"] >= 20 * CHUNK_TOKENS
    profile = Profile("leaving", SLOW, 1, interval=20)
    assert check(profile, Seen.of(call), row, collections.Counter(), []) == []
    assert row["charged"] == INPUT_PRICE * row["input_tokens"] + OUTPUT_PRICE * row["output_tokens"]


@pytest.mark.parametrize("client, provider", PAIRS)
def test_who_leaves_before_a_whole_answer_pays_nothing(shop, client, provider):
    gateway, simulator = shop
    number = next(numbers)
    path, body = ask(client, provider, number, False)
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}", trust_env=False, timeout=1) as http:
        with pytest.raises(httpx.ReadTimeout):
            http.post(path, json=body, headers=fields(gateway, number))
    left(simulator)
    row = row_of(gateway, number)
    assert (row["outcome"], row["charged"]) == ("partial_client_gone", 0)


# --- Lists in parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, error", [
    ({"status": 429, "retry_after": "1"}, openai.RateLimitError),
    ({"status": 400}, openai.BadRequestError),
    ({"status": 500}, openai.APIStatusError),
    ({"cut_at_byte": 200}, openai.APIStatusError),
])
@pytest.mark.parametrize("provider, model, count", [
    ("cohere", "embed-v4.0", 300), ("bedrock", "amazon.titan-embed-text-v2:0", 4),
])
def test_a_list_whose_third_part_is_refused_costs_what_the_first_two_did(shop, provider, model, count, fault, error):
    gateway, simulator = shop
    number = next(numbers)
    script = [{"match": {"model": f"{model}*"}, "skip": 2, "times": 1, "fault": fault}]
    assert simulator.http.post("/sim/script", json=script).status_code == 200
    texts = [f"This is text number {n}." for n in range(count)]
    more = {"x-turnpike-metadata": json.dumps({"n": number})}
    with openai.OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=gateway.key, max_retries=0) as sdk:
        with pytest.raises(error):
            sdk.embeddings.create(model=f"{provider}/{model}", input=texts, extra_headers=more)
    calls = simulator.calls()
    assert len(calls) == 3
    answered = [call for call in calls if call["status"] == 200]
    assert len(answered) == 2
    row = row_of(gateway, number)
    assert row["outcome"] == "failed"
    # The client got nothing and pays nothing; what the provider has billed is the gateway's own loss, and is shown.
    assert row["charged"] == 0 and row["is_charged"] == 0
    assert row["input_tokens"] == sum(call["prompt_tokens"] for call in answered)
    assert row["cost"] == INPUT_PRICE * row["input_tokens"]
