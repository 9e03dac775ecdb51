"""Budgets, prices and bills as clients meet them: nothing is overspent however many ask at once, and what an answer
says it cost is what the ledger says and what the provider's own count comes to (rows 69 to 71, 78, 79)."""

import asyncio
import json
import os
import random
import time

import httpx
import openai
import pytest

from conftest import poll
from storm import INPUT_PRICE, OUTPUT_PRICE, Mortal, Sent, no_bootstrap, volley, witness

ASK = [{"role": "user", "content": "Say something, and say it well."}]
ROUNDS = int(os.environ.get("TURNPIKE_BUDGET_ROUNDS", "5"))
SEED = int(os.environ.get("TURNPIKE_BUDGET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
TOKEN_PRICES = {"sim/*": {"input": INPUT_PRICE, "output": OUTPUT_PRICE}}


@pytest.fixture
def shop(tmp_path):
    """Starts gateways with prices and budgets, each with a provider of its own."""
    started = []

    def open_shop(**more) -> tuple[Mortal, object]:
        simulator = witness(tmp_path / f"provider-{len(started)}")
        started.append(simulator)
        configuration = no_bootstrap(simulator, **more)
        gateway = Mortal(tmp_path / f"gateway-{len(started)}", configuration)
        started.append(gateway)
        gateway.prepare()
        gateway.start()
        return gateway, simulator

    yield open_shop
    for one in started:
        one.stop()


def client(gateway: Mortal, retries: int = 0, sent: list | None = None) -> openai.OpenAI:
    """The SDK; `sent` gets every request that leaves it."""
    hooks = {"request": [lambda request: sent.append(request)]} if sent is not None else {}
    return openai.OpenAI(
        base_url=f"http://127.0.0.1:{gateway.port}/v1",
        api_key=gateway.key,
        max_retries=retries,
        http_client=httpx.Client(trust_env=False, event_hooks=hooks, timeout=30),
    )


def last_row(gateway: Mortal, count: int = 1):
    """The newest row, once so many are there."""
    poll(lambda: gateway.query("SELECT COUNT(*) AS n FROM ledger")[0]["n"] >= count, message="the row is in the ledger")
    return gateway.query("SELECT * FROM ledger ORDER BY seq DESC LIMIT 1")[0]


def micros(row) -> int:
    """The price of a row, computed apart from the gateway."""
    return INPUT_PRICE * row["input_tokens"] + OUTPUT_PRICE * row["output_tokens"]


# --- Many at once ----------------------------------------------------------------------------------------------------


def statuses(calls: list[Sent]) -> dict[int, int]:
    found = [call.statuses[0] if call.statuses else 0 for call in calls]
    return {status: found.count(status) for status in sorted(set(found))}


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_of_a_thousand_at_once_exactly_as_many_get_in_as_the_budget_pays_for(shop):
    # Each model has a hundred dollars, so each round has a budget that is new.
    gateway, simulator = shop(
        prices={"sim/*": {"input": 0, "output": 0, "request": 1}},
        budgets={"each": {"model": "*", "usd": 100, "per": "total"}},
    )
    chance = random.Random(SEED)
    print(f"TURNPIKE_BUDGET_SEED={SEED}")
    for round in range(ROUNDS):
        simulator.clear()
        wait = chance.choice([0, 1, 20, 200])
        model = f"sim?text=round{round}&ttft_ms={wait}"
        bodies = [
            {"model": f"sim/{model}", "messages": ASK, "stream": chance.random() < 0.5, "max_tokens": 50}
            for _ in range(1000)
        ]
        calls = volley(gateway, bodies)
        assert statuses(calls) == {200: 100, 402: 900}, f"round {round}, {wait} ms"
        assert len(simulator.calls(model)) == 100
    rows = gateway.query("SELECT COUNT(*) AS n FROM ledger")
    poll(lambda: gateway.query("SELECT COUNT(*) AS n FROM ledger")[0]["n"] == 100 * ROUNDS, message=f"{rows}")
    assert gateway.verdict()["ok"]
    budget = gateway.budgets()["each"]
    assert budget["reserved"] == 0


@pytest.mark.timeout(120)
def test_calls_at_once_never_spend_more_than_there_is_at_any_moment(shop):
    chance = random.Random(SEED)
    limit = 40_000
    budget = {"group": "demo", "usd": limit / 1e6, "per": "total"}
    gateway, simulator = shop(prices=TOKEN_PRICES, budgets={"tight": budget})
    bodies = [
        {
            "model": f"sim/sim?chunks={chance.randrange(5, 60)}&interval_ms=5&text_bytes=16&tokens_per_chunk=3",
            "messages": ASK,
            "stream": chance.random() < 0.7,
            "max_tokens": chance.randrange(10, 400),
        }
        for _ in range(400)
    ]
    looks = []

    async def watch(done: asyncio.Event):
        while not done.is_set():
            standing = (await asyncio.to_thread(gateway.budgets))["tight"]
            looks.append((round(standing["spent"] * 1e6), round(standing["reserved"] * 1e6)))
            await asyncio.sleep(0.02)

    async def both():
        done = asyncio.Event()
        watcher = asyncio.create_task(watch(done))
        try:
            return await asyncio.to_thread(volley, gateway, bodies)
        finally:
            done.set()
            await watcher

    # What calls under way have set aside and do not use is there for the next.
    calls: list[Sent] = []
    while gateway.budgets()["tight"]["spent"] * 1e6 <= limit / 2:
        assert len(calls) < 20 * len(bodies), "the budget guards what it does not give out"
        calls += asyncio.run(both())
    assert max(spent + reserved for spent, reserved in looks) <= limit
    assert any(reserved > 0 for _, reserved in looks), "nobody looked while calls were running"
    counted = statuses(calls)
    assert counted[200] >= 5 and counted[402] >= 50, counted
    seen = simulator.calls()
    assert len(seen) == counted[200]
    price = sum(INPUT_PRICE * call["prompt_tokens"] + OUTPUT_PRICE * call["completion_tokens"] for call in seen)
    assert price <= limit
    poll(lambda: gateway.query("SELECT COUNT(*) AS n FROM ledger")[0]["n"] == counted[200])
    standing = gateway.budgets()["tight"]
    assert (round(standing["spent"] * 1e6), standing["reserved"]) == (price, 0)


# --- What the SDK makes of it ----------------------------------------------------------------------------------------


def test_a_used_up_budget_is_a_402_that_the_sdk_does_not_try_again(shop):
    gateway, simulator = shop(
        prices={"sim/*": {"input": 0, "output": 0, "request": 1}},
        budgets={"one": {"group": "demo", "usd": 1, "per": "month"}},
    )
    sent = []
    with client(gateway, 3, sent) as sdk:
        sdk.chat.completions.create(model="sim/sim-mini", messages=ASK, max_tokens=5)
        with pytest.raises(openai.APIStatusError) as refused:
            sdk.chat.completions.create(model="sim/sim-mini", messages=ASK, max_tokens=5)
    assert refused.value.status_code == 402
    assert refused.value.code == "budget_exceeded"
    assert refused.value.body["details"]["renewsAt"].endswith("-01T00:00:00.000Z")
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(sent) == 2
    assert len(simulator.calls()) == 1


def test_a_used_up_day_is_a_rate_limit_error_that_says_when_it_ends(shop):
    gateway, simulator = shop(limits={"daily": {"group": "demo", "rpd": 2}})
    sent = []
    with client(gateway, 3, sent) as sdk:
        for _ in range(2):
            sdk.chat.completions.create(model="sim/sim-mini", messages=ASK)
        with pytest.raises(openai.RateLimitError) as refused:
            sdk.chat.completions.create(model="sim/sim-mini", messages=ASK)
    headers = refused.value.response.headers
    assert refused.value.status_code == 429
    until_midnight = 86_400 - int(time.time()) % 86_400
    assert abs(int(headers["retry-after"]) - until_midnight) <= 2
    # No client waits till midnight, so it is not told to try at once.
    assert len(sent) == 3, "it was tried again"
    assert len(simulator.calls()) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_what_an_answer_says_it_cost_is_what_the_ledger_says(shop, stream):
    gateway, simulator = shop(prices=TOKEN_PRICES, budgets={"big": {"group": "demo", "usd": 50}})
    with client(gateway) as sdk:
        answer = sdk.chat.completions.with_raw_response.create(model="sim/sim?cached=4", messages=ASK, stream=stream)
        if stream:
            for _ in answer.parse():
                pass
    row = last_row(gateway)
    call = simulator.calls()[0]
    assert (row["outcome"], row["usage_source"]) == ("ok", "provider")
    assert (row["input_tokens"], row["output_tokens"]) == (call["prompt_tokens"], call["completion_tokens"])
    assert row["charged"] == row["cost"] == micros(row)
    if not stream:
        assert round(float(answer.headers["x-turnpike-cost-usd"]) * 1e6) == row["charged"]


# What the stream says of its usage, whether that can be believed.
USAGES = {
    "none": False, "null": False, "zero": False, "negative": False, "float": False, "text": False, "late": False,
    "double": True, "in_choice": True, "every": True, "always": True,
}


def test_usage_that_a_stream_does_not_say_is_estimated_and_marked(shop):
    gateway, simulator = shop(prices=TOKEN_PRICES, budgets={"big": {"group": "demo", "usd": 50}})
    with client(gateway) as sdk:
        for count, (usage, is_believed) in enumerate(USAGES.items(), 1):
            model = f"sim?usage={usage}&chunks=40&text_bytes=16&tokens_per_chunk=3"
            chunks = list(sdk.chat.completions.create(model=f"sim/{model}", messages=ASK, stream=True))
            assert any(chunk.choices for chunk in chunks)
            row = last_row(gateway, count)
            call = simulator.calls(model)[0]
            assert row["outcome"] == "ok", usage
            assert row["charged"] == micros(row), usage
            if is_believed:
                assert row["usage_source"] == "provider", usage
                assert (row["input_tokens"], row["output_tokens"]) == (call["prompt_tokens"], call["completion_tokens"])
            else:
                assert row["usage_source"] == "estimated", (usage, dict(row))
                error = abs(row["output_tokens"] - call["completion_tokens"])
                assert error <= 0.05 * call["completion_tokens"] + 1, usage
                assert 0 < row["input_tokens"] <= 3 * call["prompt_tokens"], usage
    assert gateway.metric("turnpike_usage_estimated_total") == list(USAGES.values()).count(False)


def test_usage_beyond_reason_is_billed_as_said_and_counted(shop):
    gateway, simulator = shop(prices=TOKEN_PRICES)
    with client(gateway) as sdk:
        sdk.chat.completions.create(model="sim/sim?usage=wrong&chunks=100", messages=ASK)
        assert gateway.metric("turnpike_usage_absurd_total") == 1
        sdk.chat.completions.create(model="sim/sim?usage=huge&chunks=10", messages=ASK)
    row = last_row(gateway, 2)
    assert 0 <= row["charged"] < 1 << 62
    assert gateway.verdict()["ok"]


def test_the_cost_that_openrouter_reports_is_the_cost(shop):
    gateway, simulator = shop(budgets={"soft": {"group": "demo", "usd": 50, "mode": "soft"}})
    with client(gateway) as sdk:
        for stream in (False, True):
            answer = sdk.chat.completions.create(
                model="openrouter/sim?cost=0.012345&chunks=5", messages=ASK, stream=stream
            )
            if stream:
                list(answer)
    row = last_row(gateway, 2)
    rows = gateway.query("SELECT * FROM ledger")
    assert [row["charged"] for row in rows] == [12_345, 12_345]
    assert [row["reported_cost"] for row in rows] == [12_345, 12_345]


def test_the_answer_is_bounded_by_what_is_left(shop):
    gateway, simulator = shop(prices=TOKEN_PRICES, budgets={"tight": {"group": "demo", "usd": 0.004, "per": "total"}})
    with client(gateway) as sdk:
        answer = sdk.chat.completions.create(
            model="sim/sim?chunks=5000&text_bytes=16&tokens_per_chunk=1", messages=ASK, max_tokens=100_000
        )
        assert answer.choices[0].finish_reason == "length"
    body = json.loads(simulator.calls()[0]["body"])
    bound = body.get("max_tokens") or body["max_completion_tokens"]
    assert 16 <= bound <= 4000 // OUTPUT_PRICE
    row = last_row(gateway)
    assert row["output_tokens"] == bound
    assert row["charged"] <= 4000
    standing = gateway.budgets()["tight"]
    assert standing["spent"] <= standing["limit"] and standing["reserved"] == 0


def test_what_nobody_knows_the_price_of_is_refused_under_a_hard_budget_and_served_without(shop):
    gateway, _ = shop(prices={"sim/priced": {"input": 1, "output": 1}}, budgets={"big": {"group": "demo", "usd": 50}})
    sent = []
    with client(gateway, 2, sent) as sdk:
        with pytest.raises(openai.PermissionDeniedError) as refused:
            sdk.chat.completions.create(model="sim/unheard-of", messages=ASK)
        assert refused.value.code == "model_unpriced"
        assert "prices" in refused.value.message
        assert len(sent) == 1
        sdk.chat.completions.create(model="sim/priced", messages=ASK)
    soft, _ = shop(budgets={"soft": {"group": "demo", "usd": 50, "mode": "soft"}})
    with client(soft) as sdk:
        sdk.chat.completions.create(model="sim/unheard-of", messages=ASK)


def test_a_stream_that_ignores_its_bound_is_ended_where_the_money_ends(shop):
    gateway, simulator = shop(prices=TOKEN_PRICES, budgets={"tight": {"group": "demo", "usd": 0.01, "per": "total"}})
    # For the provider each event is a token, for anybody who reads it some seventy: it does not keep to the bound.
    model = "sim/sim?chunks=2000&text_bytes=400&tokens_per_chunk=1&interval_ms=2"
    with client(gateway) as sdk:
        chunks = []
        with pytest.raises(openai.APIError) as ended:
            for chunk in sdk.chat.completions.create(model=model, messages=ASK, stream=True, max_tokens=1200):
                chunks.append(chunk)
        assert ended.value.code == "budget_exceeded"
        assert chunks, "what was paid for came"
    row = last_row(gateway)
    assert row["outcome"] == "cut"
    # A count of one's own is rough, so the bound has some air; no more than that is ever over it.
    assert row["charged"] <= 10_000 * 1.5
    poll(lambda: simulator.calls()[0]["ending"] != "running", message="the provider's call has ended")
    with client(gateway) as sdk, pytest.raises(openai.APIStatusError) as refused:
        sdk.chat.completions.create(model="sim/sim-mini", messages=ASK)
    assert refused.value.status_code == 402
    assert gateway.metric("turnpike_budget_cuts_total") == 1
