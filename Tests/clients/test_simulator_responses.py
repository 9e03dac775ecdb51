"""The official OpenAI client's Responses API against the simulator itself, without a gateway between them.

As test_simulator.py, which see.
"""

import json
import os
import uuid

import httpx
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

HELLO = "What is a turnpike?"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
    "strict": True,
}
SHELL = {"type": "custom", "name": "shell"}


@pytest.fixture(scope="session")
def base() -> str:
    return os.environ["TURNPIKE_SIM_URL"].rstrip("/")


@pytest.fixture
def client(base) -> OpenAI:
    return OpenAI(base_url=f"{base}/v1", api_key=f"sk-{uuid.uuid4()}", max_retries=0, timeout=20)


def ask(client: OpenAI, given=HELLO, model: str = "sim", **more):
    return client.responses.create(model=model, input=given, **more)


def refused(client: OpenAI, given=HELLO, **more) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as raised:
        ask(client, given, **more)
    return raised.value


# Answers


def test_a_plain_answer_is_whole(client):
    answer = ask(client, instructions="Be brief.", metadata={"a": "b"}, temperature=0.5)
    assert HELLO in answer.output_text and answer.status == "completed" and answer.object == "response"
    assert [item.type for item in answer.output] == ["message"]
    assert answer.usage.input_tokens == 3 + (4 + 3) + (4 + 5)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.input_tokens_details.cached_tokens == 0
    assert (answer.instructions, answer.metadata, answer.temperature) == ("Be brief.", {"a": "b"}, 0.5)


def test_a_stream_comes_in_order_and_adds_up(client):
    plain = ask(client)
    events = list(ask(client, stream=True))
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
    assert events[-1].response.usage.output_tokens == plain.usage.output_tokens
    assert events[2].item.status == "in_progress" and events[2].item.content == []


def test_the_raw_stream_names_its_events_and_has_no_done(base):
    body = {"model": "sim?text=one%20two", "input": HELLO, "stream": True}
    text = httpx.post(f"{base}/v1/responses", json=body, headers={"authorization": "Bearer k"}).text
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    types = [json.loads(line[6:])["type"] for line in text.splitlines() if line.startswith("data: ")]
    assert names == types and len(names) == 10 and "[DONE]" not in text


def test_functions_are_called_and_their_output_read(client):
    first = ask(client, tools=[WEATHER])
    call = first.output[0]
    assert (call.type, call.name, call.status) == ("function_call", "get_weather", "completed")
    assert 1 <= json.loads(call.arguments)["days"] <= 5
    given = [{"role": "user", "content": HELLO}, call.to_dict()]
    given.append({"type": "function_call_output", "call_id": call.call_id, "output": "Rain all day"})
    second = ask(client, given, tools=[WEATHER])
    assert "Rain all day" in second.output_text


def test_function_arguments_stream_piece_by_piece(client):
    events = list(ask(client, tools=[WEATHER], stream=True))
    kinds = [event.type for event in events]
    assert kinds[2] == "response.output_item.added" and kinds[-2] == "response.output_item.done"
    assert kinds[-3] == "response.function_call_arguments.done"
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert len(pieces) > 3 and "".join(pieces) == events[-2].item.arguments == events[-3].arguments
    assert events[2].item.arguments == "" and events[-3].name == "get_weather"


def test_parallel_and_custom_tools(client):
    both = ask(client, tools=[WEATHER, SHELL], parallel_tool_calls=True).output
    assert [item.type for item in both] == ["function_call", "custom_tool_call"]
    events = list(ask(client, tools=[SHELL], stream=True))
    assert events[-3].type == "response.custom_tool_call_input.done" and HELLO in events[-3].input


def test_reasoning_shows_its_summary_only_when_asked(client):
    silent = ask(client, model="sim-reasoner")
    assert silent.output[0].type == "reasoning" and silent.output[0].summary == []
    assert silent.usage.output_tokens_details.reasoning_tokens == 24
    events = list(ask(client, reasoning={"effort": "low", "summary": "auto"}, stream=True))
    kinds = [event.type for event in events]
    start = kinds.index("response.reasoning_summary_part.added")
    end = kinds.index("response.reasoning_summary_part.done")
    assert kinds[start - 1] == "response.output_item.added" and kinds[end + 1] == "response.output_item.done"
    assert set(kinds[start + 1 : end - 1]) == {"response.reasoning_summary_text.delta"}
    assert kinds[end - 1] == "response.reasoning_summary_text.done"
    assert events[-1].response.output[0].summary[0].text == events[end - 1].text
    assert ask(client, model="sim-reasoner", reasoning={"effort": "none"}).output[0].type == "message"


def test_sealed_reasoning_may_come_back_unchanged_only(client):
    first = ask(client, model="sim-reasoner", tools=[WEATHER], store=False, include=["reasoning.encrypted_content"])
    thought, call = first.output
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain"}

    def again(*items):
        given = [{"role": "user", "content": HELLO}, *items, output]
        return ask(client, given, model="sim-reasoner", tools=[WEATHER], store=False)

    assert again(thought.to_dict(), call.to_dict()).status == "completed"
    for changed in [thought.encrypted_content + "x", "gAAAAAforeign"]:
        with pytest.raises(openai.BadRequestError) as raised:
            again({**thought.to_dict(), "encrypted_content": changed}, call.to_dict())
        assert raised.value.code == "invalid_encrypted_content"
    with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
        again({**thought.to_dict(), "encrypted_content": None}, call.to_dict())


def test_structured_output_is_parsed(client):
    class Toll(BaseModel):
        name: str
        pence: int

    answer = client.responses.parse(model="sim", input=HELLO, text_format=Toll)
    assert isinstance(answer.output_parsed, Toll)
    with client.responses.stream(model="sim", input=HELLO, text_format=Toll) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Toll)


def test_limits_and_refusals_end_an_answer(client):
    cut = ask(client, model="sim?text=" + "a%20" * 30, max_output_tokens=16)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"
    assert cut.output[0].status == "incomplete" and cut.usage.output_tokens == 16
    assert list(ask(client, model="sim?finish=length", stream=True))[-1].type == "response.incomplete"
    assert ask(client, model="sim?finish=content_filter").incomplete_details.reason == "content_filter"
    failed = list(ask(client, model="sim?finish=failed", stream=True))[-1]
    assert failed.type == "response.failed" and failed.response.error.code == "server_error"
    refusal = ask(client, model="sim?refusal").output[0].content[0]
    assert refusal.type == "refusal" and refusal.refusal
    kinds = {event.type for event in ask(client, model="sim?refusal", stream=True)}
    assert {"response.refusal.delta", "response.refusal.done"} <= kinds


# What is kept


def test_a_conversation_goes_on_from_a_kept_response(client):
    first = ask(client, "My name is Ada.")
    second = ask(client, "Who am I?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    alone = ask(client, "Who am I?").usage.input_tokens
    assert second.usage.input_tokens > alone + 4 + first.usage.output_tokens
    items = client.responses.input_items.list(second.id, order="asc").data
    assert [item.role for item in items] == ["user", "assistant", "user"]


def test_a_function_call_can_be_answered_by_its_id(client):
    first = ask(client, tools=[WEATHER])
    output = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "Rain"}
    assert "Rain" in ask(client, [output], previous_response_id=first.id, tools=[WEATHER]).output_text
    error = refused(client, [output], tools=[WEATHER])
    assert "No tool call found for function call output" in error.message


def test_kept_responses_are_fetched_and_deleted(client, base):
    made = ask(client)
    assert client.responses.retrieve(made.id).output_text == made.output_text
    other = OpenAI(base_url=f"{base}/v1", api_key="sk-someone-else", max_retries=0)
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(made.id)
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    error = refused(client, previous_response_id=made.id)
    assert error.status_code == 400 and error.code == "previous_response_not_found"
    kept = ask(client, store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)


def test_background_responses_can_be_cancelled(client):
    queued = ask(client, background=True)
    assert queued.status == "queued" and queued.output == []
    assert client.responses.retrieve(queued.id).status == "completed"
    cancelled = client.responses.cancel(ask(client, background=True).id)
    assert cancelled.status == "cancelled"
    assert client.responses.retrieve(cancelled.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(ask(client).id)


def test_tokens_of_an_input_are_counted(client):
    counted = client.responses.input_tokens.count(model="sim", input=HELLO, tools=[WEATHER]).input_tokens
    assert counted == ask(client, tools=[WEATHER]).usage.input_tokens


# Refusals


@pytest.mark.parametrize(
    "more, param, code",
    [
        ({"extra_body": {"stop": ["a"]}}, "stop", "unknown_parameter"),
        ({"extra_body": {"messages": []}}, "messages", "unknown_parameter"),
        ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"extra_body": {"stream": "yes"}}, "stream", "invalid_type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{**WEATHER, "parameters": {"type": "object"}}]}, "tools[0].parameters", None),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", "missing_required_parameter"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "invalid_value"),
        ({"given": []}, None, "ok"),
        ({"given": [{"role": "tool", "content": "a"}]}, "input[0].role", "invalid_value"),
        ({"given": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, "input[0].content[0]", "invalid_value"),
        ({"given": [{"role": "user", "content": "a", "name": "x"}]}, "input[0].name", "unknown_parameter"),
        ({"given": [{"role": "assistant", "content": "a", "id": "x1"}]}, "input[0].id", "invalid_value"),
    ],
)
def test_mistakes_are_refused_with_their_place(client, more, param, code):
    if code == "ok":
        assert ask(client, **more).status == "completed"
        return
    error = refused(client, **more)
    assert (error.status_code, error.param, error.code) == (400, param, code)


@pytest.mark.parametrize("extra", ["namespace", "caller"])
def test_a_null_that_was_never_sent_is_refused_when_it_comes_back(client, extra):
    call = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}", extra: None}
    output = {"type": "function_call_output", "call_id": "c1", "output": "Rain"}
    error = refused(client, [{"role": "user", "content": "a"}, call, output], tools=[WEATHER])
    assert (error.param, error.code) == (f"input[1].{extra}", "invalid_type")
    del call[extra]
    assert ask(client, [{"role": "user", "content": "a"}, call, output], tools=[WEATHER]).status == "completed"
    error = refused(client, [{"role": "user", "content": "a"}, call], tools=[WEATHER])
    assert error.message.endswith("No tool output found for function call c1.")


# Faults and flavours


def test_errors_are_openais(client):
    assert refused(client, model="sim?status=429").code == "rate_limit_exceeded"
    assert refused(client, model="sim-unknown").code == "model_not_found"
    assert refused(client, model="sim?context=5").code == "context_length_exceeded"


def test_an_error_in_the_stream_is_an_event(client):
    events = list(ask(client, model="sim?midstream_error=6&error_code=server_error", stream=True))
    assert events[-1].type == "error" and events[-1].code == "server_error"


def test_a_cut_stream_is_noticed(client):
    with pytest.raises(openai.APIConnectionError):
        list(ask(client, model="sim?cut_after_events=6", stream=True))


@pytest.mark.parametrize("liberties", ["crlf", "cr", "mixed", "bom,comments", "fields,nospace", "multiline"])
def test_streams_may_take_liberties(client, liberties):
    assert list(ask(client, model=f"sim?sse={liberties}", stream=True))[-1].type == "response.completed"


@pytest.mark.parametrize("path", ["/api/v1", "/openai/v1"])
def test_the_other_flavours_have_it_too(base, path):
    client = OpenAI(base_url=base + path, api_key="k", max_retries=0)
    assert HELLO in ask(client).output_text
