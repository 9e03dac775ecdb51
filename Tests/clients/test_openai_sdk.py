"""The official OpenAI SDK, synchronous, unmodified but for base_url and key."""

import json
import time

import openai
import pytest
from pydantic import BaseModel

from conftest import CANARY_PROMPT, poll

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


def ask(text: str = CANARY_PROMPT) -> list[dict]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def test_a_plain_answer_is_the_providers_answer(client, direct):
    through = client.chat.completions.create(model="sim/sim-mini", messages=ask())
    straight = direct.chat.completions.create(model="sim-mini", messages=ask())
    assert through.choices[0].message.content == straight.choices[0].message.content != ""
    assert through.choices[0].finish_reason == "stop"
    assert through.usage.model_dump() == straight.usage.model_dump()
    assert through.usage.total_tokens == through.usage.prompt_tokens + through.usage.completion_tokens


def test_an_alias_and_the_default_provider_reach_the_same_model(client, simulator):
    client.chat.completions.create(model="fast", messages=ask())
    client.chat.completions.create(model="sim-mini", messages=ask())
    client.chat.completions.create(model="sim/sim-mini", messages=ask())
    assert [call["model"] for call in simulator.calls()] == ["sim-mini"] * 3


def test_a_stream_brings_the_same_words_as_the_plain_answer(client):
    plain = client.chat.completions.create(model="sim/sim-mini", messages=ask())
    stream = client.chat.completions.create(model="sim/sim-mini", messages=ask(), stream=True)
    chunks = list(stream)
    assert len(chunks) > 3
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == plain.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_in_a_stream_comes_only_to_those_who_ask(client, simulator):
    silent = list(client.chat.completions.create(model="sim/sim-mini", messages=ask(), stream=True))
    assert all(chunk.choices for chunk in silent), "the extra chunk for usage was not asked for"
    assert all(chunk.usage is None for chunk in silent)
    asked = list(
        client.chat.completions.create(
            model="sim/sim-mini", messages=ask(), stream=True, stream_options={"include_usage": True}
        )
    )
    assert asked[-1].choices == [] and asked[-1].usage.completion_tokens > 0
    # The gateway itself needs the usage, whoever asked.
    for call in simulator.calls():
        assert json.loads(call["body"])["stream_options"]["include_usage"] is True


def test_chunks_arrive_one_by_one(client):
    arrived = []
    stream = client.chat.completions.create(
        model="sim/sim?chunks=6&interval_ms=100", messages=ask(), stream=True
    )
    for chunk in stream:
        if chunk.choices[0].delta.content:
            arrived.append(time.monotonic())
    assert len(arrived) == 6
    assert arrived[-1] - arrived[0] > 0.3, "the chunks were kept back and came together"


def test_tools(client, direct):
    def call(sdk, model):
        return sdk.chat.completions.create(model=model, messages=ask(), tools=[WEATHER], tool_choice="required")

    through, straight = call(client, "sim/sim-mini"), call(direct, "sim-mini")
    made = through.choices[0].message.tool_calls[0]
    assert made.function.name == "weather" and made.id
    assert json.loads(made.function.arguments) == json.loads(straight.choices[0].message.tool_calls[0].function.arguments)
    assert through.choices[0].finish_reason == "tool_calls"
    followed = client.chat.completions.create(
        model="sim/sim-mini",
        messages=[
            *ask(),
            through.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": made.id, "content": "Rain."},
        ],
        tools=[WEATHER],
    )
    assert followed.choices[0].message


def test_streamed_tools_in_parallel(client):
    stream = client.chat.completions.create(
        model="sim/sim?tool_calls=2", messages=ask(), tools=[WEATHER], tool_choice="required", stream=True
    )
    calls: dict[int, dict] = {}
    finish = None
    for chunk in stream:
        finish = chunk.choices[0].finish_reason or finish
        for part in chunk.choices[0].delta.tool_calls or []:
            entry = calls.setdefault(part.index, {"id": part.id, "name": part.function.name, "arguments": ""})
            entry["arguments"] += part.function.arguments or ""
    assert sorted(calls) == [0, 1] and finish == "tool_calls"
    for entry in calls.values():
        assert entry["id"] and entry["name"] == "weather" and json.loads(entry["arguments"])["city"]
    assert calls[0]["id"] != calls[1]["id"]


def test_structured_output(client):
    class City(BaseModel):
        name: str
        inhabitants: int
        rivers: list[str]

    parsed = client.chat.completions.parse(model="sim/sim-mini", messages=ask(), response_format=City)
    assert isinstance(parsed.choices[0].message.parsed, City)
    with client.chat.completions.stream(model="sim/sim-mini", messages=ask(), response_format=City) as stream:
        for _ in stream:
            pass
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, City)


def test_embeddings_in_both_encodings(client, direct):
    texts = ["one", "two"]
    packed = client.embeddings.create(model="sim/sim-embedding", input=texts)
    floats = client.embeddings.create(model="sim/sim-embedding", input=texts, encoding_format="float")
    straight = direct.embeddings.create(model="sim-embedding", input=texts)
    assert len(packed.data) == 2 and packed.usage.prompt_tokens > 0
    assert packed.data[0].embedding == straight.data[0].embedding
    assert floats.data[1].embedding == pytest.approx(packed.data[1].embedding, rel=1e-6)


def test_models_are_listed_and_found(client):
    names = [model.id for model in client.models.list()]
    assert "fast" in names
    assert client.models.retrieve("fast").id == "fast"
    assert client.models.retrieve("sim/sim-mini").id == "sim/sim-mini"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nowhere-at-all/none")


def test_headers_say_who_served(client):
    raw = client.chat.completions.with_raw_response.create(
        model="fast", messages=ask(), extra_headers={"x-request-id": "req-from-the-client-1"}
    )
    assert raw.headers["x-request-id"] == "req-from-the-client-1"
    assert raw.headers["x-turnpike-provider"] == "sim"
    assert raw.headers["x-turnpike-model"] == "sim-mini"
    assert raw.headers["x-turnpike-attempts"] == "1"
    assert raw.parse().choices
    made = client.chat.completions.with_raw_response.create(model="fast", messages=ask())
    assert made.headers["x-request-id"] and made.parse()._request_id == made.headers["x-request-id"]
    streamed = client.chat.completions.with_raw_response.create(model="fast", messages=ask(), stream=True)
    assert streamed.headers["x-turnpike-provider"] == "sim"
    assert streamed.headers["content-type"].startswith("text/event-stream")
    list(streamed.parse())


def test_the_provider_sees_the_groups_key_and_never_the_clients(client, simulator, key):
    client.chat.completions.create(model="fast", messages=ask(), extra_headers={"x-api-key": key, "cookie": "a=b"})
    call = simulator.calls()[0]
    assert call["authorization_suffix"] == "f4c7"
    names = [name.lower() for name in call["header_names"]]
    assert "x-api-key" not in names and "cookie" not in names
    assert key[-4:] not in json.dumps(call["headers"])


def test_a_call_that_names_no_model_goes_to_the_default_one(gateway, simulator):
    answer = gateway.http.post("/v1/chat/completions", json={"messages": ask()})
    assert answer.status_code == 200 and answer.headers["x-turnpike-model"] == "sim-mini"
    assert simulator.calls()[0]["model"] == "sim-mini"


# --- Errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "upstream, seen, kind, code",
    [
        (400, 400, openai.BadRequestError, None),
        (401, 424, openai.APIStatusError, "credential_rejected"),
        (403, 424, openai.APIStatusError, "credential_rejected"),
        (404, 404, openai.NotFoundError, None),
        (409, 409, openai.ConflictError, None),
        (422, 422, openai.UnprocessableEntityError, None),
        (429, 429, openai.RateLimitError, "provider_rate_limited"),
        (500, 502, openai.InternalServerError, "provider_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_refusal_has_the_class_an_application_expects(client, upstream, seen, kind, code, stream):
    # A model of its own for each, or the breaker of one would open for the other.
    model = f"sim/sim?status={upstream}&chunks={2 if stream else 1}"
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=ask(), stream=stream)
    error = caught.value
    assert error.status_code == seen and isinstance(error, kind), repr(error)
    assert not isinstance(error, openai.AuthenticationError), "the client's own key is fine"
    assert error.request_id
    assert isinstance(error.body, dict) and error.body["message"]
    if code:
        assert error.code == code, error.body


def test_a_wait_that_the_provider_asks_for_is_handed_on(client):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="sim/sim?status=429&retry_after=7", messages=ask())
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_providers_outage_is_not_the_clients_fault(client):
    for model in ("sim/sim?status=503", "sim/sim?cut_before_head=1", "sim/sim?status=500&error=html"):
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model=model, messages=ask())
        assert caught.value.status_code in (502, 503), model
        assert "<html" not in str(caught.value.body)


def test_a_key_that_the_provider_echoes_stays_hidden(client, gateway):
    for model in ("sim/sim?status=401&error=echo_key", "sim/sim?status=400&error=echo_key"):
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=model, messages=ask())
        assert "sk-canary" not in caught.value.response.text


def test_an_error_with_status_200_is_an_error(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="openrouter/sim?error200=1", messages=ask())
    assert caught.value.status_code >= 400


def test_a_stream_that_fails_before_its_first_word_has_an_error_status(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="sim/sim?lifecycle_then_error=1", messages=ask(), stream=True)
    assert caught.value.status_code >= 500


@pytest.mark.parametrize("fault", ["cut_after_events=3&cut=close", "cut_after_events=3&cut=reset", "cut_mid_event=4", "midstream_error=3"])
def test_a_stream_that_breaks_raises_and_does_not_just_end(client, fault):
    got = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(
            model=f"sim/sim?chunks=8&{fault}", messages=ask(), stream=True
        ):
            got.append(chunk)
    assert got, "what came before the failure was lost"
    assert caught.value.message


def test_a_call_that_takes_too_long_names_its_limit(client):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(
            model="sim/sim?head_ms=20000", messages=ask(), extra_headers={"x-turnpike-timeout-ms": "300"}
        )
    assert caught.value.status_code == 504 and caught.value.code == "provider_timeout"
    assert "300" in caught.value.message


# --- Leaving ---------------------------------------------------------------------------------------------------------

CLOSED = ("client_closed", "client_reset")


def cut_after(simulator, left_ns: int, model: str) -> float:
    """Milliseconds from when the client left to when the provider's connection broke."""
    call = poll(
        lambda: next((call for call in simulator.calls(model) if call["ending"] in CLOSED), None),
        message="the provider's connection is closed",
    )
    return (call["cut_ns"] - left_ns) / 1e6


def test_leaving_a_stream_ends_the_providers_work(client, simulator):
    model = "sim?chunks=100000&interval_ms=10"
    stream = client.chat.completions.create(model=f"sim/{model}", messages=ask(), stream=True)
    for _ in zip(range(5), stream):
        pass
    left = time.monotonic_ns()
    stream.close()
    assert cut_after(simulator, left, model) <= 250


def test_leaving_before_the_first_word_ends_the_providers_work(client, simulator):
    model = "sim?ttft_ms=60000"
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.4).chat.completions.create(model=f"sim/{model}", messages=ask(), stream=True)
    assert cut_after(simulator, time.monotonic_ns(), model) <= 250


def test_leaving_a_plain_call_ends_the_providers_work(client, simulator):
    model = "sim?head_ms=60000"
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.4).chat.completions.create(model=f"sim/{model}", messages=ask())
    assert cut_after(simulator, time.monotonic_ns(), model) <= 250
