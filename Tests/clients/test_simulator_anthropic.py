"""The official Anthropic client against the simulator itself, without a gateway between them.

As test_simulator.py, which see. The client of now sends its key as a bearer token and the API version 2026-10-21; the
one from before, in a virtual environment of its own, sends `x-api-key` and 2023-06-01.
"""

import asyncio
import base64
import json
import os
import pathlib
import subprocess
import uuid

import anthropic
import httpx
import pytest
from anthropic import Anthropic, AsyncAnthropic

from conftest import REPOSITORY

OLD_PYTHON = os.environ.get("TURNPIKE_ANTHROPIC0_PYTHON", str(REPOSITORY / ".venv-anthropic0/bin/python"))
HELLO = [{"role": "user", "content": "What is a turnpike?"}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["city", "days"],
    },
}
TIME = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}
PIXEL = base64.b64encode(bytes.fromhex("89504e470d0a1a0a")).decode()


@pytest.fixture(scope="session")
def base() -> str:
    return os.environ["TURNPIKE_SIM_URL"].rstrip("/")


@pytest.fixture
def key() -> str:
    return f"sk-ant-{uuid.uuid4()}"


@pytest.fixture
def client(base, key) -> Anthropic:
    return Anthropic(base_url=base, api_key=key, max_retries=0, timeout=20)


def old(base: str, key: str, body: dict, path: str = "/v1/messages") -> httpx.Response:
    """A request of the version before, whose parameters the client of now no longer has."""
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return httpx.post(base + path, json=body, headers=headers, timeout=20)


def ask(client: Anthropic, model: str = "sim", messages=HELLO, max_tokens: int = 4000, **more):
    return client.messages.create(model=model, max_tokens=max_tokens, messages=messages, **more)


# Answers


def test_a_plain_answer_has_its_reason_its_usage_and_its_request_id(client):
    answer = ask(client)
    assert "What is a turnpike?" in answer.content[0].text
    assert (answer.type, answer.role, answer.stop_reason, answer.stop_sequence) == ("message", "assistant", "end_turn", None)
    assert answer.usage.input_tokens == 3 + 4 + 5 and answer.usage.output_tokens > 20
    assert answer._request_id.startswith("req_")


def test_the_client_of_now_sends_a_bearer_token_and_the_new_version(client, base, key):
    ask(client, "sim?text=here")
    call = [call for call in httpx.get(f"{base}/sim/record").json()["calls"] if call["model"] == "sim?text=here"][-1]
    assert call["headers"]["authorization"] == f"Bearer {key}" and "x-api-key" not in call["headers"]
    assert call["headers"]["anthropic-version"] == "2026-10-21"
    assert call["authorization_suffix"] == key[-4:]


def test_a_stream_adds_up_to_the_plain_answer(client):
    plain = ask(client)
    with client.messages.stream(model="sim", max_tokens=4000, messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert final.content[0].text == plain.content[0].text
    assert final.usage.output_tokens == plain.usage.output_tokens
    assert final.usage.input_tokens == plain.usage.input_tokens
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_the_raw_stream_has_event_lines_and_a_ping(base, key):
    body = {"model": "sim?text=one%20two", "max_tokens": 10, "messages": HELLO, "stream": True}
    text = old(base, key, body).text
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert names == [
        "message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
        "content_block_stop", "message_delta", "message_stop",
    ]
    assert "[DONE]" not in text


def test_tools_are_called_and_their_results_read(client):
    first = ask(client, tools=[WEATHER, TIME])
    assert first.stop_reason == "tool_use"
    call = first.content[0]
    assert call.name == "get_weather" and call.id.startswith("toolu_") and 1 <= call.input["days"] <= 5
    turn = [*HELLO, {"role": "assistant", "content": first.content}]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Rain all day"}]}
    second = ask(client, messages=[*turn, {"role": "user", "content": [result]}], tools=[WEATHER, TIME])
    assert second.stop_reason == "end_turn" and "Rain all day" in second.content[0].text


def test_tool_arguments_stream_piece_by_piece(client):
    with client.messages.stream(model="sim", max_tokens=4000, messages=HELLO, tools=[WEATHER]) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert pieces[0] == "" and len(pieces) > 3
    assert json.loads("".join(pieces)) == final.content[0].input


def test_a_tool_without_arguments_streams_only_the_empty_beginning(client):
    with client.messages.stream(model="sim", max_tokens=4000, messages=HELLO, tools=[TIME]) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        assert stream.get_final_message().content[0].input == {}
    assert pieces == [""]


def test_tool_choice_is_obeyed(client):
    tools = [WEATHER, TIME]
    assert ask(client, tools=tools, tool_choice={"type": "tool", "name": "get_time"}).content[0].name == "get_time"
    assert ask(client, tools=tools, tool_choice={"type": "none"}).stop_reason == "end_turn"
    both = ask(client, tools=tools, tool_choice={"type": "any", "disable_parallel_tool_use": False})
    assert [block.name for block in both.content] == ["get_weather", "get_time"]
    assert len({block.id for block in both.content}) == 2


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
def test_thoughts_are_signed_and_streamed(client, thinking):
    plain = ask(client, thinking=thinking)
    assert [block.type for block in plain.content] == ["thinking", "text"]
    assert plain.usage.output_tokens_details.thinking_tokens == 24
    with client.messages.stream(model="sim", max_tokens=4000, messages=HELLO, thinking=thinking) as stream:
        final = stream.get_final_message()
    assert final.content[0].thinking == plain.content[0].thinking
    assert final.content[0].signature == plain.content[0].signature != ""


def test_omitted_thoughts_leave_their_signature(client):
    answer = ask(client, thinking={"type": "adaptive", "display": "omitted"})
    assert answer.content[0].thinking == "" and answer.content[0].signature


def test_the_reasoner_thinks_unless_told_not_to(client):
    assert ask(client, "sim-reasoner").content[0].type == "thinking"
    assert ask(client, "sim-reasoner", thinking={"type": "disabled"}).content[0].type == "text"


def test_a_thought_must_come_back_as_it_was(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = ask(client, tools=[WEATHER], thinking=thinking)
    thought, call = first.content
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Rain"}]}

    def again(blocks):
        turn = [*HELLO, {"role": "assistant", "content": blocks}, result]
        return ask(client, messages=turn, tools=[WEATHER], thinking=thinking)

    assert again([thought, call]).stop_reason == "end_turn"
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        again([thought.model_copy(update={"thinking": "something else"}), call])
    with pytest.raises(anthropic.BadRequestError, match="must start with a thinking block"):
        again([call])


def test_a_stop_sequence_and_the_limit_end_the_answer(client):
    stopped = ask(client, "sim?text=one%20two%20STOP%20three", stop_sequences=["STOP"])
    assert (stopped.content[0].text, stopped.stop_reason, stopped.stop_sequence) == ("one two ", "stop_sequence", "STOP")
    cut = ask(client, "sim?text=one%20two%20three", max_tokens=2)
    assert (cut.content[0].text, cut.stop_reason) == ("one two", "max_tokens")
    warmed = ask(client, max_tokens=0)
    assert (warmed.content, warmed.stop_reason) == ([], "max_tokens")


def test_a_refusal_says_so(client):
    answer = ask(client, "sim?refusal")
    assert answer.stop_reason == "refusal" and answer.stop_details.type == "refusal"


def test_a_marked_prefix_is_written_then_read(client):
    system = [{"type": "text", "text": "You are a toll gate. " * 20, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first = ask(client, system=system).usage
    assert first.cache_creation_input_tokens > 80 and first.cache_read_input_tokens == 0
    assert first.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens
    second = ask(client, system=system, messages=[{"role": "user", "content": "Another one"}]).usage
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    counted = client.messages.count_tokens(model="sim", messages=HELLO, system=system).input_tokens
    assert counted == first.input_tokens + first.cache_creation_input_tokens


def test_images_documents_and_citations(client):
    blocks = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL}},
        {"type": "text", "text": "What is this?"},
    ]
    assert ask(client, messages=[{"role": "user", "content": blocks}]).usage.input_tokens == 3 + 4 + 85 * 2 + 4
    document = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "The toll is two pence."},
        "citations": {"enabled": True},
    }
    messages = [{"role": "user", "content": [document, {"type": "text", "text": "How much?"}]}]
    plain = ask(client, messages=messages)
    assert plain.content[0].citations[0].cited_text == "The toll is two pence."
    with client.messages.stream(model="sim", max_tokens=100, messages=messages) as stream:
        assert stream.get_final_message().content[0].citations == plain.content[0].citations


def test_structured_output_fits_the_schema(client):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "toll": {"type": "integer"}},
        "required": ["name", "toll"],
        "additionalProperties": False,
    }
    answer = ask(client, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert set(json.loads(answer.content[0].text)) == {"name", "toll"}
    with pytest.raises(anthropic.BadRequestError, match="additionalProperties"):
        ask(client, output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})


def test_models_come_in_anthropic_form(client):
    listed = client.models.list()
    assert "sim" in [model.id for model in listed.data] and not listed.has_more
    assert client.models.retrieve("sim").display_name == "Simulator: sim"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("sim-unknown")


# Refusals


def test_errors_have_the_class_and_the_words_of_their_status(client):
    cases = {
        400: (anthropic.BadRequestError, "invalid_request_error"),
        401: (anthropic.AuthenticationError, "authentication_error"),
        403: (anthropic.PermissionDeniedError, "permission_error"),
        404: (anthropic.NotFoundError, "not_found_error"),
        413: (anthropic.RequestTooLargeError, "request_too_large"),
        429: (anthropic.RateLimitError, "rate_limit_error"),
        500: (anthropic.InternalServerError, "api_error"),
        529: (anthropic.OverloadedError, "overloaded_error"),
    }
    for status, (kind, word) in cases.items():
        with pytest.raises(kind) as raised:
            ask(client, f"sim?status={status}")
        error = raised.value
        assert error.status_code == status and error.body["error"]["type"] == word
        assert error.request_id == error.body["request_id"]


def test_a_prompt_can_be_too_long(client):
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 12 tokens > 10 maximum"):
        ask(client, "sim?context=10")


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError, match="model: sim-unknown"):
        ask(client, "sim-unknown")


def test_sampling_is_for_the_old_version_only(client, base, key):
    body = {"model": "sim", "max_tokens": 50, "messages": HELLO, "temperature": 1}
    assert old(base, key, body).status_code == 200
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        ask(client, extra_body={"temperature": 1})


def test_both_headers_carry_keys(base, key):
    body = {"model": "sim", "max_tokens": 50, "messages": HELLO}
    headers = {"anthropic-version": "2023-06-01"}
    assert httpx.post(f"{base}/v1/messages", json=body, headers={**headers, "authorization": f"Bearer {key}"}).status_code == 200
    missing = httpx.post(f"{base}/v1/messages", json=body, headers=headers)
    assert missing.status_code == 401 and missing.json()["error"]["type"] == "authentication_error"


# Faults


def test_an_error_in_the_stream_is_raised(client):
    with pytest.raises(anthropic.APIStatusError) as raised:
        list(ask(client, "sim?midstream_error=5&error_type=overloaded_error", stream=True))
    assert raised.value.body["error"]["type"] == "overloaded_error"


def test_a_cut_stream_is_noticed(client):
    with pytest.raises((anthropic.APIConnectionError, httpx.HTTPError, Exception)) as raised:
        list(ask(client, "sim?cut_after_events=6", stream=True))
    assert "incomplete" in str(raised.value) or "closed" in str(raised.value)


@pytest.mark.parametrize("liberties", ["crlf", "cr", "mixed", "bom,comments", "fields,nospace", "multiline", "nofinal"])
def test_streams_may_take_liberties(client, liberties):
    with client.messages.stream(model=f"sim?sse={liberties}", max_tokens=4000, messages=HELLO) as stream:
        assert "What is a turnpike?" in stream.get_final_message().content[0].text


def test_many_streams_at_once(base, key):
    async def run():
        async with AsyncAnthropic(base_url=base, api_key=key, max_retries=0) as client:
            async def one(number):
                async with client.messages.stream(
                    model="sim", max_tokens=500, messages=[{"role": "user", "content": f"Number {number}"}]
                ) as stream:
                    return (await stream.get_final_message()).content[0].text

            return await asyncio.gather(*(one(number) for number in range(50)))

    assert all(f"Number {number}" in text for number, text in enumerate(asyncio.run(run())))


def test_a_client_from_before_works_unchanged(base, key):
    script = pathlib.Path(__file__).with_name("anthropic0_client.py")
    run = subprocess.run([OLD_PYTHON, script, base, key], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["version"].startswith("0.")
    assert seen["plain"] and seen["stream"] == seen["plain"] and seen["temperature"] == "end_turn"
    assert seen["tool"] == "get_weather" and seen["counted"] == seen["input"]
    assert seen["overloaded"] == "OverloadedError 529" and seen["limited"] == "RateLimitError 429"
    call = [call for call in httpx.get(f"{base}/sim/record").json()["calls"] if call["headers"].get("x-api-key") == key][0]
    assert call["headers"]["anthropic-version"] == "2023-06-01" and "authorization" not in call["headers"]
