"""The official OpenAI client against the simulator itself, without a gateway between them.

If these fail, no other client test means anything: the simulator would not be the provider it claims to be.
TURNPIKE_SIM_URL names the simulator, without a path: http://127.0.0.1:9999
"""

import asyncio
import json
import math
import os
import urllib.error
import urllib.request
import uuid
import zlib

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

KEY = "sk-test-simulator-0001"
HELLO = [{"role": "user", "content": "What is a turnpike?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 5},
            },
            "required": ["city", "unit", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
TIME = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}},
}


@pytest.fixture(scope="session")
def base() -> str:
    url = os.environ.get("TURNPIKE_SIM_URL")
    assert url, "TURNPIKE_SIM_URL is not set: start `turnpike simulate` and name it, e.g. http://127.0.0.1:9999"
    return url.rstrip("/")


@pytest.fixture
def client(base: str) -> OpenAI:
    return OpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0, timeout=20)


@pytest.fixture
def router(base: str) -> OpenAI:
    return OpenAI(base_url=f"{base}/api/v1", api_key=KEY, max_retries=0, timeout=20)


def control(base: str, method: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def calls_with(base: str, key: str) -> list[dict]:
    calls = control(base, "GET", "/sim/record")["calls"]
    return [call for call in calls if call["headers"].get("authorization") == f"Bearer {key}"]


# Plain answers


def test_a_plain_answer_names_its_usage_and_repeats_the_question(client):
    answer = client.chat.completions.create(model="sim", messages=HELLO)
    choice = answer.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "What is a turnpike?" in choice.message.content
    assert "simulator" in choice.message.content
    # "What", " is", " a", " turnpike", "?" and 4 for the message and 3 for the answer
    assert answer.usage.prompt_tokens == 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert answer._request_id.startswith("req_sim")


def test_the_same_question_gets_the_same_answer(client):
    first, second = (client.chat.completions.create(model="sim", messages=HELLO) for _ in range(2))
    assert first.choices[0].message.content == second.choices[0].message.content
    assert first.id != second.id


def test_max_tokens_ends_an_answer_early(client):
    answer = client.chat.completions.create(model="sim", messages=HELLO, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_a_stop_sequence_is_not_part_of_the_answer(client):
    answer = client.chat.completions.create(model="sim?text=one,two,three", messages=HELLO, stop=["two"])
    assert answer.choices[0].message.content == "one,"
    assert answer.choices[0].finish_reason == "stop"


def test_several_choices_differ_and_all_count(client):
    answer = client.chat.completions.create(model="sim", messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    alone = client.chat.completions.create(model="sim", messages=HELLO)
    assert answer.usage.completion_tokens > 2 * alone.usage.completion_tokens


def test_reasoning_and_cached_tokens_are_reported(client):
    answer = client.chat.completions.create(model="sim?reasoning=40&cached=5", messages=HELLO)
    assert answer.usage.completion_tokens_details.reasoning_tokens == 40
    assert answer.usage.completion_tokens > 40
    assert answer.usage.prompt_tokens_details.cached_tokens == 5


def test_a_refusal_comes_as_a_refusal(client):
    answer = client.chat.completions.create(model="sim?refusal=1", messages=HELLO)
    assert answer.choices[0].message.content is None
    assert "refuse" in answer.choices[0].message.refusal


# Streams


def test_a_stream_says_the_same_as_a_plain_answer(client):
    plain = client.chat.completions.create(model="sim", messages=HELLO)
    chunks = list(client.chat.completions.create(model="sim", messages=HELLO, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].choices[0].delta.content == ""
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == plain.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_comes_last_and_only_when_asked_for(client):
    chunks = list(
        client.chat.completions.create(
            model="sim", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert all(chunk.usage is None for chunk in chunks[:-1])
    said = sum(1 for chunk in chunks[:-1] if chunk.choices[0].delta.content)
    assert chunks[-1].usage.completion_tokens == said


def test_the_streaming_helper_accumulates_text(client):
    with client.chat.completions.stream(model="sim?chunks=20&text_bytes=30", messages=HELLO) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta" and event.delta]
        final = stream.get_final_completion()
    assert len(deltas) == 20
    assert all(len(delta) == 30 for delta in deltas)
    assert final.choices[0].message.content == "".join(deltas)


def test_every_spelling_of_the_event_stream_reads_the_same(client):
    def text(model):
        stream = client.chat.completions.create(model=model, messages=HELLO, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    usual = text("sim")
    variants = "crlf cr mixed comments multiline nospace fields nofinal bom nul spoof comments,crlf,multiline".split()
    for variant in variants:
        assert text(f"sim?sse={variant}") == usual, variant
    ways = ["split=1", "split=7", "http_chunk=3", "framing=close", "trailers=1", "http10=1", "idle_close=1", "gzip=1"]
    for way in ways:
        assert text(f"sim?{way}") == usual, way


def test_several_choices_stream_side_by_side(client):
    chunks = client.chat.completions.create(model="sim", messages=HELLO, stream=True, n=2)
    texts = {0: "", 1: ""}
    for chunk in chunks:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    plain = client.chat.completions.create(model="sim", messages=HELLO, n=2)
    assert texts == {choice.index: choice.message.content for choice in plain.choices}


def test_odd_characters_survive(client):
    plain = client.chat.completions.create(model="sim?unicode=1", messages=HELLO).choices[0].message.content
    for separator in ["\u2028", "\u2029", "\u0085", "\u0000", "👩\u200d🚀"]:
        assert separator in plain


def test_the_async_client_streams(base):
    async def run():
        async with AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0) as client:
            async def one(n):
                stream = await client.chat.completions.create(
                    model=f"sim?chunks={n}", messages=HELLO, stream=True
                )
                return sum([1 async for chunk in stream if chunk.choices[0].delta.content])

            return await asyncio.gather(*[one(n) for n in range(1, 21)])

    assert asyncio.run(run()) == list(range(1, 21))


# Tools and structured output


def test_a_tool_is_called_with_arguments_that_fit_and_its_result_is_used(client):
    answer = client.chat.completions.create(model="sim", messages=HELLO, tools=[WEATHER])
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls
    arguments = json.loads(call.function.arguments)
    assert set(arguments) == {"city", "unit", "days"}
    assert arguments["unit"] == "celsius" and 1 <= arguments["days"] <= 5
    messages = HELLO + [
        choice.message,
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 21 degrees"},
    ]
    last = client.chat.completions.create(model="sim", messages=messages, tools=[WEATHER])
    assert last.choices[0].finish_reason == "stop"
    assert "Sunny, 21 degrees" in last.choices[0].message.content


def test_tool_choice_decides(client):
    def called(**more):
        answer = client.chat.completions.create(model="sim", messages=HELLO, tools=[WEATHER, TIME], **more)
        return [call.function.name for call in answer.choices[0].message.tool_calls or []]

    assert called() == ["get_weather"]
    assert called(tool_choice="none") == []
    assert called(tool_choice="required") == ["get_weather"]
    assert called(tool_choice={"type": "function", "function": {"name": "get_time"}}) == ["get_time"]
    assert called(parallel_tool_calls=True) == ["get_weather", "get_time"]
    assert called(parallel_tool_calls=False) == ["get_weather"]


def test_streamed_tool_calls_are_put_together_by_the_client(client):
    with client.chat.completions.stream(model="sim", messages=HELLO, tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    assert [event.name for event in done] == ["get_weather"]
    (call,) = final.choices[0].message.tool_calls
    plain = client.chat.completions.create(model="sim", messages=HELLO, tools=[WEATHER])
    assert call.function.arguments == plain.choices[0].message.tool_calls[0].function.arguments
    assert final.choices[0].finish_reason == "tool_calls"


def test_parallel_tool_calls_stream_under_their_indices(client):
    chunks = client.chat.completions.create(
        model="sim", messages=HELLO, tools=[WEATHER, TIME], parallel_tool_calls=True, stream=True
    )
    calls = {}
    for chunk in chunks:
        for call in chunk.choices[0].delta.tool_calls or []:
            known = calls.setdefault(call.index, {"id": None, "name": None, "arguments": ""})
            known["id"] = known["id"] or call.id
            known["name"] = known["name"] or call.function.name
            known["arguments"] += call.function.arguments or ""
    assert [calls[index]["name"] for index in sorted(calls)] == ["get_weather", "get_time"]
    assert len({call["id"] for call in calls.values()}) == 2
    assert json.loads(calls[1]["arguments"]) == {"zone": "sample zone"}


class Address(BaseModel):
    street: str
    number: int


class Person(BaseModel):
    name: str
    age: int | None
    tags: list[str]
    home: Address


def test_structured_output_parses_into_the_type_that_was_asked_for(client):
    answer = client.chat.completions.parse(model="sim", messages=HELLO, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)
    assert isinstance(answer.choices[0].message.parsed.home, Address)


def test_json_object_is_an_object(client):
    messages = [{"role": "user", "content": "Answer in JSON"}]
    answer = client.chat.completions.create(
        model="sim", messages=messages, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


# Embeddings and models


def test_embeddings_are_the_same_in_both_encodings(client):
    encoded = client.embeddings.create(model="sim-embedding", input=["red cat", "blue dog"])
    plain = client.embeddings.create(model="sim-embedding", input=["red cat", "blue dog"], encoding_format="float")
    assert [item.index for item in encoded.data] == [0, 1]
    for one, other in zip(encoded.data, plain.data, strict=True):
        assert len(one.embedding) == len(other.embedding) == 1536
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)
        assert math.isclose(math.hypot(*one.embedding), 1, abs_tol=1e-4)
    assert encoded.usage.prompt_tokens == 4 == encoded.usage.total_tokens


def test_texts_that_share_words_are_near(client):
    inputs = ["the red cat sleeps", "the red cat eats", "markets fell sharply"]
    data = client.embeddings.create(model="sim-embedding", input=inputs, dimensions=256).data
    vectors = [item.embedding for item in data]

    def cosine(one, other):
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert len(vectors[0]) == 256
    assert cosine(vectors[0], vectors[1]) > 0.5 > 0.3 > cosine(vectors[0], vectors[2])


def test_models_are_listed_and_found(client, router):
    assert "sim" in [model.id for model in client.models.list()]
    assert client.models.retrieve("sim").owned_by == "simulator"
    assert client.models.retrieve("sim-mini?chunks=3").id == "sim-mini?chunks=3"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("sim-unknown")
    assert "sim" in [model.id for model in router.models.list()]


# Errors


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_each_status_raises_its_class(client, status, error, stream):
    with pytest.raises(error) as raised:
        client.chat.completions.create(model=f"sim?status={status}", messages=HELLO, stream=stream)
    assert raised.value.status_code == status
    assert raised.value.request_id.startswith("req_sim")


def test_errors_carry_code_type_and_param(client):
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="sim?status=429&retry_after=7&retry_after_ms=7000", messages=HELLO)
    assert (limited.value.code, limited.value.type) == ("rate_limit_exceeded", "requests")
    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.response.headers["retry-after-ms"] == "7000"
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="sim-unknown", messages=HELLO)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as typo:
        client.chat.completions.create(model="sim?chunsk=3", messages=HELLO)
    assert "chunsk" in typo.value.message


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"messages": []}, "empty_array", "messages"),
        ({"messages": None}, "missing_required_parameter", "messages"),
        ({"messages": "hello"}, "invalid_type", "messages"),
        ({"tools": []}, "empty_array", "tools"),
        ({"tool_choice": "auto"}, "invalid_value", "tool_choice"),
        ({"stream_options": {"include_usage": True}}, "invalid_value", "stream_options"),
        ({"temperature": 3}, "decimal_above_max_value", "temperature"),
        ({"temperature": "hot"}, "invalid_type", "temperature"),
        ({"n": 0}, "integer_below_min_value", "n"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "invalid_parameter_combination", "max_tokens"),
        ({"top_logprobs": 2}, "invalid_value", "top_logprobs"),
        ({"messages": [{"role": "judge", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"response_format": {"type": "json_object"}}, None, "messages"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, None, "messages.[0].role"),
    ],
)
def test_what_openai_refuses_is_refused(client, body, code, param):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="sim", messages=HELLO, extra_body=body)
    assert (raised.value.code, raised.value.param) == (code, param)
    assert raised.value.type == "invalid_request_error"


def test_unknown_fields_are_refused_only_in_strict_mode(client):
    client.chat.completions.create(model="sim", messages=HELLO, extra_body={"brand_new": 1})
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="sim?strict=1", messages=HELLO, extra_body={"brand_new": 1})
    assert (raised.value.code, raised.value.param) == ("unknown_parameter", "brand_new")


def test_a_call_without_a_key_is_refused(base):
    request = urllib.request.Request(f"{base}/v1/models")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    assert raised.value.code == 401
    assert json.loads(raised.value.read())["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("flavour", ["client", "router"])
@pytest.mark.parametrize("model", ["sim?midstream_error=3", "sim?lifecycle_then_error=1", "sim?midstream_error=0"])
def test_an_error_in_the_stream_raises(request, flavour, model):
    client = request.getfixturevalue(flavour)
    with pytest.raises(openai.APIError) as raised:
        list(client.chat.completions.create(model=model, messages=HELLO, stream=True))
    assert "mid-stream" in raised.value.message


@pytest.mark.parametrize("cut", ["close", "reset"])
@pytest.mark.parametrize("where", ["cut_after_events=3", "cut_mid_event=3", "cut_at_byte=1500"])
def test_a_cut_stream_raises(client, cut, where):
    with pytest.raises((openai.APIError, openai.APIConnectionError, Exception)) as raised:
        list(client.chat.completions.create(model=f"sim?{where}&cut={cut}", messages=HELLO, stream=True))
    assert type(raised.value).__module__.split(".")[0] in {"openai", "httpx", "httpx2", "httpcore", "httpcore2"}


@pytest.mark.parametrize(
    "fault", ["cut_before_head=1", "cut_before_head=1&cut=reset", "cut_at_byte=30", "content_length=long"]
)
def test_a_cut_answer_raises(client, fault):
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=f"sim?{fault}", messages=HELLO)


def test_the_client_retries_until_the_script_runs_out(base):
    key = f"sk-test-retry-{uuid.uuid4().hex}"
    control(base, "POST", "/sim/script", [{"match": {"key": key}, "times": 2, "fault": {"status": 500}}])
    try:
        client = OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=2)
        answer = client.chat.completions.create(model="sim", messages=HELLO)
    finally:
        control(base, "DELETE", "/sim/script")
    assert answer.choices[0].finish_reason == "stop"
    assert [call["status"] for call in calls_with(base, key)] == [500, 500, 200]


@pytest.mark.parametrize("size", [1, 257, 258, 259, 100_000, 20_000_000])
@pytest.mark.parametrize("more", [{}, {"stream": True}])
def test_a_gzip_bomb_inflates_to_what_it_says(base, size, more):
    body = {"model": f"sim?gzip_bomb={size}", "messages": HELLO, **more}
    request = urllib.request.Request(
        f"{base}/v1/chat/completions", data=json.dumps(body).encode(), headers={"Authorization": f"Bearer {KEY}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = answer.read()
    assert len(packed) < 1000 + size / 150
    # A raw inflater, because the checksum behind the data is wrong on purpose.
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    text = inflater.decompress(packed[10:]) + inflater.flush()
    assert inflater.eof
    assert text.count(b"A" * size) == 1 and len(text) < size + 200
    document = text.split(b"\n\n")[0].removeprefix(b"data: ")
    assert len(json.loads(document)["padding"]) == size


# Other flavours


def test_openrouter_streams_cost_and_its_own_names(router):
    chunks = list(router.chat.completions.create(model="sim-reasoner", messages=HELLO, stream=True))
    assert chunks[0].provider == "Simulator"
    assert chunks[-1].choices == []
    usage = chunks[-1].usage
    assert usage.cost == pytest.approx(usage.prompt_tokens * 1e-6 + usage.completion_tokens * 2e-6)
    assert usage.completion_tokens_details.reasoning_tokens == 24
    assert chunks[-2].choices[0].native_finish_reason == "stop"
    assert "".join(getattr(chunk.choices[0].delta, "reasoning", "") for chunk in chunks[1:-2])
    plain = router.chat.completions.create(model="sim", messages=HELLO)
    assert plain.usage.cost > 0


def test_openrouter_may_answer_200_with_an_error(router):
    answer = router.chat.completions.create(model="sim?error200=1", messages=HELLO)
    assert answer.choices is None
    assert answer.error["code"] == 502


def test_openrouter_errors_have_a_number_for_a_code(router):
    with pytest.raises(openai.APIStatusError) as raised:
        router.chat.completions.create(model="sim?status=402", messages=HELLO)
    assert raised.value.status_code == 402
    assert raised.value.body["code"] == 402


def test_azure_begins_with_a_chunk_without_choices(base):
    client = AzureOpenAI(azure_endpoint=base, api_key=KEY, api_version="2026-10-01", max_retries=0)
    chunks = list(client.chat.completions.create(model="my-deployment", messages=HELLO, stream=True))
    assert chunks[0].choices == [] and chunks[0].id == ""
    assert chunks[0].prompt_filter_results[0]["prompt_index"] == 0
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[1:])
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="sim-unknown", messages=HELLO)
    assert missing.value.code == "DeploymentNotFound"
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="sim?status=429", messages=HELLO)
    assert limited.value.code == "429"
    vectors = client.embeddings.create(model="sim-embedding", input="x", dimensions=8)
    assert len(vectors.data[0].embedding) == 8


# The record


def test_the_record_counts_what_was_sent(base):
    key = f"sk-test-record-{uuid.uuid4().hex}"
    client = OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)
    chunks = list(
        client.chat.completions.create(
            model="sim?chunks=17", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    (call,) = calls_with(base, key)
    assert call["tokens_written"] == call["completion_tokens"] == chunks[-1].usage.completion_tokens == 17
    assert call["prompt_tokens"] == chunks[-1].usage.prompt_tokens
    # The role, 17 words, the finish, the usage and [DONE]
    assert call["events_written"] == len(chunks) + 1 == 21
    assert call["ending"] == "completed" and call["usage_written"] is True
    assert json.loads(call["body"])["model"] == "sim?chunks=17"
    assert call["accepted_ns"] <= call["head_received_ns"] <= call["body_complete_ns"] <= call["first_byte_ns"]
    assert call["first_byte_ns"] <= call["finished_ns"]
    assert call["authorization_suffix"] == key[-4:]


def test_the_record_knows_when_a_client_left(base):
    key = f"sk-test-leaver-{uuid.uuid4().hex}"
    client = OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)
    stream = client.chat.completions.create(
        model="sim?chunks=100&stall_after_events=5", messages=HELLO, stream=True
    )
    seen = [next(iter(stream)) for _ in range(1)]
    # Whoever leaves while the events are being written leaves some of them unwritten.
    for _ in range(200):
        if calls_with(base, key)[0]["events_written"] == 5:
            break
    stream.close()
    client.close()
    for _ in range(200):
        (call,) = calls_with(base, key)
        if call["ending"] != "running":
            break
    assert seen and call["ending"] in {"client_closed", "client_reset"}
    assert call["tokens_written"] == 4 and call["completion_tokens"] == 100
    assert call["cut_ns"] >= call["first_byte_ns"]
