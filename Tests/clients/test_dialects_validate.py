"""`x-turnpike-validate: true` with the official SDKs: answers that do not fit are asked for again, several at once."""

import concurrent.futures
import json

import anthropic
import openai
import pytest

from conftest import GATEWAY_KEY
from dialects import NAMES

WISH = {"x-turnpike-validate": "true"}
every_provider = pytest.mark.parametrize("provider", NAMES)


@pytest.fixture
def client(world):
    with openai.OpenAI(base_url=world.url, api_key=GATEWAY_KEY, max_retries=0, timeout=30) as client:
        yield client


def schema(*names: str) -> dict:
    properties = {name: {"type": "integer"} for name in names}
    return {"type": "object", "properties": properties, "required": list(names), "additionalProperties": False}


def form(*names: str) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "form", "strict": True, "schema": schema(*names)}}


def question(n: int) -> list[dict]:
    return [{"role": "user", "content": f"This is question number {n}."}]


def spoil(world, *models: str, **fault):
    """The first call for each of these models says something else."""
    script = [
        {"match": {"model": model}, "times": 1, "fault": fault or {"text": '{"wrong": "really"}'}} for model in models
    ]
    assert world.simulator.http.post("/sim/script", json=script).status_code == 200


@every_provider
def test_an_answer_that_fits_is_asked_for_once(world, client, provider):
    raw = client.chat.completions.with_raw_response.create(
        model=f"{provider}/sim", messages=question(1), response_format=form("left"), extra_headers=WISH
    )
    assert raw.headers["x-turnpike-validated"] == "true"
    assert set(json.loads(raw.parse().choices[0].message.content)) == {"left"}
    assert len(world.simulator.calls()) == 1


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_two_repairs_at_once_do_not_mix(world, client, provider, stream):
    sides = ["left", "right"]
    spoil(world, *(f"sim-{side}" for side in sides))

    def ask(side: str):
        raw = client.chat.completions.with_raw_response.create(
            model=f"{provider}/sim-{side}", messages=question(1), response_format=form(side), extra_headers=WISH,
            **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
        )
        if not stream:
            answer = raw.parse()
            return raw.headers, answer.choices[0].message.content, answer.usage
        chunks = list(raw.parse())
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        return raw.headers, said, next(chunk.usage for chunk in chunks if chunk.usage)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = dict(zip(sides, pool.map(ask, sides)))
    for side, (headers, said, usage) in answers.items():
        assert headers["x-turnpike-validated"] == "repaired"
        assert set(json.loads(said)) == {side}
        calls = world.simulator.calls(f"sim-{side}")
        assert len(calls) == 2
        # The second question has the first answer in it, and nothing of the other call.
        other = next(name for name in sides if name != side)
        assert "really" in calls[1]["body"] and other not in calls[1]["body"]
        assert usage.completion_tokens > 0


def test_forty_repairs_at_once_are_forty_answers(world, client):
    names = [f"n{n}" for n in range(40)]
    spoil(world, *(f"sim-{name}" for name in names))

    def ask(name: str):
        provider = NAMES[int(name[1:]) % len(NAMES)]
        raw = client.chat.completions.with_raw_response.create(
            model=f"{provider}/sim-{name}", messages=question(1), response_format=form(name), extra_headers=WISH
        )
        return raw.headers["x-turnpike-validated"], set(json.loads(raw.parse().choices[0].message.content))

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        found = list(pool.map(ask, names))
    assert found == [("repaired", {name}) for name in names]
    assert len(world.simulator.calls()) == 80


@every_provider
def test_what_does_not_fit_the_second_time_either_is_an_error_of_the_provider(world, client, provider):
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(
            model=f"{provider}/sim?text=nothing", messages=question(1), response_format=form("left"), extra_headers=WISH
        )
    assert raised.value.status_code == 502
    assert len(world.simulator.calls()) >= 2


@pytest.mark.parametrize("provider", ["compatible", "gemini"])
def test_parsed_answers_of_the_sdk_are_repaired_too(world, client, provider):
    from pydantic import BaseModel

    class Form(BaseModel):
        left: int

    spoil(world, "sim")
    answer = client.chat.completions.parse(
        model=f"{provider}/sim", messages=question(1), response_format=Form, extra_headers=WISH
    )
    assert isinstance(answer.choices[0].message.parsed, Form)
    spoil(world, "sim")
    answer = client.responses.parse(
        model=f"{provider}/sim", input="This is question number 1.", text_format=Form, extra_headers=WISH
    )
    assert isinstance(answer.output_parsed, Form)


def test_a_message_is_repaired_too(world):
    spoil(world, "sim")
    with anthropic.Anthropic(base_url=world.root, api_key=GATEWAY_KEY, max_retries=0) as client:
        raw = client.messages.with_raw_response.create(
            model="openai/sim", max_tokens=500, messages=question(1), extra_headers=WISH,
            extra_body={"output_config": {"format": {"type": "json_schema", "schema": schema("left")}}},
        )
    assert raw.headers["x-turnpike-validated"] == "repaired"
    assert set(json.loads(raw.parse().content[0].text)) == {"left"}
