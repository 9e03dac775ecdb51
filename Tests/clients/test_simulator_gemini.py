"""Google's official client against the simulator itself, without a gateway between them.

TURNPIKE_SIM_URL names the simulator, without a path: http://127.0.0.1:9999
"""

import asyncio
import json
import math
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

KEY = "gk-test-simulator-0001"
HELLO = "What is a turnpike?"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name="get_weather", description="The weather", parameters_json_schema=SCHEMA)
    ]
)


@pytest.fixture(scope="module")
def base() -> str:
    url = os.environ.get("TURNPIKE_SIM_URL")
    assert url, "TURNPIKE_SIM_URL is not set: start `turnpike simulate` and name it, e.g. http://127.0.0.1:9999"
    return url.rstrip("/")


def connect(base: str, key: str = KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base, timeout=20_000))


@pytest.fixture(scope="module")
def client(base):
    return connect(base)


def with_options(options: str, model: str = "sim") -> str:
    """The client puts the model into the path as it is, and refuses some characters: they go encoded."""
    return f"{model}%3F{urllib.parse.quote(options, safe='=,')}"


def control(base: str, method: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def calls_with(base: str, key: str) -> list[dict]:
    calls = control(base, "GET", "/sim/record")["calls"]
    return [call for call in calls if call["headers"].get("x-goog-api-key") == key]


def text_of(chunks) -> str:
    return "".join(part.text or "" for chunk in chunks for part in chunk.candidates[0].content.parts or [])


# Plain answers


def test_a_plain_answer_names_its_usage_and_repeats_the_question(client):
    answer = client.models.generate_content(model="sim", contents=HELLO)
    assert "What is a turnpike?" in answer.text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.model_version == "sim"
    assert answer.response_id.startswith("sim-")
    usage = answer.usage_metadata
    # "What", " is", " a", " turnpike", "?" and 4 for the message and 3 for the answer
    assert usage.prompt_token_count == 12
    assert usage.total_token_count == 12 + usage.candidates_token_count


def test_a_stream_says_the_same_and_counts_in_every_chunk(client):
    plain = client.models.generate_content(model="sim", contents=HELLO)
    chunks = list(client.models.generate_content_stream(model="sim", contents=HELLO))
    assert text_of(chunks) == plain.text
    counts = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
    assert counts == sorted(counts) and counts[-1] == plain.usage_metadata.candidates_token_count
    assert [chunk.candidates[0].finish_reason for chunk in chunks[-2:]] == [None, types.FinishReason.STOP]
    assert len({chunk.response_id for chunk in chunks}) == 1


def test_the_async_client_streams(base):
    async def run():
        own = connect(base)
        chunks = await own.aio.models.generate_content_stream(model="sim", contents=HELLO)
        return [chunk async for chunk in chunks]

    assert "turnpike" in text_of(asyncio.run(run()))


def test_limits_and_stop_sequences_end_an_answer(client):
    short = client.models.generate_content(
        model="sim", contents=HELLO, config=types.GenerateContentConfig(max_output_tokens=3)
    )
    assert short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert short.usage_metadata.candidates_token_count == 3
    stopped = client.models.generate_content(
        model=with_options("text=one,two,three"),
        contents=HELLO,
        config=types.GenerateContentConfig(stop_sequences=["two"]),
    )
    assert stopped.text == "one,"


def test_several_candidates_differ(client):
    answer = client.models.generate_content(
        model="sim", contents=HELLO, config=types.GenerateContentConfig(candidate_count=2)
    )
    texts = [candidate.content.parts[0].text for candidate in answer.candidates]
    assert len(set(texts)) == 2
    assert [candidate.index for candidate in answer.candidates] == [None, 1] or [
        candidate.index for candidate in answer.candidates
    ] == [0, 1]


def test_a_chat_with_a_system_instruction_and_an_image_counts_all_of_it(client):
    plain = client.models.generate_content(model="sim", contents=HELLO)
    image = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    answer = client.models.generate_content(
        model="sim", contents=[HELLO, image], config=types.GenerateContentConfig(system_instruction="Be brief")
    )
    # 85 for the image, 4 and two tokens for the instruction
    assert answer.usage_metadata.prompt_token_count == plain.usage_metadata.prompt_token_count + 85 + 6
    chat = client.chats.create(model="sim")
    chat.send_message("First")
    assert "Second" in chat.send_message("Second").text
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


# Thinking


def test_thoughts_are_told_only_when_asked_for_and_always_counted(client):
    hidden = client.models.generate_content(model="sim-reasoner", contents=HELLO)
    assert hidden.usage_metadata.thoughts_token_count == 24
    assert not any(part.thought for part in hidden.candidates[0].content.parts)
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    shown = client.models.generate_content(model="sim-reasoner", contents=HELLO, config=config)
    thought, said = shown.candidates[0].content.parts
    assert thought.thought and "think" in thought.text
    assert said.text == hidden.text and said.thought_signature
    usage = shown.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + 24
    chunks = list(client.models.generate_content_stream(model="sim-reasoner", contents=HELLO, config=config))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert "".join(part.text for part in parts if part.thought) == thought.text
    assert "".join(part.text for part in parts if not part.thought) == said.text
    # The signature of a text comes last, on an empty part.
    assert parts[-1].text == "" and parts[-1].thought_signature


def test_a_budget_of_nothing_turns_thinking_off(client):
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_budget=0))
    answer = client.models.generate_content(model="sim-reasoner", contents=HELLO, config=config)
    assert answer.usage_metadata.thoughts_token_count is None


# Tools


def test_a_tool_is_called_whole_and_its_answer_used(client):
    config = types.GenerateContentConfig(tools=[WEATHER])
    asked = types.UserContent(parts=[types.Part.from_text(text="Weather?")])
    answer = client.models.generate_content(model="sim", contents=[asked], config=config)
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    (call,) = answer.function_calls
    assert call.name == "get_weather"
    assert call.args == {"city": "sample city", "days": 5}
    result = types.Part.from_function_response(name=call.name, response={"sky": "the violet heron"})
    final = client.models.generate_content(
        model="sim",
        contents=[asked, answer.candidates[0].content, types.UserContent(parts=[result])],
        config=config,
    )
    assert "the violet heron" in final.text


@pytest.mark.parametrize("streamed", [False, True])
def test_gemini_3_insists_on_its_signatures(client, streamed):
    config = types.GenerateContentConfig(tools=[WEATHER])
    asked = types.UserContent(parts=[types.Part.from_text(text="Weather?")])
    model = with_options("tool_calls=2", "gemini-3-pro")
    if streamed:
        chunks = list(client.models.generate_content_stream(model=model, contents=[asked], config=config))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts if part.function_call]
        said = types.ModelContent(parts=parts)
    else:
        said = client.models.generate_content(model=model, contents=[asked], config=config).candidates[0].content
    assert [bool(part.thought_signature) for part in said.parts] == [True, False]
    assert all(part.function_call.id for part in said.parts)
    results = types.UserContent(
        parts=[types.Part.from_function_response(name="get_weather", response={"n": n}) for n in range(2)]
    )
    assert client.models.generate_content(model=model, contents=[asked, said, results], config=config).text
    signature, said.parts[0].thought_signature = said.parts[0].thought_signature, None
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(model=model, contents=[asked, said, results], config=config)
    assert raised.value.code == 400 and "thought_signature" in raised.value.message
    said.parts[0].thought_signature = b"skip_thought_signature_validator"
    assert client.models.generate_content(model=model, contents=[asked, said, results], config=config).text
    said.parts[0].thought_signature = signature
    results.parts.pop()
    with pytest.raises(errors.ClientError, match="number of function response parts"):
        client.models.generate_content(model=model, contents=[asked, said, results], config=config)


def test_automatic_function_calling_goes_round(client):
    seen = []

    def get_weather(city: str) -> str:
        """The weather of a city."""
        seen.append(city)
        return "violet"

    answer = client.models.generate_content(
        model="gemini-3-flash", contents="Weather?", config=types.GenerateContentConfig(tools=[get_weather])
    )
    assert seen == ["sample city"]
    assert "violet" in answer.text


def test_tools_can_be_forced_and_forbidden(client):
    def config(mode, names=None):
        calling = types.FunctionCallingConfig(mode=mode, allowed_function_names=names)
        time = types.Tool(function_declarations=[types.FunctionDeclaration(name="get_time")])
        return types.GenerateContentConfig(
            tools=[WEATHER, time], tool_config=types.ToolConfig(function_calling_config=calling)
        )

    forced = client.models.generate_content(model="sim", contents="Hm", config=config("ANY", ["get_time"]))
    assert [call.name for call in forced.function_calls] == ["get_time"]
    assert client.models.generate_content(model="sim", contents="Hm", config=config("NONE")).text


def test_arguments_that_are_broken_are_never_told(client):
    config = types.GenerateContentConfig(tools=[WEATHER])
    answer = client.models.generate_content(
        model=with_options("broken_arguments"), contents="Weather?", config=config
    )
    assert answer.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL
    assert not answer.function_calls


# Structured output


class Trip(BaseModel):
    city: str
    days: int


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_a_schema_gets_an_instance(client, field):
    config = {"response_mime_type": "application/json", field: Trip if field == "response_schema" else SCHEMA}
    answer = client.models.generate_content(
        model="sim", contents=HELLO, config=types.GenerateContentConfig(**config)
    )
    trip = Trip.model_validate_json(answer.text)
    assert trip.city == "sample city"
    chunks = list(
        client.models.generate_content_stream(
            model="sim", contents=HELLO, config=types.GenerateContentConfig(**config)
        )
    )
    assert text_of(chunks) == answer.text


def test_json_schema_words_have_no_place_in_a_schema(base):
    body = {
        "contents": [{"parts": [{"text": "hi"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA},
    }
    status, answer = post(base, "/v1beta/models/sim:generateContent", body)
    assert status == 400
    field = "generation_config.response_schema"
    assert f"Unknown name \"additionalProperties\" at '{field}': Cannot find field." in answer["error"]["message"]
    violation = answer["error"]["details"][0]
    assert violation["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert violation["fieldViolations"][0]["field"] == field


def post(base, path, body, headers=None):
    request = urllib.request.Request(
        f"{base}{path}", data=json.dumps(body).encode(), headers=headers or {"x-goog-api-key": KEY}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


# Blocks


def test_blocked_prompts_and_answers(client):
    refused = client.models.generate_content(model=with_options("refusal=1"), contents=HELLO)
    assert refused.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    assert not refused.candidates
    (chunk,) = client.models.generate_content_stream(model=with_options("refusal=1"), contents=HELLO)
    assert chunk.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    for finish in ["content_filter", "PROHIBITED_CONTENT", "RECITATION"]:
        answer = client.models.generate_content(model=with_options(f"finish={finish}"), contents=HELLO)
        assert answer.candidates[0].finish_reason.name == {"content_filter": "SAFETY"}.get(finish, finish)
        assert answer.candidates[0].content is None and answer.text is None


# The other methods


def test_tokens_are_counted_as_they_are_billed(client):
    counted = client.models.count_tokens(model="sim", contents=HELLO)
    assert counted.total_tokens == 12


def test_embeddings_are_near_where_words_are_shared(client):
    answer = client.models.embed_content(
        model="sim-embedding",
        contents=["the red cat", "a red cat", "stock prices"],
        config=types.EmbedContentConfig(output_dimensionality=256, task_type="SEMANTIC_SIMILARITY"),
    )
    vectors = [embedding.values for embedding in answer.embeddings]
    assert [len(vector) for vector in vectors] == [256] * 3

    def product(one, other):
        return sum(a * b for a, b in zip(vectors[one], vectors[other]))

    assert math.isclose(product(0, 0), 1, rel_tol=1e-3)
    assert product(0, 1) > product(0, 2)
    status, one = post(base_of(client), "/v1beta/models/sim-embedding:embedContent", {"content": {"parts": [{"text": "x"}]}})
    assert status == 200 and len(one["embedding"]["values"]) == 3072


def base_of(client) -> str:
    return client._api_client._http_options.base_url.rstrip("/")


def test_models_are_listed_page_by_page(client):
    pager = client.models.list(config={"page_size": 2})
    names = [model.name for model in pager]
    assert "models/sim" in names and len(names) == len(set(names)) > 2
    one = client.models.get(model="anything-at-all")
    assert one.name == "models/anything-at-all"
    with pytest.raises(errors.ClientError) as raised:
        client.models.get(model="sim-unknown")
    assert raised.value.code == 404 and raised.value.status == "NOT_FOUND"


# Errors


@pytest.mark.parametrize(
    "status, word, kind",
    [
        (400, "INVALID_ARGUMENT", errors.ClientError),
        (403, "PERMISSION_DENIED", errors.ClientError),
        (404, "NOT_FOUND", errors.ClientError),
        (429, "RESOURCE_EXHAUSTED", errors.ClientError),
        (500, "INTERNAL", errors.ServerError),
        (503, "UNAVAILABLE", errors.ServerError),
        (504, "DEADLINE_EXCEEDED", errors.ServerError),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_errors_have_the_status_and_its_word(client, status, word, kind, streamed):
    model = with_options(f"status={status}&retry_after=9")
    with pytest.raises(kind) as raised:
        if streamed:
            list(client.models.generate_content_stream(model=model, contents=HELLO))
        else:
            client.models.generate_content(model=model, contents=HELLO)
    assert raised.value.code == status and raised.value.status == word
    if status == 429:
        retry = raised.value.details["error"]["details"][1]
        assert retry == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "9s"}
        assert "retry-after" not in raised.value.response.headers


def test_unknown_models_and_options(client):
    with pytest.raises(errors.ClientError, match="not found for API version"):
        client.models.generate_content(model="sim-unknown", contents=HELLO)
    with pytest.raises(errors.ClientError, match="knows no option"):
        client.models.generate_content(model=with_options("statsu=3"), contents=HELLO)


# Faults


def test_an_error_in_the_middle_of_a_stream_is_an_error(client):
    chunks = []
    with pytest.raises(errors.APIError) as raised:
        for chunk in client.models.generate_content_stream(model=with_options("midstream_error=3"), contents=HELLO):
            chunks.append(chunk)
            assert chunk.candidates, "the client took the error for an answer"
    assert len(chunks) == 3
    assert raised.value.code == 502


def test_a_cut_stream_is_noticed(client):
    with pytest.raises(Exception) as raised:
        list(client.models.generate_content_stream(model=with_options("cut_after_events=3"), contents=HELLO))
    assert not isinstance(raised.value, AssertionError)


@pytest.mark.parametrize("way", ["split=7", "http_chunk=3", "framing=close", "sse=lf", "gzip=1"])
def test_other_spellings_of_the_stream_read_the_same(client, way):
    usual = text_of(client.models.generate_content_stream(model="sim", contents=HELLO))
    assert text_of(client.models.generate_content_stream(model=with_options(way), contents=HELLO)) == usual


@pytest.mark.parametrize("way", ["zero", "none", "wrong", "late", "double", "in_choice"])
def test_usage_can_be_a_lie(client, base, way):
    key = f"gk-{uuid.uuid4()}"
    own = connect(base, key)
    chunks = list(own.models.generate_content_stream(model=with_options(f"usage={way}"), contents=HELLO))
    (call,) = calls_with(base, key)
    told = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    if way == "none":
        assert not told
        return
    last = told[-1]
    match way:
        case "zero":
            assert last.prompt_token_count == 0 and last.total_token_count == 0
        case "wrong":
            assert last.prompt_token_count == call["prompt_tokens"] * 10 + 7
        case "late":
            assert len(told) == 1 and not chunks[-1].candidates
        case "double":
            assert not chunks[-1].candidates and told[-2] == told[-1]
        case "in_choice":
            assert len(told) == 1 and chunks[-1].candidates
    assert call["usage_written"]


def test_scripts_meet_calls_by_key_and_by_model(base):
    key = f"gk-{uuid.uuid4()}"
    control(
        base,
        "POST",
        "/sim/script",
        [{"match": {"key": key, "model": "sim"}, "times": 1, "fault": {"status": 503}}],
    )
    client = connect(base, key)
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model="sim", contents=HELLO)
    assert client.models.generate_content(model="sim", contents=HELLO).text
    calls = calls_with(base, key)
    assert [call["status"] for call in calls] == [503, 200]
    assert calls[0]["authorization_suffix"] == key[-4:]
    assert calls[1]["model"] == "sim" and calls[1]["stream"] is False
    assert calls[1]["tokens_written"] == calls[1]["completion_tokens"]
    assert calls[1]["ending"] == "completed"


def test_a_context_can_run_out_and_an_answer_be_empty(client):
    with pytest.raises(errors.ClientError, match="exceeds the maximum number of tokens") as raised:
        client.models.generate_content(model=with_options("context=5"), contents=HELLO)
    assert raised.value.code == 400 and raised.value.status == "INVALID_ARGUMENT"
    answer = client.models.generate_content(model=with_options("empty=1"), contents=HELLO)
    assert answer.candidates[0].content.role == "model" and not answer.candidates[0].content.parts
    assert text_of(client.models.generate_content_stream(model=with_options("empty=1"), contents=HELLO)) == ""
