"""`Idempotency-Key`: sent again is not done again (row 77)."""

import concurrent.futures
import contextlib
import json
import signal
import threading
import time
import uuid

import httpx
import openai
import pytest

from conftest import CANARY_PROMPT, GATEWAY_KEY, Gateway, poll

ASK = [{"role": "user", "content": CANARY_PROMPT}]
REPLAY = "x-turnpike-idempotent-replay"


def named(key: str | None = None) -> dict:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def body(model: str, stream: bool = False) -> dict:
    return {"model": model, "messages": ASK, "stream": stream}


def post(gateway: Gateway, key: str, model: str = "sim/sim", stream: bool = False) -> httpx.Response:
    """One request on a connection of its own."""
    headers = {**named(key), "authorization": f"Bearer {GATEWAY_KEY}"}
    with httpx.Client(trust_env=False, timeout=40) as http:
        return http.post(f"{gateway.url}/chat/completions", json=body(model, stream), headers=headers)


def leave_in_the_middle(gateway: Gateway, key: str, model: str):
    """Begins a stream and leaves after its first event."""
    headers = {**named(key), "authorization": f"Bearer {GATEWAY_KEY}"}
    with httpx.Client(trust_env=False, timeout=40) as http:
        with http.stream("POST", f"{gateway.url}/chat/completions", json=body(model, True), headers=headers) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    return


def test_the_sdk_gets_the_same_answer_twice_and_the_provider_one_call(client, simulator):
    key = named()
    raw = [
        client.chat.completions.with_raw_response.create(model="sim/sim-mini", messages=ASK, extra_headers=key)
        for _ in range(2)
    ]
    assert raw[0].content == raw[1].content
    assert raw[0].parse().choices[0].message.content
    assert REPLAY not in raw[0].headers
    assert raw[1].headers[REPLAY] == raw[1].headers["idempotent-replayed"] == "true"
    assert raw[1].headers["x-turnpike-original-request-id"] == raw[0].headers["x-request-id"]
    assert len(simulator.calls()) == 1


def test_the_sdk_gets_the_same_stream_twice(client, simulator):
    key = named()
    streams = [
        [chunk.model_dump() for chunk in client.chat.completions.create(
            model="sim/sim-mini", messages=ASK, stream=True, stream_options={"include_usage": True}, extra_headers=key
        )]
        for _ in range(2)
    ]
    assert streams[0] == streams[1]
    assert streams[0][-1]["usage"]["total_tokens"] > 0
    assert len(simulator.calls()) == 1


def test_another_body_is_a_conflict_that_the_sdk_does_not_try_again(gateway, simulator):
    key = named()
    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=5) as client:
        client.chat.completions.create(model="sim/sim-mini", messages=ASK, extra_headers=key)
        began = time.monotonic()
        with pytest.raises(openai.ConflictError) as refused:
            client.chat.completions.create(model="sim/sim-mini", messages=ASK * 2, extra_headers=key)
        assert time.monotonic() - began < 2, "five retries take longer"
    assert refused.value.code == "idempotency_conflict"
    assert len(simulator.calls()) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_hundred_at_once_get_equal_answers_of_one_call(gateway, simulator, stream):
    key = named()
    model = "sim/sim?chunks=20&interval_ms=20"

    def ask(client) -> bytes:
        if not stream:
            return client.chat.completions.with_raw_response.create(
                model=model, messages=ASK, extra_headers=key
            ).content
        chunks = client.chat.completions.create(model=model, messages=ASK, stream=True, extra_headers=key)
        return json.dumps([chunk.model_dump() for chunk in chunks]).encode()

    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=30, timeout=40) as client:
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: ask(client), range(100)))
    assert len(answers) == 100
    assert len(set(answers)) == 1
    assert len(simulator.calls()) == 1


def test_while_it_runs_a_retry_gets_the_same_answer(gateway, simulator):
    key = str(uuid.uuid4())
    model = "sim/sim?chunks=40&interval_ms=25"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, gateway, key, model)
        poll(lambda: simulator.calls(), message="the first call has reached the provider")
        retry = post(gateway, key, model)
        assert retry.status_code == first.result().status_code == 200
    assert retry.headers[REPLAY] == "true" and REPLAY not in first.result().headers
    assert post(gateway, key, model).content == retry.content == first.result().content
    assert len(simulator.calls()) == 1


def test_a_client_that_left_finds_the_whole_answer_when_it_comes_back(gateway, simulator):
    key = str(uuid.uuid4())
    model = "sim/sim?chunks=30&interval_ms=20"
    leave_in_the_middle(gateway, key, model)
    answer = poll(lambda: (found := post(gateway, key, model, True)).status_code == 200 and found, 20, 0.1)
    assert answer.headers[REPLAY] == "true"
    assert answer.text.rstrip().endswith("data: [DONE]")
    assert answer.text.count("data: {") == 32, "the role, thirty tokens and the finish"
    calls = simulator.calls()
    assert len(calls) == 1
    assert not calls[0].get("clientGone"), calls[0]


def test_a_client_that_does_not_come_back_in_time_is_cut_off(start_gateway, simulator):
    gateway = start_gateway(streams={"keep": "1s"})
    key = str(uuid.uuid4())
    model = "sim/sim?endless=1&interval_ms=20"
    leave_in_the_middle(gateway, key, model)
    # Whoever asks in time would follow it, and so keep it going.
    poll(lambda: simulator.calls()[0]["ending"] in ("client_closed", "client_reset"), 20, 0.1)
    answer = poll(lambda: (found := post(gateway, key, model, True)).status_code == 409 and found)
    assert "cut off" in answer.text
    assert answer.headers["x-should-retry"] == "false"
    assert len(simulator.calls()) == 1


def test_a_drain_waits_for_calls_whose_client_has_left(start_gateway, simulator):
    gateway = start_gateway()
    key = str(uuid.uuid4())
    model = "sim/sim?chunks=40&interval_ms=25"
    leave_in_the_middle(gateway, key, model)
    gateway.send(signal.SIGTERM)
    assert gateway.wait(20) == 0
    again = start_gateway_on(gateway)
    try:
        answer = post(again, key, model, True)
        assert answer.status_code == 200
        assert answer.headers[REPLAY] == "true"
        assert answer.text.rstrip().endswith("data: [DONE]")
    finally:
        again.stop()
    assert len(simulator.calls()) == 1


def start_gateway_on(gateway: Gateway) -> Gateway:
    """Another process on the same data, with the same settings."""
    import yaml

    return Gateway(gateway.folder, yaml.safe_load(gateway.configuration_file.read_text()))


@pytest.mark.parametrize("stream", [False, True])
def test_a_crash_in_the_middle_does_not_bring_a_second_call(start_gateway, simulator, stream):
    gateway = start_gateway()
    key = str(uuid.uuid4())
    model = "sim/sim?chunks=400&interval_ms=25"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, gateway, key, model, stream)
        poll(lambda: simulator.calls(), message="the call has reached the provider")
        gateway.send(signal.SIGKILL)
        gateway.wait()
        with contextlib.suppress(httpx.HTTPError):
            first.result()
    again = start_gateway_on(gateway)
    try:
        answer = post(again, key, model, stream)
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "conflict"
        assert "may have been charged" in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert len(simulator.calls()) == 1
        # Under a new key it runs, and what was finished before the crash would be replayed.
        assert post(again, str(uuid.uuid4()), "sim/sim").status_code == 200
    finally:
        again.stop()


def test_answers_outlive_a_crash(start_gateway, simulator):
    gateway = start_gateway()
    key = str(uuid.uuid4())
    first = post(gateway, key)
    assert first.status_code == 200
    gateway.send(signal.SIGKILL)
    gateway.wait()
    again = start_gateway_on(gateway)
    try:
        answer = post(again, key)
        assert answer.content == first.content
        assert answer.headers[REPLAY] == "true"
    finally:
        again.stop()
    assert len(simulator.calls()) == 1


def test_kills_at_random_moments_never_bring_a_second_call(start_gateway, simulator):
    """Fifty calls with keys are under way at each kill; every retry afterwards is a replay, a refusal, or a call that
    the provider had never seen."""
    gateway = start_gateway()
    reached = 0
    for round in range(5):
        simulator.clear()
        keys = [str(uuid.uuid4()) for _ in range(50)]
        # The key stands in the model's name, so that the provider's record tells the calls apart.
        models = {key: f"sim/m-{key}?chunks=8&interval_ms=10" for key in keys}
        started = threading.Barrier(51)

        def call(key):
            started.wait()
            with contextlib.suppress(httpx.HTTPError):
                return post(gateway, key, models[key])

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            running = [pool.submit(call, key) for key in keys]
            started.wait()
            poll(lambda: len(simulator.calls()) > round * 10, 20, 0.005)
            gateway.send(signal.SIGKILL)
            gateway.wait()
            answered = {key: future.result() for key, future in zip(keys, running)}
        gateway = start_gateway_on(gateway)
        try:
            for key in keys:
                before = len(simulator.calls(f"m-{key}"))
                assert before <= 1
                reached += before
                retry = post(gateway, key, models[key])
                after = len(simulator.calls(f"m-{key}"))
                assert after <= 1, "the request reached the provider twice"
                if answered[key] is not None and answered[key].status_code == 200:
                    assert retry.status_code in (200, 409)
                    assert retry.status_code == 409 or retry.content == answered[key].content
                elif before == 1:
                    assert retry.status_code == 409 or retry.headers.get(REPLAY) == "true"
        finally:
            if round == 4:
                gateway.stop()
    assert reached >= 50, f"only {reached} calls had reached the provider, so nothing was shown"
