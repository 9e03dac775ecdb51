"""The official Mistral client against the simulator itself, without a gateway between them.

As test_simulator.py, which see.
"""

import json
import os
import re
import uuid

import httpx
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from openai import OpenAI

HELLO = [{"role": "user", "content": "What is a turnpike?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="session")
def base() -> str:
    return os.environ["TURNPIKE_SIM_URL"].rstrip("/")


@pytest.fixture
def client(base):
    with Mistral(server_url=f"{base}/mistral", api_key=f"key-{uuid.uuid4()}") as client:
        yield client


def ask(client: Mistral, messages=HELLO, model: str = "sim", **more):
    return client.chat.complete(model=model, messages=messages, **more)


def post(base: str, body: dict) -> httpx.Response:
    given = {"model": "sim", "messages": HELLO, **body}
    return httpx.post(f"{base}/mistral/v1/chat/completions", json=given, headers={"authorization": "Bearer k"})


def test_a_plain_answer_and_a_stream_agree(client):
    plain = ask(client)
    assert "What is a turnpike?" in plain.choices[0].message.content and plain.choices[0].finish_reason == "stop"
    assert plain.usage.prompt_tokens == 3 + 4 + 5
    chunks = [event.data for event in client.chat.stream(model="sim", messages=HELLO)]
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == plain.choices[0].message.content
    assert chunks[-1].usage.total_tokens == plain.usage.total_tokens and chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.choices for chunk in chunks) and not any(chunk.usage for chunk in chunks[:-1])


def test_calls_come_whole_in_the_last_chunk(client):
    chunks = [event.data for event in client.chat.stream(model="sim", messages=HELLO, tools=[WEATHER, TIME], parallel_tool_calls=True)]
    assert len(chunks) == 2 and chunks[-1].choices[0].finish_reason == "tool_calls" and chunks[-1].usage
    calls = chunks[-1].choices[0].delta.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call.id) for call in calls) and calls[0].id != calls[1].id
    assert json.loads(calls[0].function.arguments)["city"]


def test_results_are_read(client):
    first = ask(client, tools=[WEATHER], tool_choice="any").choices[0].message
    call = first.tool_calls[0]
    turn = [*HELLO, first, {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "Rain all day"}]
    assert "Rain all day" in ask(client, turn, tools=[WEATHER]).choices[0].message.content


def test_magistral_thinks_aloud(client):
    plain = ask(client, model="sim-magistral").choices[0].message.content
    assert [part.type for part in plain] == ["thinking", "text"]
    chunks = [event.data for event in client.chat.stream(model="sim-magistral", messages=HELLO)]
    thoughts = [c.choices[0].delta.content for c in chunks if isinstance(c.choices[0].delta.content, list)]
    assert "".join(part[0].thinking[0].text for part in thoughts) == plain[0].thinking[0].text
    said = [c.choices[0].delta.content for c in chunks if isinstance(c.choices[0].delta.content, str)]
    assert "".join(said) == plain[1].text


def test_structured_output_and_limits(client):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert isinstance(json.loads(ask(client, response_format=form).choices[0].message.content)["a"], int)
    cut = ask(client, model="sim?text=one%20two%20three", max_tokens=2).choices[0]
    assert (cut.message.content, cut.finish_reason) == ("one two", "length")
    assert len(ask(client, n=3).choices) == 3


def test_embeddings_and_models(client):
    answer = client.embeddings.create(model="sim-embedding", inputs=["a toll", "a road"])
    assert len(answer.data) == 2 and answer.usage.prompt_tokens == 4
    assert "sim-magistral" in [model.id for model in client.models.list().data]


@pytest.mark.parametrize(
    "body, place",
    [
        ({"seed": 1}, ["seed"]),
        ({"stream_options": {"include_usage": True}}, ["stream_options"]),
        ({"max_completion_tokens": 5}, ["max_completion_tokens"]),
        ({"user": "a"}, ["user"]),
        ({"messages": [{"role": "user", "content": "a", "name": "b"}]}, ["messages", 0, "user", "name"]),
        (
            {"messages": [*HELLO, {"role": "assistant", "content": "a", "reasoning_content": "b"}, *HELLO]},
            ["messages", 1, "assistant", "reasoning_content"],
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "content": "a", "tool_calls": None}, *HELLO]},
            ["messages", 1, "assistant", "tool_calls"],
        ),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, ["tools", 0, "function", "parameters"]),
        ({"tools": [{"type": "function", "function": {**TIME["function"], "x": 1}}]}, ["tools", 0, "function", "x"]),
    ],
)
def test_what_mistral_does_not_know_is_422(base, body, place):
    answer = post(base, body)
    error = answer.json()
    assert answer.status_code == 422 and error["object"] == "error"
    assert error["message"]["detail"][0]["loc"] == ["body", *place]


def test_ids_of_calls_have_nine_letters_and_digits(base):
    def turn(identity):
        call = {"id": identity, "function": {"name": "get_time", "arguments": "{}"}}
        return [
            *HELLO,
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": identity, "content": "noon"},
        ]

    assert post(base, {"messages": turn("abcDEF123"), "tools": [TIME]}).status_code == 200
    for wrong in ["call_abc123", "abcdefgh", "abcdefgh-"]:
        answer = post(base, {"messages": turn(wrong), "tools": [TIME]})
        assert answer.status_code == 400 and answer.json()["code"] == "3280"
    assert post(base, {"messages": turn("abcDEF123")[:2]}).json()["code"] == "3230"


def test_errors_have_mistrals_form(client, base):
    with pytest.raises(SDKError) as raised:
        ask(client, model="sim?status=429")
    assert raised.value.raw_response.json()["code"] == "1300"
    with pytest.raises(SDKError, match="Invalid model"):
        ask(client, model="sim-unknown")
    assert httpx.post(f"{base}/mistral/v1/chat/completions", json={}).json() == {"detail": "Unauthorized"}


def test_an_openai_client_can_speak_to_it(base):
    client = OpenAI(base_url=f"{base}/mistral/v1", api_key="k", max_retries=0)
    chunks = list(client.chat.completions.create(model="sim", messages=HELLO, stream=True))
    assert "What is a turnpike?" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
