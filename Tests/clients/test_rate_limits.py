"""Rate limits as the official OpenAI SDK meets them: its class of error, its retries, the fields it shows."""

import concurrent.futures
import time

import httpx
import openai
import pytest

from conftest import GATEWAY_KEY, Gateway, configuration_for, must_not_leak, poll

ASK = [{"role": "user", "content": "Say something."}]
FIELDS = [f"x-ratelimit-{what}-{kind}" for what in ("limit", "remaining", "reset") for kind in ("requests", "tokens")]


@pytest.fixture
def limited(simulator, tmp_path):
    """Makes a gateway with the given limits."""
    gateways = []

    def start(limits: dict) -> Gateway:
        gateway = Gateway(tmp_path / f"gateway{len(gateways)}", configuration_for(simulator, limits=limits))
        gateways.append(gateway)
        return gateway

    yield start
    for gateway in gateways:
        gateway.stop()
        must_not_leak(gateway)


def sdk(gateway: Gateway, retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=gateway.url,
        api_key=GATEWAY_KEY,
        max_retries=retries,
        http_client=httpx.Client(trust_env=False),
    )


def metric(gateway: Gateway, name: str) -> float:
    lines = gateway.http.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_every_answer_says_what_is_left(limited):
    gateway = limited({"demo": {"group": "demo", "rpm": 100, "tpm": 50_000}})
    client = sdk(gateway)
    first = client.chat.completions.with_raw_response.create(model="fast", messages=ASK)
    second = client.chat.completions.with_raw_response.create(model="fast", messages=ASK)
    for answer in (first, second):
        assert all(field in answer.headers for field in FIELDS)
        assert answer.headers["x-ratelimit-limit-requests"] == "100"
        assert answer.headers["x-ratelimit-limit-tokens"] == "50000"
    assert int(first.headers["x-ratelimit-remaining-requests"]) == 99
    assert int(second.headers["x-ratelimit-remaining-requests"]) in (98, 99)
    assert second.headers["x-ratelimit-reset-requests"].endswith("s")
    # What the first was thought to need came back, but for what it used.
    used = first.parse().usage.total_tokens
    assert int(second.headers["x-ratelimit-remaining-tokens"]) >= 50_000 - used - 600
    with client.chat.completions.with_streaming_response.create(model="fast", messages=ASK, stream=True) as stream:
        assert stream.headers["x-ratelimit-limit-requests"] == "100"
        stream.read()


def test_a_refusal_is_a_rate_limit_error_with_the_time_to_wait(limited, simulator):
    gateway = limited({"tight": {"group": "demo", "rpm": 2}})
    client = sdk(gateway)
    for _ in range(2):
        client.chat.completions.create(model="fast", messages=ASK)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="fast", messages=ASK)
    error = caught.value
    assert error.status_code == 429
    assert error.code == "rate_limited"
    assert error.type == "rate_limit_error"
    assert "'tight'" in str(error) and "2 requests a minute" in str(error)
    assert 28 <= int(error.response.headers["retry-after"]) <= 30
    assert 0 <= int(error.response.headers["retry-after"]) * 1000 - int(error.response.headers["retry-after-ms"]) < 1000
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(simulator.calls()) == 2
    assert metric(gateway, 'turnpike_limit_refusals_total{reason="requests"}') == 1
    lines = [line for line in gateway.log_lines() if line["msg"] == "A limit refuses calls"]
    assert len(lines) == 1


def test_the_sdk_waits_as_told_and_then_passes(limited):
    # One a second once the sixty are used up: the SDK's own retry comes right in time.
    gateway = limited({"steady": {"group": "demo", "rpm": 60}})
    client = sdk(gateway)
    for _ in range(60):
        client.chat.completions.create(model="fast", messages=ASK)
    refused_before = metric(gateway, "turnpike_limit_refusals_total")
    begin = time.monotonic()
    sdk(gateway, retries=2).chat.completions.create(model="fast", messages=ASK)
    assert time.monotonic() - begin < 20
    # Told once, it came back once and passed.
    assert metric(gateway, "turnpike_limit_refusals_total") - refused_before <= 1


def test_a_request_that_can_never_pass_is_not_tried_again(limited, simulator):
    gateway = limited({"small": {"tpm": 1000}})
    with pytest.raises(openai.RateLimitError, match="can never pass"):
        sdk(gateway, retries=5).chat.completions.create(model="fast", messages=ASK, max_tokens=2000)
    assert metric(gateway, "turnpike_limit_refusals_total") == 1
    assert not simulator.calls()


def test_calls_that_may_wait_are_all_served(limited):
    gateway = limited({"narrow": {"group": "demo", "concurrent": 2, "queue": "30s"}})
    client = sdk(gateway)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda _: client.chat.completions.create(model="sim/sim-mini?ttft_ms=50", messages=ASK), range(24))
        )
    assert all(answer.choices[0].message.content for answer in answers)
    assert metric(gateway, "turnpike_limit_wait_seconds_count") >= 10
    assert metric(gateway, "turnpike_limit_waiting_calls") == 0
    assert metric(gateway, "turnpike_limit_admitted_calls") == 0


def test_a_stream_that_waits_is_kept_alive_and_served(limited):
    gateway = limited({"one": {"group": "demo", "concurrent": 1, "queue": "30s"}})
    client = sdk(gateway)
    holder = client.chat.completions.create(
        model="sim/sim-mini?ttft_ms=1500", messages=ASK, stream=True, timeout=30
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            lambda: list(client.chat.completions.create(model="fast", messages=ASK, stream=True, timeout=30))
        )
        assert list(holder)
        assert len(waiting.result(timeout=30)) > 3


def test_a_client_that_leaves_the_queue_gives_its_place_back(limited):
    gateway = limited({"one": {"group": "demo", "concurrent": 1, "queue": "60s"}})
    with httpx.Client(base_url=gateway.root, headers={"Authorization": f"Bearer {GATEWAY_KEY}"}, trust_env=False) as http:
        body = {"model": "sim/sim-mini?stall_before_head=1", "messages": ASK}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:

            def give_up(seconds):
                with pytest.raises(httpx.ReadTimeout):
                    http.post("/v1/chat/completions", json=body, timeout=seconds)

            holder = pool.submit(give_up, 4)
            poll(lambda: metric(gateway, "turnpike_limit_admitted_calls") == 1)
            waiter = pool.submit(give_up, 1)
            poll(lambda: metric(gateway, "turnpike_limit_waiting_calls") == 1)
            waiter.result()
            poll(lambda: metric(gateway, "turnpike_limit_waiting_calls") == 0)
            holder.result()
    poll(lambda: metric(gateway, "turnpike_limit_admitted_calls") == 0)
    assert gateway.chat("fast").status_code == 200


def test_limits_change_without_a_restart(limited, simulator):
    gateway = limited({"tight": {"group": "demo", "rpm": 1}})
    assert gateway.chat("fast").status_code == 200
    assert gateway.chat("fast").status_code == 429
    gateway.configure(configuration_for(simulator, limits={"tight": {"group": "demo", "rpm": 100}}))
    poll(lambda: gateway.chat("fast").status_code == 200, message="the new limit is in force")
    gateway.configure(configuration_for(simulator))
    poll(lambda: "x-ratelimit-limit-requests" not in gateway.chat("fast").headers, message="there is no limit")
