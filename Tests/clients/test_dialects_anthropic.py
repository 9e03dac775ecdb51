"""Anthropic's SDK of now, and one of the time before, through the gateway onto every provider dialect."""

import json
import os
import pathlib
import subprocess

import anthropic
import pytest
from pydantic import BaseModel

from conftest import GATEWAY_KEY, REPOSITORY
from dialects import NAMES, PIXEL, QUESTION, TIME_SCHEMA, WEATHER_SCHEMA

OLD_PYTHON = os.environ.get("TURNPIKE_ANTHROPIC0_PYTHON", str(REPOSITORY / ".venv-anthropic0/bin/python"))
HELLO = [{"role": "user", "content": QUESTION}]
WEATHER = {"name": "get_weather", "description": "The weather of a city", "input_schema": WEATHER_SCHEMA}
TIME = {"name": "get_time", "description": "The time in a zone", "input_schema": TIME_SCHEMA}
every_provider = pytest.mark.parametrize("provider", NAMES)


class City(BaseModel):
    name: str
    inhabitants: int


@pytest.fixture
def client(world):
    with anthropic.Anthropic(base_url=world.root, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


def ask(client, model: str, messages=HELLO, max_tokens: int = 4000, **more):
    return client.messages.create(model=model, max_tokens=max_tokens, messages=messages, **more)


def streamed(client, model: str, messages=HELLO, max_tokens: int = 4000, **more):
    with client.messages.stream(model=model, max_tokens=max_tokens, messages=messages, **more) as stream:
        return stream.get_final_message()


def text(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def results(calls, words=lambda n: f"result {n}") -> dict:
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call.id, "content": words(n)} for n, call in enumerate(calls)],
    }


@every_provider
def test_a_message_has_its_words_its_end_and_its_usage(world, client, provider):
    answer = ask(client, f"{provider}/sim", system="Be brief.")
    assert QUESTION in text(answer) and answer.stop_reason == "end_turn"
    assert (answer.type, answer.role) == ("message", "assistant") and answer.id
    seen = world.seen()
    assert "Be brief." in seen["body"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (seen["prompt_tokens"], seen["completion_tokens"])


@every_provider
def test_a_stream_adds_up_to_the_plain_message(client, provider):
    plain = ask(client, f"{provider}/sim")
    with client.messages.stream(model=f"{provider}/sim", max_tokens=4000, messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert text(final) == text(plain) and final.stop_reason == "end_turn"
    assert (final.usage.input_tokens, final.usage.output_tokens) == (plain.usage.input_tokens, plain.usage.output_tokens)
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@every_provider
def test_a_message_that_was_cut_short_says_so(client, provider):
    assert ask(client, f"{provider}/sim", max_tokens=3).stop_reason == "max_tokens"
    assert streamed(client, f"{provider}/sim", max_tokens=3).stop_reason == "max_tokens"


@every_provider
@pytest.mark.parametrize("call", [ask, streamed])
def test_a_tool_loop_comes_to_its_end(client, provider, call):
    first = call(client, f"{provider}/sim", tools=[WEATHER])
    assert first.stop_reason == "tool_use"
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [block.name for block in calls] == ["get_weather"] and 1 <= calls[0].input["days"] <= 5
    turns = [*HELLO, {"role": "assistant", "content": first.content}, results(calls, lambda _: "Rain all day")]
    second = call(client, f"{provider}/sim", turns, tools=[WEATHER])
    assert second.stop_reason == "end_turn" and "Rain all day" in text(second)


@every_provider
@pytest.mark.parametrize("call", [ask, streamed])
def test_two_calls_at_once_get_two_results(client, provider, call):
    first = call(client, f"{provider}/sim?tool_calls=2", tools=[WEATHER, TIME])
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [block.name for block in calls] == ["get_weather", "get_time"] and len({block.id for block in calls}) == 2
    turns = [*HELLO, {"role": "assistant", "content": first.content}, results(calls)]
    assert "result 1" in text(call(client, f"{provider}/sim", turns, tools=[WEATHER, TIME]))


@every_provider
@pytest.mark.parametrize(
    "choice, name", [({"type": "tool", "name": "get_time"}, "get_time"), ({"type": "any"}, "get_weather"), ({"type": "none"}, None)]
)
def test_the_choice_of_a_tool_is_obeyed(client, provider, choice, name):
    first = ask(client, f"{provider}/sim", tools=[WEATHER, TIME], tool_choice=choice)
    assert [block.name for block in first.content if block.type == "tool_use"] == ([name] if name else [])


@every_provider
def test_a_picture_reaches_the_provider(world, client, provider):
    words = ask(client, f"{provider}/sim").usage.input_tokens
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    answer = ask(client, f"{provider}/sim", [{"role": "user", "content": [picture, {"type": "text", "text": QUESTION}]}])
    assert answer.usage.input_tokens == words + 85
    assert PIXEL in world.seen()["body"].replace("\\/", "/")


@every_provider
@pytest.mark.parametrize("call", [ask, streamed])
def test_thoughts_come_and_may_be_sent_back(client, provider, call):
    model = f"{provider}/{'sim-magistral' if provider == 'mistral' else 'sim-reasoner'}"
    asked = {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 8000, "tools": [WEATHER]}
    first = call(client, model, **asked)
    # OpenAI's chat tells how much was thought and not what.
    if provider not in ("compatible", "openai"):
        assert first.content[0].type == "thinking" and first.content[0].thinking
    calls = [block for block in first.content if block.type == "tool_use"]
    assert len(calls) == 1 and first.stop_reason == "tool_use"
    turns = [*HELLO, {"role": "assistant", "content": first.content}, results(calls, lambda _: "Rain all day")]
    assert "Rain all day" in text(call(client, model, turns, **asked))


@every_provider
def test_parse_gives_an_object_of_the_schema(client, provider):
    parsed = client.messages.parse(model=f"{provider}/sim", max_tokens=4000, messages=HELLO, output_format=City)
    assert isinstance(parsed.parsed_output, City)


@every_provider
def test_tokens_are_counted_or_guessed(world, client, provider):
    answer = client.messages.with_raw_response.count_tokens(model=f"{provider}/sim", messages=HELLO, system="Be brief.")
    counted = answer.parse().input_tokens
    assert counted > 0
    asked = [call["path"] for call in world.simulator.calls()]
    if provider in ("anthropic", "gemini"):
        assert len(asked) == 1 and "ount" in asked[0] and "x-turnpike-estimated" not in answer.headers
        assert counted == ask(client, f"{provider}/sim", system="Be brief.").usage.input_tokens
    else:
        assert asked == [] and answer.headers["x-turnpike-estimated"] == "true"


@every_provider
def test_an_old_sdk_works_unchanged(world, provider):
    script = pathlib.Path(__file__).with_name("anthropic0_client.py")
    command = [OLD_PYTHON, script, world.root, GATEWAY_KEY, f"{provider}/sim"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["version"].startswith("0.") and seen["plain"] == seen["stream"] != ""
    assert (seen["temperature"], seen["tool"]) == ("end_turn", "get_weather")
    assert seen["counted"] > 0 and seen["input"] > 0
    assert seen["limited"] == "RateLimitError 429"
    # The SDK knows 529 as its own, whoever was overloaded.
    assert seen["overloaded"] in ("OverloadedError 529", "InternalServerError 529")


def test_models_have_anthropics_form_for_its_sdk(client):
    listed = list(client.models.list())
    assert listed[0].id == "fast" and listed[0].type == "model" and listed[0].display_name
    assert client.models.retrieve("fast").id == "fast"
