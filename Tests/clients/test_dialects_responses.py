"""OpenAI's SDK of now with its Responses API through the gateway onto every provider dialect."""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import GATEWAY_KEY
from dialects import NAMES, PIXEL, QUESTION, TIME_SCHEMA, WEATHER_SCHEMA

WEATHER = {"type": "function", "name": "get_weather", "description": "w", "parameters": WEATHER_SCHEMA, "strict": True}
TIME = {"type": "function", "name": "get_time", "description": "t", "parameters": TIME_SCHEMA, "strict": True}
every_provider = pytest.mark.parametrize("provider", NAMES)


class City(BaseModel):
    name: str
    inhabitants: int


@pytest.fixture
def client(world):
    with openai.OpenAI(base_url=world.url, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


def ask(client, provider: str, given=QUESTION, model: str = "sim", **more):
    return client.responses.create(model=f"{provider}/{model}", input=given, **more)


@every_provider
def test_a_response_is_whole(world, client, provider):
    answer = ask(client, provider, instructions="Be brief.", max_output_tokens=500, metadata={"a": "b"})
    assert QUESTION in answer.output_text and answer.status == "completed" and answer.object == "response"
    assert [item.type for item in answer.output] == ["message"] and answer.output[0].status == "completed"
    seen = world.seen()
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (seen["prompt_tokens"], seen["completion_tokens"])
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert (answer.instructions, answer.metadata) == ("Be brief.", {"a": "b"}) and answer.id.startswith("resp_")
    assert ("/responses" in seen["path"]) == (provider == "openai")


@every_provider
def test_a_stream_comes_in_order_and_adds_up(client, provider):
    plain = ask(client, provider)
    events = list(ask(client, provider, stream=True))
    kinds = [event.type for event in events]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert kinds[:4] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == plain.output_text == events[-1].response.output_text
    assert events[-1].response.usage.total_tokens == plain.usage.total_tokens


@every_provider
def test_a_response_that_was_cut_short_is_incomplete(client, provider):
    answer = ask(client, provider, max_output_tokens=16, model="sim?chunks=200")
    assert answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens"
    last = list(ask(client, provider, max_output_tokens=16, model="sim?chunks=200", stream=True))[-1]
    assert last.type == "response.incomplete" and last.response.incomplete_details.reason == "max_output_tokens"


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_comes_to_its_end(client, provider, stream):
    given = [{"role": "user", "content": QUESTION}]
    if stream:
        with client.responses.stream(model=f"{provider}/sim", input=given, tools=[WEATHER]) as events:
            first = events.get_final_response()
    else:
        first = ask(client, provider, given, tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather"] and 1 <= json.loads(calls[0].arguments)["days"] <= 5
    # The SDK's own dump of what came, as its documentation has it: whoever added a null would hear of it here.
    back = [item.to_dict() for item in first.output]
    for item in back:
        item.pop("parsed_arguments", None)
    result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "Rain all day"}
    second = ask(client, provider, [*given, *back, result], tools=[WEATHER])
    assert second.status == "completed" and "Rain all day" in second.output_text


@every_provider
def test_two_calls_at_once_get_two_results(client, provider):
    given = [{"role": "user", "content": QUESTION}]
    first = ask(client, provider, given, model="sim?tool_calls=2", tools=[WEATHER, TIME])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_time"] and len({call.call_id for call in calls}) == 2
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": f"result {n}"} for n, c in enumerate(calls)]
    second = ask(client, provider, [*given, *(item.to_dict() for item in first.output), *results], tools=[WEATHER, TIME])
    assert "result 1" in second.output_text


@every_provider
def test_a_conversation_goes_on_where_it_was(world, client, provider):
    first = ask(client, provider, "My name is Cornelia.")
    second = ask(client, provider, QUESTION, previous_response_id=first.id)
    assert QUESTION in second.output_text and second.previous_response_id == first.id
    if provider != "openai":
        assert "Cornelia" in world.seen()["body"]
    assert client.responses.retrieve(first.id).output_text == first.output_text
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


@every_provider
def test_parse_gives_an_object_of_the_schema(client, provider):
    parsed = client.responses.parse(model=f"{provider}/sim", input=QUESTION, text_format=City)
    assert isinstance(parsed.output_parsed, City)


@every_provider
def test_a_picture_reaches_the_provider(world, client, provider):
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
    ask(client, provider, [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}, picture]}])
    assert PIXEL in world.seen()["body"].replace("\\/", "/")


@every_provider
def test_thoughts_are_items_that_can_be_sent_back(client, provider):
    model = "sim-magistral" if provider == "mistral" else "sim-reasoner"
    asked = {"model": model, "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    given = [{"role": "user", "content": QUESTION}]
    first = ask(client, provider, given, tools=[WEATHER], store=False, max_output_tokens=6000, **asked)
    kinds = [item.type for item in first.output]
    assert kinds[-1] == "function_call"
    if provider != "compatible":
        assert kinds[0] == "reasoning"
    call = first.output[-1]
    back = [item.to_dict() for item in first.output]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain all day"}
    second = ask(client, provider, [*given, *back, result], tools=[WEATHER], store=False, max_output_tokens=6000, **asked)
    assert "Rain all day" in second.output_text
