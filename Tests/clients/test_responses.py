"""The official OpenAI SDK's Responses API through the gateway, onto providers of three dialects.

`openai` speaks the dialect itself, `sim` speaks chat, `claude` speaks Anthropic's: a client must not be able to tell.
"""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import CANARY_PROMPT, GATEWAY_KEY, PROVIDER_KEY, Gateway, must_not_leak, poll

OTHER_KEY = "tp_test_canary-other-group-key-77ab01c9de"
PROVIDERS = ["openai", "sim", "claude"]
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def configuration(simulator) -> dict:
    names = {"openai": {"kind": "openai"}, "sim": {"kind": "openai"}, "claude": {"kind": "anthropic"}}
    providers = {name: {**row, "base_url": simulator.url, "allow_private": True} for name, row in names.items()}

    def group(name: str, key: str) -> dict:
        credentials = [{"provider": provider, "api_key": PROVIDER_KEY} for provider in names]
        return {"id": name, "credentials": credentials, "keys": [{"name": "dev", "secret": key}]}

    return {
        "providers": providers,
        "defaults": {"model": "sim/sim-mini", "provider": "sim"},
        "bootstrap": {"groups": [group("demo", GATEWAY_KEY), group("other", OTHER_KEY)]},
    }


@pytest.fixture(scope="module")
def _many(_simulator, tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("responses"), configuration(_simulator))
    yield gateway
    gateway.stop()
    must_not_leak(gateway)


@pytest.fixture
def many(_many, simulator):
    _many.must_live()
    return _many


@pytest.fixture
def client(many):
    with openai.OpenAI(base_url=many.url, api_key=GATEWAY_KEY, max_retries=0) as client:
        yield client


@pytest.fixture(params=PROVIDERS)
def provider(request) -> str:
    return request.param


def last_body(simulator) -> dict:
    return json.loads(simulator.calls()[-1]["body"])


def test_a_plain_answer(client, provider):
    answer = client.responses.create(model=f"{provider}/sim-mini", input=CANARY_PROMPT, instructions="Be brief.")
    assert answer.object == "response" and answer.status == "completed" and answer.id.startswith("resp_")
    assert answer.output_text and answer.output[-1].type == "message"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer.usage.input_tokens_details.cached_tokens == 0
    assert answer.instructions == "Be brief." and answer.error is None and answer.incomplete_details is None


def test_a_stream_adds_up_to_its_answer(client, provider):
    with client.responses.stream(model=f"{provider}/sim-mini", input=CANARY_PROMPT) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 2 and "".join(deltas) == final.output_text
    assert final.usage.output_tokens > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_loop_with_a_tool(client, provider, streamed, simulator):
    def ask(given, **more):
        settings = {"model": f"{provider}/sim-mini", "input": given, "tools": [WEATHER], **more}
        if not streamed:
            return client.responses.create(**settings)
        with client.responses.stream(**settings) as stream:
            return stream.get_final_response()

    given = [{"role": "user", "content": CANARY_PROMPT}]
    first = ask(given, tool_choice="required", store=False)
    calls = [item for item in first.output if item.type == "function_call"]
    assert len(calls) == 1 and calls[0].name == "weather" and json.loads(calls[0].arguments)["city"]
    # The client sends back all it got, as agents do.
    # The SDK's own addition stays with it.
    given += [{name: value for name, value in item.to_dict().items() if name != "parsed_arguments"} for item in first.output]
    given.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "Rain."})
    second = ask(given, store=False)
    assert second.status == "completed" and second.output_text


def test_a_conversation_goes_on_from_its_last_answer_at_any_provider(client, simulator):
    first = client.responses.create(model="openai/sim-mini", input="My name is Ada.")
    second = client.responses.create(model="sim/sim-mini", input="What is it?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    told = last_body(simulator)["messages"]
    assert [message["role"] for message in told] == ["user", "assistant", "user"]
    assert told[0]["content"] == "My name is Ada." and told[1]["content"] == first.output_text
    with client.responses.stream(
        model="claude/sim-mini", input="And mine?", previous_response_id=second.id, instructions="Be brief."
    ) as stream:
        third = stream.get_final_response()
    assert third.previous_response_id == second.id
    body = last_body(simulator)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    fourth = client.responses.create(model="openai/sim-mini", input="Bye.", previous_response_id=third.id)
    body = last_body(simulator)
    assert "previous_response_id" not in body and len(body["input"]) == 7
    assert fourth.status == "completed"


def test_a_call_can_be_answered_by_the_id_of_its_response(client, provider):
    settings = {"model": f"{provider}/sim-mini", "tools": [WEATHER]}
    first = client.responses.create(input=CANARY_PROMPT, tool_choice="required", **settings)
    call = next(item for item in first.output if item.type == "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
    second = client.responses.create(input=[output], previous_response_id=first.id, **settings)
    assert second.output_text


def test_kept_answers_are_fetched_listed_and_deleted(client, provider, many):
    given = [{"role": "user", "content": f"{number}"} for number in range(5)]
    answer = client.responses.create(model=f"{provider}/sim-mini", input=given, metadata={"a": "b"})
    again = client.responses.retrieve(answer.id)
    assert again.to_dict() == answer.to_dict()
    items = list(client.responses.input_items.list(answer.id, order="asc", limit=2))
    assert [item.content[0].text for item in items] == ["0", "1", "2", "3", "4"]
    assert len({item.id for item in items}) == 5
    newest = client.responses.input_items.list(answer.id, limit=1)
    assert newest.data[0].content[0].text == "4" and newest.has_more
    # Another group sees none of it.
    with openai.OpenAI(base_url=many.url, api_key=OTHER_KEY, max_retries=0) as other:
        for forbidden in (other.responses.retrieve, other.responses.delete, other.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                forbidden(answer.id)
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(answer.id)
    client.responses.delete(answer.id)
    for forbidden in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            forbidden(answer.id)


def test_what_is_not_to_be_stored_is_not(client, provider):
    for more in ({"store": False}, {"extra_headers": {"x-turnpike-cache": "no-store"}}):
        answer = client.responses.create(model=f"{provider}/sim-mini", input=CANARY_PROMPT, **more)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(answer.id)


@pytest.mark.parametrize("name", ["sim", "claude"])
def test_an_unknown_answer_is_refused(client, name):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model=f"{name}/sim-mini", input="x", previous_response_id="resp_nobody")
    assert raised.value.param == "previous_response_id"


def test_an_answer_that_only_the_provider_knows_goes_on_there(client, direct):
    first = direct.responses.create(model="sim-mini", input="My name is Ada.")
    second = client.responses.create(model="openai/sim-mini", input="x", previous_response_id=first.id)
    assert second.status == "completed"


def test_structured_output(client, provider):
    class City(BaseModel):
        name: str
        inhabitants: int

    answer = client.responses.parse(model=f"{provider}/sim-mini", input=CANARY_PROMPT, text_format=City)
    assert isinstance(answer.output_parsed, City)


def test_another_providers_thoughts_come_back_to_it(client):
    settings = {"model": "claude/sim-reasoner", "tools": [WEATHER], "reasoning": {"effort": "low", "summary": "auto"}}
    given = [{"role": "user", "content": CANARY_PROMPT}]
    first = client.responses.create(input=given, store=False, **settings)
    thoughts = [item for item in first.output if item.type == "reasoning"]
    assert thoughts and thoughts[0].encrypted_content.startswith("turnpike:1:anthropic:")
    calls = [item for item in first.output if item.type == "function_call"]
    given += [item.to_dict() for item in first.output]
    given += [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain."} for call in calls]
    if not calls:
        given.append({"role": "user", "content": "Go on."})
    assert client.responses.create(input=given, store=False, **settings).status == "completed"
    # OpenAI is not told what it would refuse.
    settings["model"] = "openai/sim-mini"
    assert client.responses.create(input=given, store=False, **settings).status == "completed"


def test_how_an_answer_ends(client, provider):
    cut = client.responses.create(model=f"{provider}/sim?finish=length", input=CANARY_PROMPT)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"
    events = list(client.responses.create(model=f"{provider}/sim?finish=length", input=CANARY_PROMPT, stream=True))
    assert events[-1].type == "response.incomplete"


def test_what_is_not_to_be_had_is_refused(client, provider):
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model=f"{provider}/sim-mini", input="x", background=True)
    assert raised.value.param == "background"


def test_answers_outlive_a_restart(start_gateway, simulator):
    gateway = start_gateway(configuration(simulator))
    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0) as client:
        first = client.responses.create(model="sim/sim-mini", input="My name is Ada.")
    gateway.stop()
    again = Gateway(gateway.folder, configuration(simulator))
    try:
        with openai.OpenAI(base_url=again.url, api_key=GATEWAY_KEY, max_retries=0) as client:
            assert client.responses.retrieve(first.id).id == first.id
            client.responses.create(model="sim/sim-mini", input="x", previous_response_id=first.id)
        assert len(last_body(simulator)["messages"]) == 3
    finally:
        again.stop()
