"""Cohere's official client against the simulator itself, without a gateway between them.

TURNPIKE_SIM_URL names the simulator, without a path: http://127.0.0.1:9999
"""

import asyncio
import base64
import json
import math
import os
import struct
import urllib.request
import uuid

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError

KEY = "co-test-simulator-0001"
HELLO = [{"role": "user", "content": "What is a turnpike?"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": SCHEMA}}


@pytest.fixture(scope="module")
def base() -> str:
    url = os.environ.get("TURNPIKE_SIM_URL")
    assert url, "TURNPIKE_SIM_URL is not set: start `turnpike simulate` and name it, e.g. http://127.0.0.1:9999"
    return url.rstrip("/")


def connect(base: str, key: str = KEY) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=key, base_url=base, timeout=20, max_retries=0)


@pytest.fixture(scope="module")
def client(base):
    return connect(base)


def control(base: str, method: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def calls_with(base: str, key: str) -> list[dict]:
    calls = control(base, "GET", "/sim/record")["calls"]
    return [call for call in calls if call["headers"].get("authorization") == f"Bearer {key}"]


def collect(client, **request):
    """The events of a stream, and the text a client puts together from them."""
    events = list(client.chat_stream(**request))
    text = "".join(event.delta.message.content.text or "" for event in events if event.type == "content-delta")
    return events, text


def refused(call) -> ApiError:
    with pytest.raises(ApiError) as raised:
        call()
    assert raised.value.body["id"]
    return raised.value


# Plain answers and streams


def test_a_plain_answer_names_its_usage_and_repeats_the_question(client):
    answer = client.chat(model="sim", messages=HELLO)
    (content,) = answer.message.content
    assert content.type == "text" and "What is a turnpike?" in content.text
    assert answer.finish_reason == "COMPLETE"
    # "What", " is", " a", " turnpike", "?", 4 for the message, 3 for the answer and 5 for the preamble, which is free
    assert answer.usage.tokens.input_tokens == 17
    assert answer.usage.billed_units.input_tokens == 12
    assert answer.usage.tokens.output_tokens == answer.usage.billed_units.output_tokens > 0


def test_a_stream_says_the_same_in_cohere_s_order(client):
    plain = client.chat(model="sim", messages=HELLO)
    events, text = collect(client, model="sim", messages=HELLO)
    assert text == plain.message.content[0].text
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message-start", "content-start"]
    assert set(kinds[2:-2]) == {"content-delta"}
    assert kinds[-2:] == ["content-end", "message-end"]
    assert events[0].id and events[0].delta.message.role == "assistant"
    assert events[1].delta.message.content.type == "text"
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage == plain.usage


def test_the_async_client_streams(base):
    async def run():
        async with cohere.AsyncClientV2(api_key=KEY, base_url=base) as client:
            return [event async for event in client.chat_stream(model="sim", messages=HELLO)]

    assert any(event.type == "content-delta" for event in asyncio.run(run()))


def test_limits_and_stop_sequences_end_an_answer(client):
    short = client.chat(model="sim", messages=HELLO, max_tokens=3)
    assert short.finish_reason == "MAX_TOKENS" and short.usage.tokens.output_tokens == 3
    stopped = client.chat(model="sim?text=one,two,three", messages=HELLO, stop_sequences=["two"])
    assert stopped.message.content[0].text == "one," and stopped.finish_reason == "STOP_SEQUENCE"


def test_images_and_system_messages_are_counted(client):
    plain = client.chat(model="sim", messages=HELLO)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": HELLO[0]["content"]}, image]
    answer = client.chat(
        model="sim", messages=[{"role": "system", "content": "Be brief"}, {"role": "user", "content": parts}]
    )
    assert answer.usage.tokens.input_tokens == plain.usage.tokens.input_tokens + 85 + 6


# Thinking


def test_thinking_is_a_content_of_its_own(client):
    answer = client.chat(model="sim", messages=HELLO, thinking={"type": "enabled", "token_budget": 100})
    thought, said = answer.message.content
    assert thought.type == "thinking" and "think" in thought.thinking
    assert said.type == "text"
    events, text = collect(client, model="sim", messages=HELLO, thinking={"type": "enabled"})
    assert text == said.text
    starts = [event for event in events if event.type == "content-start"]
    assert [(start.index, start.delta.message.content.type) for start in starts] == [(0, "thinking"), (1, "text")]
    thinking = "".join(
        event.delta.message.content.thinking or "" for event in events if event.type == "content-delta"
    )
    assert thinking == thought.thinking
    silent = client.chat(model="sim-reasoner", messages=HELLO, thinking={"type": "disabled"})
    assert [content.type for content in silent.message.content] == ["text"]


# Tools


def test_a_tool_loop_with_a_plan(client):
    answer = client.chat(model="sim", messages=HELLO, tools=[WEATHER])
    assert answer.finish_reason == "TOOL_CALL" and not answer.message.content
    assert "get_weather" in answer.message.tool_plan
    (call,) = answer.message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "sample city", "days": 5}
    said = {
        "role": "assistant",
        "tool_plan": answer.message.tool_plan,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
        ],
    }
    result = {
        "role": "tool",
        "tool_call_id": call.id,
        "content": [{"type": "document", "document": {"data": json.dumps({"sky": "the violet heron"})}}],
    }
    final = client.chat(model="sim", messages=[*HELLO, said, result], tools=[WEATHER])
    assert "the violet heron" in final.message.content[0].text
    error = refused(lambda: client.chat(model="sim", messages=[*HELLO, said, *HELLO], tools=[WEATHER]))
    assert error.status_code == 400 and call.id in error.body["message"]


def test_tools_stream_as_one_object_each(client):
    events, _ = collect(client, model="sim?tool_calls=2", messages=HELLO, tools=[WEATHER])
    kinds = [event.type for event in events]
    assert kinds[1] == "tool-plan-delta" and "content-start" not in kinds
    plan = "".join(event.delta.message.tool_plan for event in events if event.type == "tool-plan-delta")
    assert "get_weather" in plan
    starts = [event for event in events if event.type == "tool-call-start"]
    assert [start.index for start in starts] == [0, 1]
    calls = [start.delta.message.tool_calls for start in starts]
    assert all(call.function.name == "get_weather" and call.function.arguments == "" for call in calls)
    assert len({call.id for call in calls}) == 2
    first = "".join(
        event.delta.message.tool_calls.function.arguments
        for event in events
        if event.type == "tool-call-delta" and event.index == 0
    )
    assert json.loads(first)["days"] == 5
    assert kinds.count("tool-call-end") == 2
    assert events[-1].delta.finish_reason == "TOOL_CALL"


def test_tools_can_be_forced_and_forbidden(client):
    forced = client.chat(model="sim", messages=HELLO, tools=[WEATHER], tool_choice="REQUIRED")
    assert forced.message.tool_calls
    assert not client.chat(model="sim", messages=HELLO, tools=[WEATHER], tool_choice="NONE").message.tool_calls


# Structured output


def test_a_schema_gets_an_instance(client):
    answer = client.chat(
        model="sim", messages=HELLO, response_format={"type": "json_object", "json_schema": SCHEMA}
    )
    assert json.loads(answer.message.content[0].text) == {"city": "sample city", "days": 5}
    free = client.chat(model="sim", messages=HELLO, response_format={"type": "json_object"})
    assert isinstance(json.loads(free.message.content[0].text), dict)


# Embed, rerank, models


def test_embeddings_come_in_every_form(client):
    answer = client.embed(
        model="sim-embedding",
        texts=["the red cat", "a red cat", "stock prices"],
        input_type="search_document",
        embedding_types=["float", "int8", "uint8", "binary", "ubinary", "base64"],
        output_dimension=256,
    )
    vectors = answer.embeddings.float_
    assert [len(vector) for vector in vectors] == [256] * 3

    def product(one, other):
        return sum(a * b for a, b in zip(vectors[one], vectors[other]))

    assert math.isclose(product(0, 0), 1, rel_tol=1e-3) and product(0, 1) > product(0, 2)
    assert all(-128 <= number <= 127 for number in answer.embeddings.int8[0])
    assert all(0 <= number <= 255 for number in answer.embeddings.uint8[0])
    assert len(answer.embeddings.binary[0]) == len(answer.embeddings.ubinary[0]) == 32
    decoded = struct.unpack("<256f", base64.b64decode(answer.embeddings.base64[0]))
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(decoded, vectors[0]))
    assert answer.response_type == "embeddings_by_type"
    assert answer.texts[0] == "the red cat"
    assert answer.meta.billed_units.input_tokens == 8


def test_embeddings_of_images(client):
    answer = client.embed(
        model="sim-embedding",
        images=["data:image/png;base64,AAAA"],
        input_type="image",
        embedding_types=["float"],
    )
    assert len(answer.embeddings.float_) == 1 and answer.meta.billed_units.images == 1


def test_reranking_puts_shared_words_first(client):
    documents = ["stock prices fell", "the red cat sleeps", "a red house"]
    answer = client.rerank(model="sim-rerank", query="red cat", documents=documents, top_n=2)
    assert [result.index for result in answer.results] == [1, 2]
    scores = [result.relevance_score for result in answer.results]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
    assert answer.meta.billed_units.search_units == 1


def test_models_are_listed_by_endpoint(client):
    names = [model.name for model in client.models.list().models]
    assert "sim" in names
    assert [model.name for model in client.models.list(endpoint="rerank").models] == ["sim-rerank"]
    page = client.models.list(page_size=2)
    assert len(page.models) == 2 and page.next_page_token
    assert client.models.get(model="anything").name == "anything"


# Errors


@pytest.mark.parametrize(
    "status, kind",
    [
        (400, cohere.BadRequestError),
        (401, cohere.UnauthorizedError),
        (403, cohere.ForbiddenError),
        (404, cohere.NotFoundError),
        (422, cohere.UnprocessableEntityError),
        (429, cohere.TooManyRequestsError),
        (498, cohere.InvalidTokenError),
        (499, cohere.ClientClosedRequestError),
        (500, cohere.InternalServerError),
        (503, cohere.ServiceUnavailableError),
        (504, cohere.GatewayTimeoutError),
    ],
)
def test_errors_are_the_client_s_own_classes(client, status, kind):
    for call in [client.chat, lambda **request: list(client.chat_stream(**request))]:
        with pytest.raises(kind) as raised:
            call(model=f"sim?status={status}", messages=HELLO)
        assert raised.value.status_code == status and raised.value.body["message"]


def test_parameters_are_strict(base, client):
    error = refused(lambda: client.chat(model="sim", messages=HELLO, request_options={"additional_body_parameters": {"x": 1}}))
    assert error.status_code == 422
    assert error.body["message"].startswith("unknown field: parameter 'x' is not a valid field.")
    error = refused(lambda: client.chat(model="sim", messages=[{"role": "developer", "content": "x"}]))
    assert error.status_code == 400
    error = refused(lambda: client.embed(model="sim", texts=["x"], input_type="nonsense", embedding_types=["float"]))
    assert error.status_code == 400 and "input_type" in error.body["message"]
    answer = httpx.post(
        f"{base}/v2/embed",
        json={"model": "sim", "texts": ["x"], "embedding_types": "float", "input_type": "classification"},
        headers={"Authorization": f"Bearer {KEY}"},
    )
    assert answer.status_code == 422
    assert "parameter 'embedding_types' is of type string but should be of type []string" in answer.json()["message"]


def test_unknown_models_options_and_keys(client, base):
    assert refused(lambda: client.chat(model="sim-unknown", messages=HELLO)).status_code == 404
    assert "knows no option" in refused(lambda: client.chat(model="sim?statsu=1", messages=HELLO)).body["message"]
    answer = httpx.post(f"{base}/v2/chat", json={"model": "sim", "messages": HELLO})
    assert answer.status_code == 401 and answer.json()["message"] == "no api key supplied"


# Faults


def test_an_error_in_the_middle_of_a_stream_ends_the_message(client):
    events, _ = collect(client, model="sim?midstream_error=4", messages=HELLO)
    assert len(events) == 5
    assert events[-1].type == "message-end" and events[-1].delta.finish_reason == "ERROR"
    assert events[-1].delta.error


def test_a_cut_stream_is_noticed(client):
    with pytest.raises(httpx.HTTPError):
        collect(client, model="sim?cut_after_events=3", messages=HELLO)


@pytest.mark.parametrize("way", ["sse=crlf", "sse=cr", "sse=comments,nospace", "split=7", "http_chunk=3", "no_done=1"])
def test_other_spellings_of_the_stream_read_the_same(client, way):
    usual = collect(client, model="sim", messages=HELLO)[1]
    assert collect(client, model=f"sim?{way}", messages=HELLO)[1] == usual


def test_garbage_is_skipped(client):
    usual = collect(client, model="sim", messages=HELLO)[1]
    assert collect(client, model="sim?garbage_after=3", messages=HELLO)[1] == usual


def test_usage_can_be_a_lie(client):
    true = client.chat(model="sim", messages=HELLO).usage
    wrong = collect(client, model="sim?usage=wrong", messages=HELLO)[0][-1].delta.usage
    assert wrong.tokens.input_tokens == true.tokens.input_tokens * 10 + 7
    assert collect(client, model="sim?usage=none", messages=HELLO)[0][-1].delta.usage is None
    double = collect(client, model="sim?usage=double", messages=HELLO)[0]
    assert [event.type for event in double[-2:]] == ["message-end", "message-end"]


def test_scripts_meet_calls_by_key(base):
    key = f"co-{uuid.uuid4()}"
    control(base, "POST", "/sim/script", [{"match": {"key": key, "model": "sim"}, "times": 1, "fault": {"status": 503}}])
    client = connect(base, key)
    assert refused(lambda: client.chat(model="sim", messages=HELLO)).status_code == 503
    assert collect(client, model="sim", messages=HELLO)[1]
    first, second = calls_with(base, key)
    assert [first["status"], second["status"]] == [503, 200]
    assert first["stream"] is False and second["stream"] is True
    assert second["tokens_written"] == second["completion_tokens"]
    assert second["usage_written"] and second["ending"] == "completed"


def test_a_context_can_run_out_and_an_answer_be_empty(client):
    error = refused(lambda: client.chat(model="sim?context=5", messages=HELLO))
    assert error.status_code == 400 and "too many tokens" in error.body["message"]
    assert client.chat(model="sim?empty=1", messages=HELLO).message.content[0].text == ""
    assert collect(client, model="sim?empty=1", messages=HELLO)[1] == ""
