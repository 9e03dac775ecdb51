"""OpenAI's SDK of now through the gateway onto every provider dialect: chat, tools, forms, pictures, thoughts, vectors."""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import GATEWAY_KEY
from dialects import FLAVOURS, NAMES, PIXEL, QUESTION, TIME_SCHEMA, WEATHER_SCHEMA

HELLO = [{"role": "user", "content": QUESTION}]
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather of a city", "parameters": WEATHER_SCHEMA},
}
TIME = {"type": "function", "function": {"name": "get_time", "description": "The time in a zone", "parameters": TIME_SCHEMA}}
every_provider = pytest.mark.parametrize("provider", NAMES)


class City(BaseModel):
    name: str
    inhabitants: int
    districts: list[str]


@pytest.fixture
def client(world):
    with openai.OpenAI(base_url=world.url, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


def ask(client, model: str, messages=HELLO, **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


def texts(value) -> list[str]:
    """All strings in a body."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in inner for text in texts(part)]


def join(stream) -> dict:
    """What a stream of chunks adds up to, as applications add it up."""
    seen = {"text": "", "finish": None, "usage": None, "calls": {}, "reasoning": "", "ids": set()}
    for chunk in stream:
        seen["ids"].add(chunk.id)
        seen["usage"] = chunk.usage or seen["usage"]
        for choice in chunk.choices:
            seen["finish"] = choice.finish_reason or seen["finish"]
            seen["text"] += choice.delta.content or ""
            seen["reasoning"] += getattr(choice.delta, "reasoning_content", None) or ""
            for call in choice.delta.tool_calls or []:
                kept = seen["calls"].setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                kept["arguments"] += call.function.arguments or ""
    return seen


@every_provider
def test_a_chat_has_its_words_its_end_and_its_usage(world, client, provider):
    answer = ask(client, f"{provider}/sim", [{"role": "system", "content": "Be brief."}, *HELLO], max_completion_tokens=500)
    choice = answer.choices[0]
    assert QUESTION in choice.message.content and choice.message.role == "assistant"
    assert choice.finish_reason == "stop" and answer.object == "chat.completion" and answer.id
    seen = world.seen()
    assert seen["status"] == 200 and "Be brief." in seen["body"]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (seen["prompt_tokens"], seen["completion_tokens"])
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@every_provider
def test_a_stream_adds_up_to_the_plain_answer(client, provider):
    plain = ask(client, f"{provider}/sim")
    seen = join(ask(client, f"{provider}/sim", stream=True, stream_options={"include_usage": True}))
    assert seen["text"] == plain.choices[0].message.content and seen["finish"] == "stop"
    assert seen["usage"].total_tokens == plain.usage.total_tokens and len(seen["ids"]) == 1
    unasked = join(ask(client, f"{provider}/sim", stream=True))
    # Mistral tells it in every stream, in a chunk that has a choice, which harms nobody.
    assert unasked["text"] == seen["text"] and (unasked["usage"] is None or provider == "mistral")


@every_provider
def test_an_answer_that_was_cut_short_says_so(client, provider):
    answer = ask(client, f"{provider}/sim", max_tokens=3)
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 3
    assert join(ask(client, f"{provider}/sim", max_tokens=3, stream=True))["finish"] == "length"


@every_provider
def test_odd_unicode_arrives_unchanged(world, client, provider):
    odd = "a \u2028\u2029\u0085 \U0001f469\u200d\U0001f469\u200d\U0001f467 \u05d0\u05d1 \"quoted\" back\\slash \u0001 \U0001f600 b"
    answer = ask(client, f"{provider}/sim", [{"role": "user", "content": odd}])
    assert odd in texts(json.loads(world.seen()["body"]))
    # The simulator repeats it with its runs of white space made one.
    assert " ".join(odd.split()) in answer.choices[0].message.content
    plain = ask(client, f"{provider}/sim?unicode=1").choices[0].message.content
    assert join(ask(client, f"{provider}/sim?unicode=1", stream=True))["text"] == plain != ""


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_comes_to_its_end(client, provider, stream):
    if stream:
        first = join(ask(client, f"{provider}/sim", tools=[WEATHER], stream=True))
        assert first["finish"] == "tool_calls"
        calls = list(first["calls"].values())
    else:
        choice = ask(client, f"{provider}/sim", tools=[WEATHER]).choices[0]
        assert choice.finish_reason == "tool_calls"
        calls = [{"id": call.id, "name": call.function.name, "arguments": call.function.arguments} for call in choice.message.tool_calls]
    assert [call["name"] for call in calls] == ["get_weather"] and calls[0]["id"]
    assert 1 <= json.loads(calls[0]["arguments"])["days"] <= 5
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls],
    }
    result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "Rain all day"}
    second = ask(client, f"{provider}/sim", [*HELLO, turn, result], tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop" and "Rain all day" in second.choices[0].message.content


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_two_calls_at_once_get_two_results(client, provider, stream):
    model = f"{provider}/sim?tool_calls=2"
    if stream:
        calls = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in join(ask(client, model, tools=[WEATHER, TIME], stream=True))["calls"].values()
        ]
        turn = {"role": "assistant", "tool_calls": calls}
    else:
        turn = ask(client, model, tools=[WEATHER, TIME]).choices[0].message.model_dump(exclude_none=True)
        calls = turn["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_time"]
    assert len({call["id"] for call in calls}) == 2 and all(json.loads(call["function"]["arguments"]) for call in calls)
    results = [{"role": "tool", "tool_call_id": call["id"], "content": f"result {n}"} for n, call in enumerate(calls)]
    text = ask(client, f"{provider}/sim", [*HELLO, turn, *results], tools=[WEATHER, TIME]).choices[0].message.content
    assert "result 1" in text


@every_provider
@pytest.mark.parametrize("choice, name", [({"type": "function", "function": {"name": "get_time"}}, "get_time"), ("none", None)])
def test_the_choice_of_a_tool_is_obeyed(client, provider, choice, name):
    made = ask(client, f"{provider}/sim", tools=[WEATHER, TIME], tool_choice=choice)
    calls = made.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ([name] if name else [])


@every_provider
def test_parse_gives_an_object_of_the_schema(client, provider):
    parsed = client.chat.completions.parse(model=f"{provider}/sim", messages=HELLO, response_format=City)
    city = parsed.choices[0].message.parsed
    assert isinstance(city, City) and parsed.choices[0].finish_reason == "stop"
    with client.chat.completions.stream(model=f"{provider}/sim", messages=HELLO, response_format=City) as stream:
        assert stream.until_done().get_final_completion().choices[0].message.parsed == city


@every_provider
def test_a_picture_reaches_the_provider(world, client, provider):
    text = ask(client, f"{provider}/sim").usage.prompt_tokens
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}]
    answer = ask(client, f"{provider}/sim", parts)
    # The simulator takes 85 tokens for a picture, in whatever words it was sent.
    assert answer.usage.prompt_tokens == text + 85
    assert PIXEL in world.seen()["body"].replace("\\/", "/")


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_are_told_and_counted(client, provider, stream):
    model = f"{provider}/{'sim-magistral' if provider == 'mistral' else 'sim-reasoner'}"
    asked = {"reasoning_effort": "low", "max_completion_tokens": 6000}
    if stream:
        seen = join(ask(client, model, stream=True, stream_options={"include_usage": True}, **asked))
        text, reasoning, usage = seen["text"], seen["reasoning"], seen["usage"]
    else:
        answer = ask(client, model, **asked)
        message, usage = answer.choices[0].message, answer.usage
        text, reasoning = message.content, getattr(message, "reasoning_content", None)
    assert QUESTION in text
    # OpenAI's chat tells how much was thought and not what.
    if provider not in ("compatible", "openai"):
        assert reasoning and reasoning not in text
    if provider in ("compatible", "openai", "gemini"):
        assert usage.completion_tokens_details.reasoning_tokens > 0


@every_provider
def test_vectors_are_the_same_as_floats_and_in_base64(world, client, provider):
    # Bedrock takes a body of each maker's own, so that the model's name has to say whose it is.
    model = "amazon.titan-embed-text-v2:0" if provider.startswith("bedrock") else "sim"
    asked = {"model": f"{provider}/{model}", "input": ["one two", "three"]}
    if provider == "anthropic":
        with pytest.raises(openai.APIStatusError) as raised:
            client.embeddings.create(**asked)
        assert raised.value.status_code in (400, 404, 501)
        return
    # Without a form the SDK asks for base64 and decodes it itself.
    packed = client.embeddings.create(**asked)
    floats = client.embeddings.create(**asked, encoding_format="float")
    assert [vector.index for vector in floats.data] == [0, 1] and len(floats.data[0].embedding) > 8
    for left, right in zip(packed.data, floats.data):
        assert left.embedding == pytest.approx(right.embedding, abs=1e-6)
    assert floats.usage.prompt_tokens == packed.usage.prompt_tokens > 0


def test_models_of_all_providers_are_in_one_list(client):
    listed = [model.id for model in client.models.list()]
    assert listed[0] == "fast" and len(listed) == len(set(listed))
    # Bedrock lists its models at another host, for other rights; the simulator has no list beside Azure's deployments.
    listing = {name for name in [*NAMES, *FLAVOURS] if not name.startswith("bedrock") and name != "azure-deployments"}
    assert {model.split("/")[0] for model in listed if "/" in model} == listing
    assert client.models.retrieve("fast").id == "fast"
