"""Amazon's official client against the simulator itself, without a gateway between them.

TURNPIKE_SIM_URL names the simulator, without a path: http://127.0.0.1:9999
"""

import base64
import contextlib
import json
import os
import socket
import urllib.error
import urllib.request
import uuid

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError, EventStreamError
from botocore.tokens import FrozenAuthToken

from conftest import BINARY, Program, free_port, poll
from test_tls import Authority

ACCESS = "AKIASIMULATOR0000001"
SECRET = "simulated/secret+with=signs/0123456789abcdef"
HELLO = [{"role": "user", "content": [{"text": "What is a turnpike?"}]}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = {"toolSpec": {"name": "get_weather", "description": "The weather", "inputSchema": {"json": SCHEMA}}}
TOOLS = {"tools": [WEATHER]}


@pytest.fixture(scope="module")
def base() -> str:
    url = os.environ.get("TURNPIKE_SIM_URL")
    assert url, "TURNPIKE_SIM_URL is not set: start `turnpike simulate` and name it, e.g. http://127.0.0.1:9999"
    return url.rstrip("/")


def connect(
    base: str,
    access: str = ACCESS,
    secret: str = SECRET,
    token: str | None = None,
    service="bedrock-runtime",
    verify: str | None = None,
):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=base,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token,
        verify=verify,
        config=botocore.config.Config(
            retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20, signature_version="v4"
        ),
    )


@pytest.fixture(scope="module")
def client(base):
    return connect(base)


def control(base: str, method: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def calls_with(base: str, access: str) -> list[dict]:
    calls = control(base, "GET", "/sim/record")["calls"]
    return [call for call in calls if f"Credential={access}/" in call["headers"].get("authorization", "")]


def text_of(answer) -> str:
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def collect(client, **request):
    """The events of a stream, and what a client puts together from them."""
    events = list(client.converse_stream(**request)["stream"])
    text = "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)
    return events, text


def refused(call) -> ClientError:
    with pytest.raises(ClientError) as raised:
        call()
    return raised.value


# Plain answers and streams


def test_a_plain_answer_names_its_usage_and_repeats_the_question(client):
    answer = client.converse(modelId="sim", messages=HELLO)
    assert "What is a turnpike?" in text_of(answer)
    assert answer["output"]["message"]["role"] == "assistant"
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    # "What", " is", " a", " turnpike", "?" and 4 for the message and 3 for the answer
    assert usage["inputTokens"] == 12
    assert usage["totalTokens"] == 12 + usage["outputTokens"]
    assert answer["metrics"]["latencyMs"] >= 0
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_stream_says_the_same_and_tells_its_usage_last(client):
    plain = client.converse(modelId="sim", messages=HELLO)
    events, text = collect(client, modelId="sim", messages=HELLO)
    assert text == text_of(plain)
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart"
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    assert "contentBlockStart" not in names
    assert events[-1]["metadata"]["usage"] == plain["usage"]
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"


def test_a_model_with_a_version_is_signed_as_it_should_be(client, base):
    model = "anthropic.claude-sim-v1:0"
    assert text_of(client.converse(modelId=model, messages=HELLO))
    call = calls_with(base, ACCESS)[-1]
    assert call["path"] == "/model/anthropic.claude-sim-v1%3A0/converse"
    assert call["model"] == model
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sim"
    assert text_of(client.converse(modelId=arn, messages=HELLO))
    assert calls_with(base, ACCESS)[-1]["model"] == "us.anthropic.claude-sim"


def test_limits_and_stop_sequences_end_an_answer(client):
    short = client.converse(modelId="sim", messages=HELLO, inferenceConfig={"maxTokens": 3})
    assert short["stopReason"] == "max_tokens" and short["usage"]["outputTokens"] == 3
    stopped = client.converse(
        modelId="sim?text=one,two,three",
        messages=HELLO,
        inferenceConfig={"stopSequences": ["two"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    assert text_of(stopped) == "one," and stopped["stopReason"] == "stop_sequence"
    assert stopped["additionalModelResponseFields"] == {"stop_sequence": "two"}


def test_system_images_and_documents_are_counted(client):
    plain = client.converse(modelId="sim", messages=HELLO)
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    document = {"document": {"format": "pdf", "name": "A file", "source": {"bytes": b"%PDF"}}}
    answer = client.converse(
        modelId="sim",
        messages=[{"role": "user", "content": [*HELLO[0]["content"], image, document]}],
        system=[{"text": "Be brief"}],
    )
    assert answer["usage"]["inputTokens"] == plain["usage"]["inputTokens"] + 2 * 85 + 6


# Thinking


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def test_thoughts_are_signed_and_must_come_back(client):
    request = dict(modelId="sim", toolConfig=TOOLS, additionalModelRequestFields=THINKING)
    answer = client.converse(messages=HELLO, **request)
    thought, use = answer["output"]["message"]["content"]
    assert "think" in thought["reasoningContent"]["reasoningText"]["text"]
    assert thought["reasoningContent"]["reasoningText"]["signature"]
    result = {"toolResult": {"toolUseId": use["toolUse"]["toolUseId"], "content": [{"text": "the violet heron"}]}}
    turn = {"role": "user", "content": [result]}
    final = client.converse(messages=[*HELLO, answer["output"]["message"], turn], **request)
    assert "the violet heron" in text_of(final)
    stripped = {"role": "assistant", "content": [use]}
    error = refused(lambda: client.converse(messages=[*HELLO, stripped, turn], **request))
    assert error.response["Error"]["Code"] == "ValidationException" and "thinking" in str(error)
    thought["reasoningContent"]["reasoningText"]["text"] += "!"
    error = refused(lambda: client.converse(messages=[*HELLO, {"role": "assistant", "content": [thought, use]}, turn], **request))
    assert "signature" in str(error)


def test_thoughts_stream_before_the_text_and_end_with_their_signature(client):
    events, text = collect(client, modelId="sim", messages=HELLO, additionalModelRequestFields=THINKING)
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    thoughts = [delta["delta"]["reasoningContent"] for delta in deltas if delta["contentBlockIndex"] == 0]
    assert all("text" in thought for thought in thoughts[:-1]) and thoughts[-1]["signature"]
    assert text and all("text" in delta["delta"] for delta in deltas if delta["contentBlockIndex"] == 1)
    plain = client.converse(modelId="sim", messages=HELLO, additionalModelRequestFields=THINKING)
    said = plain["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert "".join(thought["text"] for thought in thoughts[:-1]) == said["text"]
    assert thoughts[-1]["signature"] == said["signature"]


# Tools


def test_tools_stream_as_pieces_of_json(client):
    events, _ = collect(client, modelId="sim?tool_calls=2", messages=HELLO, toolConfig=TOOLS)
    starts = [event["contentBlockStart"] for event in events if "contentBlockStart" in event]
    assert [start["contentBlockIndex"] for start in starts] == [0, 1]
    assert all(start["start"]["toolUse"]["name"] == "get_weather" for start in starts)
    assert len({start["start"]["toolUse"]["toolUseId"] for start in starts}) == 2
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    first = "".join(delta["delta"]["toolUse"]["input"] for delta in deltas if delta["contentBlockIndex"] == 0)
    assert json.loads(first) == {"city": "sample city", "days": 5}
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"


def test_a_tool_loop_and_its_rules(client):
    answer = client.converse(modelId="sim", messages=HELLO, toolConfig=TOOLS)
    assert answer["stopReason"] == "tool_use"
    said = answer["output"]["message"]
    use = said["content"][0]["toolUse"]
    assert use["input"] == {"city": "sample city", "days": 5}
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"sky": "violet"}}], "status": "success"}}
    turn = {"role": "user", "content": [result]}
    final = client.converse(modelId="sim", messages=[*HELLO, said, turn], toolConfig=TOOLS)
    assert "violet" in text_of(final)
    for wrong, words in [
        (dict(messages=[*HELLO, said, turn]), "toolConfig field must be defined"),
        (dict(messages=[*HELLO, said, *HELLO], toolConfig=TOOLS), "Expected toolResult blocks at messages.2.content"),
        (dict(messages=[*HELLO, *HELLO]), "must alternate"),
        (dict(messages=[said, turn], toolConfig=TOOLS), "must start with a user message"),
        (dict(messages=[{"role": "user", "content": [{"text": " "}]}]), "is blank"),
    ]:
        error = refused(lambda: client.converse(modelId="sim", **wrong))
        assert error.response["Error"]["Code"] == "ValidationException"
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert words in error.response["Error"]["Message"]


def test_tools_can_be_forced(client):
    now = {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object"}}}}
    config = {"tools": [WEATHER, now], "toolChoice": {"tool": {"name": "now"}}}
    answer = client.converse(modelId="sim", messages=HELLO, toolConfig=config)
    assert answer["output"]["message"]["content"][0]["toolUse"]["name"] == "now"
    assert answer["output"]["message"]["content"][0]["toolUse"]["input"] == {}
    # Without arguments the one delta is empty: whoever parses it as JSON fails.
    events, _ = collect(client, modelId="sim", messages=HELLO, toolConfig=config)
    inputs = [event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in events if "contentBlockDelta" in event]
    assert inputs == [""]


def test_broken_arguments_are_told_in_a_stream_only(client):
    plain = client.converse(modelId="sim?broken_arguments=1", messages=HELLO, toolConfig=TOOLS)
    assert plain["stopReason"] == "malformed_tool_use" and not plain["output"]["message"]["content"]
    events, _ = collect(client, modelId="sim?broken_arguments=1", messages=HELLO, toolConfig=TOOLS)
    said = "".join(
        event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in events if "contentBlockDelta" in event
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(said)


def test_a_schema_gets_an_instance(client):
    structure = {"jsonSchema": {"name": "trip", "schema": json.dumps(SCHEMA)}}
    answer = client.converse(
        modelId="sim",
        messages=HELLO,
        outputConfig={"textFormat": {"type": "json_schema", "structure": structure}},
    )
    assert json.loads(text_of(answer)) == {"city": "sample city", "days": 5}


# The other methods


def invoke(client, model, body):
    answer = client.invoke_model(modelId=model, body=json.dumps(body))
    return json.loads(answer["body"].read()), answer["ResponseMetadata"]["HTTPHeaders"]


def test_titan_makes_vectors(client):
    answer, headers = invoke(
        client, "amazon.titan-embed-text-v2:0", {"inputText": "the red cat", "dimensions": 256, "normalize": True}
    )
    assert len(answer["embedding"]) == 256 and answer["inputTextTokenCount"] == 3
    assert answer["embeddingsByType"]["float"] == answer["embedding"]
    assert headers["x-amzn-bedrock-input-token-count"] == "3"
    error = refused(lambda: invoke(client, "amazon.titan-embed-text-v2:0", {"inputText": "x", "dimensions": 100}))
    assert error.response["Error"]["Code"] == "ValidationException"
    error = refused(lambda: invoke(client, "amazon.titan-embed-text-v2:0", {"inputText": "x", "input": "y"}))
    assert "extraneous key [input] is not permitted" in str(error)


def test_cohere_makes_vectors(client):
    body = {"texts": ["the red cat", "a red cat"], "input_type": "search_document"}
    answer, _ = invoke(client, "cohere.embed-english-v3", body)
    assert answer["response_type"] == "embeddings_floats"
    assert [len(vector) for vector in answer["embeddings"]] == [1024, 1024]
    answer, _ = invoke(client, "cohere.embed-english-v3", {**body, "embedding_types": ["float", "int8"]})
    assert answer["response_type"] == "embeddings_by_type"
    assert set(answer["embeddings"]) == {"float", "int8"}
    error = refused(lambda: invoke(client, "cohere.embed-english-v3", {"texts": ["x"]}))
    assert "input_type" in str(error)


def test_tokens_are_counted_as_they_are_billed(client):
    counted = client.count_tokens(modelId="sim", input={"converse": {"messages": HELLO}})
    assert counted["inputTokens"] == 12


def test_models_are_listed(base):
    models = connect(base, service="bedrock").list_foundation_models()["modelSummaries"]
    assert "sim" in [model["modelId"] for model in models]


# Keys


class Guarded(Program):
    """A simulator that knows two credentials and a bearer key: over TLS, without which the client sends no bearer key."""

    keys = [f"{ACCESS}:{SECRET}", f"AKIATOKEN:{SECRET}:the-token", "bedrock-api-key"]

    def __init__(self, folder):
        authority = Authority(folder / "authority")
        certificate, key_file = authority.certificate("simulator")
        self.port, self.authority = free_port(), str(authority.file)
        self.root = f"https://localhost:{self.port}"
        super().__init__(
            ["simulate", "--listen", f"127.0.0.1:{self.port}", "--pace", "none"]
            + ["--certificate-file", certificate, "--key-file", key_file]
            + [argument for key in self.keys for argument in ("--key", key)],
            folder / "simulator",
        )
        poll(self.answers, message="the simulator answers")

    def answers(self) -> bool:
        self.must_live()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def signing(self, access: str = ACCESS, secret: str = SECRET, token: str | None = None):
        return connect(self.root, access, secret, token, verify=self.authority)

    def bearing(self, key: str):
        client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=self.root,
            verify=self.authority,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, signature_version="bearer"),
        )
        client._request_signer._auth_token = FrozenAuthToken(key)
        return client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    if not BINARY.exists():
        pytest.skip(f"{BINARY} is not there")
    (tmp_path := tmp_path_factory.mktemp("guarded")).mkdir(exist_ok=True)
    simulator = Guarded(tmp_path)
    yield simulator
    simulator.stop()


def test_signatures_and_bearer_keys_are_checked_where_they_are_known(guarded):
    assert text_of(guarded.signing().converse(modelId="anthropic.claude-sim-v1:0", messages=HELLO))
    assert collect(guarded.signing(), modelId="sim?unicode=1", messages=HELLO)[1]
    assert text_of(guarded.signing("AKIATOKEN", token="the-token").converse(modelId="sim", messages=HELLO))
    assert text_of(guarded.bearing("bedrock-api-key").converse(modelId="sim", messages=HELLO))
    for wrong, code in [
        (guarded.signing(secret="wrong"), "InvalidSignatureException"),
        (guarded.signing("AKIAOTHER"), "UnrecognizedClientException"),
        (guarded.signing("AKIATOKEN"), "UnrecognizedClientException"),
        (guarded.signing("AKIATOKEN", token="another"), "UnrecognizedClientException"),
        (guarded.bearing("wrong"), "AccessDeniedException"),
        (guarded.bearing(f"{ACCESS}:{SECRET}"), "AccessDeniedException"),
    ]:
        error = refused(lambda: wrong.converse(modelId="sim", messages=HELLO))
        assert error.response["Error"]["Code"] == code
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


# Errors


@pytest.mark.parametrize(
    "status, code",
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_errors_are_the_clients_own_classes(client, status, code):
    with pytest.raises(getattr(client.exceptions, code)) as raised:
        client.converse(modelId=f"sim?status={status}", messages=HELLO)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    with pytest.raises(getattr(client.exceptions, code)):
        client.converse_stream(modelId=f"sim?status={status}", messages=HELLO)


def test_another_exception_can_be_named(client):
    model = "sim?status=429&error_type=ModelNotReadyException&error_message=Not%20yet"
    with pytest.raises(client.exceptions.ModelNotReadyException, match="Not yet"):
        client.converse(modelId=model, messages=HELLO)


def test_unknown_models_and_options(client):
    assert "identifier is invalid" in str(refused(lambda: client.converse(modelId="sim-unknown", messages=HELLO)))
    assert "knows no option" in str(refused(lambda: client.converse(modelId="sim?statsu=1", messages=HELLO)))


# Faults


@pytest.mark.parametrize(
    "option, code",
    [
        ("", "modelStreamErrorException"),
        ("&error_type=ThrottlingException", "throttlingException"),
        ("&error_type=ServiceUnavailableException", "serviceUnavailableException"),
    ],
)
def test_an_exception_in_the_middle_of_a_stream(client, option, code):
    events = []
    with pytest.raises(EventStreamError) as raised:
        for event in client.converse_stream(modelId=f"sim?midstream_error=3{option}", messages=HELLO)["stream"]:
            events.append(event)
    assert len(events) == 3
    assert raised.value.response["Error"]["Code"] == code


def test_cut_streams_are_noticed(client):
    for model in ["sim?cut_after_events=3", "sim?cut_mid_event=3", "sim?cut_after_events=3&cut=reset"]:
        with pytest.raises(Exception):
            collect(client, modelId=model, messages=HELLO)


@pytest.mark.parametrize("way", ["split=7", "http_chunk=3", "framing=close", "gzip=0", "trailers=1"])
def test_other_ways_over_the_wire_read_the_same(client, way):
    assert collect(client, modelId=f"sim?{way}", messages=HELLO)[1] == collect(client, modelId="sim", messages=HELLO)[1]


def test_usage_can_be_a_lie(client):
    true = client.converse(modelId="sim", messages=HELLO)["usage"]
    wrong, _ = collect(client, modelId="sim?usage=wrong", messages=HELLO)
    assert wrong[-1]["metadata"]["usage"]["inputTokens"] == true["inputTokens"] * 10 + 7
    none, _ = collect(client, modelId="sim?usage=none", messages=HELLO)
    assert "messageStop" in none[-1]
    double, _ = collect(client, modelId="sim?usage=double", messages=HELLO)
    assert "metadata" in double[-1] and "metadata" in double[-2]
    cached = client.converse(modelId="sim?cached=5", messages=HELLO)["usage"]
    assert cached["cacheReadInputTokens"] == 5
    assert cached["inputTokens"] == true["inputTokens"] - 5 and cached["totalTokens"] == true["totalTokens"]


def test_scripts_meet_calls_by_their_access_key(base):
    access = f"AKIA{uuid.uuid4().hex[:16].upper()}"
    control(base, "POST", "/sim/script", [{"match": {"key": access, "model": "sim"}, "times": 1, "fault": {"status": 503}}])
    client = connect(base, access)
    assert refused(lambda: client.converse(modelId="sim", messages=HELLO)).response["Error"]["Code"] == (
        "ServiceUnavailableException"
    )
    _, text = collect(client, modelId="sim", messages=HELLO)
    first, second = calls_with(base, access)
    assert [first["status"], second["status"]] == [503, 200]
    assert text and second["stream"] is True and first["stream"] is False
    assert second["tokens_written"] == second["completion_tokens"]
    assert second["usage_written"] and second["ending"] == "completed"


def test_a_blob_survives(client):
    # The padding and everything else that a client does not know must not disturb it.
    assert base64.b64decode(base64.b64encode(b"x")) == b"x"
    events, _ = collect(client, modelId="sim?unicode=1", messages=HELLO)
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    for separator in ["\u2028", "\u2029", "\u0085", "\u0000", "👩\u200d🚀"]:
        assert separator in text


def test_a_context_can_run_out_and_an_answer_be_empty(client):
    error = refused(lambda: client.converse(modelId="sim?context=5", messages=HELLO))
    assert error.response["Error"]["Code"] == "ValidationException" and "too long" in str(error)
    assert client.converse(modelId="sim?empty=1", messages=HELLO)["output"]["message"]["content"] == []
    events, text = collect(client, modelId="sim?empty=1", messages=HELLO)
    assert text == "" and [next(iter(event)) for event in events] == ["messageStart", "messageStop", "metadata"]


def test_a_cache_point_is_written_and_then_read(client):
    system = [{"text": f"Know this by heart: {uuid.uuid4()}"}, {"cachePoint": {"type": "default"}}]
    first, second = (client.converse(modelId="sim", messages=HELLO, system=system)["usage"] for _ in range(2))
    assert first["cacheReadInputTokens"] == 0 and first["cacheWriteInputTokens"] > 0
    assert first["cacheDetails"] == [{"ttl": "5m", "inputTokens": first["cacheWriteInputTokens"]}]
    assert second["cacheReadInputTokens"] == first["cacheWriteInputTokens"] and second["cacheWriteInputTokens"] == 0
    assert first["totalTokens"] == second["totalTokens"]
