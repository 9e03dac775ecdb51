"""A real model behind the gateway: llama.cpp's server with a tiny model of random weights, asked by the official SDKs.

Not part of `make test`, because the server takes minutes to compile: `make realmodel` runs it. What it says is nonsense;
what it says about it is not ours, unlike all that the simulator says.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import anthropic
import httpx
import openai
import pytest

from conftest import GATEWAY_KEY, Gateway, free_port, must_not_leak, poll

PYTHON = os.environ.get("TURNPIKE_MODEL_PYTHON", "")
INPUT_PRICE, OUTPUT_PRICE = 1, 2
MODEL = "llamacpp/tiny-random"
HELLO = [{"role": "user", "content": "Say something."}]

numbers = iter(range(1, 1_000_000))


@pytest.fixture(scope="session")
def model_server(tmp_path_factory):
    """The server's address."""
    assert PYTHON, "TURNPIKE_MODEL_PYTHON names no Python that has llama_cpp; make realmodel does"
    folder = tmp_path_factory.mktemp("model")
    file, port = folder / "tiny.gguf", free_port()
    subprocess.run([PYTHON, pathlib.Path(__file__).with_name("tiny_model.py"), file], check=True)
    arguments = ["--model", file, "--model_alias", "tiny-random", "--host", "127.0.0.1", "--port", str(port),
                 "--n_ctx", "512", "--n_threads", "1", "--embedding", "true"]
    with (folder / "server.txt").open("wb") as output:
        server = subprocess.Popen([PYTHON, "-m", "llama_cpp.server", *map(str, arguments)], stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}/v1"

        def answers() -> bool:
            assert server.poll() is None, (folder / "server.txt").read_text()[-3000:]
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{address}/models", timeout=5).status_code == 200
            return False

        poll(answers, 60, 0.1, "the model's server answers")
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def gateway(model_server, tmp_path_factory):
    settings = {
        # By this name it needs no key.
        "providers": {"llamacpp": {"kind": "openai", "base_url": model_server, "allow_private": True}},
        "defaults": {"model": MODEL, "provider": "llamacpp"},
        "prices": {"llamacpp/*": {"input": INPUT_PRICE, "output": OUTPUT_PRICE}},
        "bootstrap": {"groups": [{"id": "demo", "keys": [{"name": "dev", "secret": GATEWAY_KEY}]}]},
    }
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), settings)
    yield gateway
    gateway.stop()
    must_not_leak(gateway)


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def claude(gateway):
    with anthropic.Anthropic(base_url=gateway.root, api_key=GATEWAY_KEY, max_retries=0, timeout=60) as client:
        yield client


def tagged() -> tuple[int, dict]:
    number = next(numbers)
    return number, {"x-turnpike-metadata": json.dumps({"n": number})}


def accounted(gateway, number: int) -> dict:
    """The one row of a call in the ledger."""
    import sqlite3

    def find():
        with contextlib.closing(sqlite3.connect(f"file:{gateway.data}/turnpike.db?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM ledger").fetchall()
        return [dict(row) for row in rows if json.loads(row["metadata"] or "{}").get("n") == number]

    rows = poll(find, 20, 0.05, f"call {number} is in the ledger")
    assert len(rows) == 1, rows
    assert rows[0]["outcome"] == "ok" and rows[0]["is_charged"] == 1, rows
    tokens = INPUT_PRICE * rows[0]["input_tokens"] + OUTPUT_PRICE * rows[0]["output_tokens"]
    assert rows[0]["charged"] == tokens > 0
    return rows[0]


def test_its_models_are_listed(client):
    assert any("tiny-random" in model.id for model in client.models.list())


def test_a_chat_is_answered_and_billed_by_what_the_server_says(gateway, client):
    number, headers = tagged()
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=24, seed=1, extra_headers=headers)
    assert answer.choices[0].message.role == "assistant" and answer.choices[0].finish_reason in ("length", "stop")
    row = accounted(gateway, number)
    assert row["usage_source"] == "provider"
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert 0 < row["output_tokens"] <= 24


def test_a_stream_that_says_nothing_of_usage_is_estimated(gateway, client):
    number, headers = tagged()
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=24, seed=1, stream=True, extra_headers=headers
        )
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].choices[0].finish_reason in ("length", "stop")
    row = accounted(gateway, number)
    if row["usage_source"] != "provider":
        assert row["usage_source"] == "estimated"
        # A token for each character at most, and one for every few at least.
        assert row["input_tokens"] > 0 and 0 < row["output_tokens"] <= max(24, len(said) + 1)


def test_the_same_seed_says_the_same_streamed_or_not(client):
    asked = {"model": MODEL, "messages": HELLO, "max_tokens": 16, "seed": 3, "temperature": 0}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    chunks = client.chat.completions.create(**asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_come_as_the_sdk_wants_them(gateway, client, encoding):
    number, headers = tagged()
    answer = client.embeddings.create(
        model=MODEL, input=["one text", "and another"], encoding_format=encoding, extra_headers=headers
    )
    assert [vector.index for vector in answer.data] == [0, 1]
    row = accounted(gateway, number)
    assert row["input_tokens"] == answer.usage.prompt_tokens


def test_a_message_of_anthropics_sdk(gateway, claude):
    number, headers = tagged()
    answer = claude.messages.create(model=MODEL, max_tokens=24, messages=HELLO, extra_headers=headers)
    assert answer.role == "assistant" and answer.stop_reason in ("max_tokens", "end_turn")
    row = accounted(gateway, number)
    assert row["usage_source"] == "provider"
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)


def test_a_streamed_message_of_anthropics_sdk(gateway, claude):
    number, headers = tagged()
    with claude.messages.stream(model=MODEL, max_tokens=24, messages=HELLO, extra_headers=headers) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(block.text for block in final.content if block.type == "text") == said
    assert final.stop_reason in ("max_tokens", "end_turn")
    assert accounted(gateway, number)["output_tokens"] > 0


def test_a_response_is_answered_kept_and_gone_on_from(gateway, client):
    number, headers = tagged()
    first = client.responses.create(model=MODEL, input="Say something.", max_output_tokens=16, extra_headers=headers)
    accounted(gateway, number)
    assert client.responses.retrieve(first.id).to_dict() == first.to_dict()
    second = client.responses.create(
        model=MODEL, input="Go on.", max_output_tokens=16, previous_response_id=first.id
    )
    assert second.previous_response_id == first.id


def test_a_prompt_beyond_its_context_is_refused_as_one(client):
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "too long " * 400}], max_tokens=8
        )
    assert raised.value.status_code in (400, 413), raised.value


def test_who_leaves_frees_the_model(gateway, client):
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=400, seed=5, stream=True)
    next(iter(stream))
    stream.close()
    # The server has one model and one call at a time.
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4)
    assert answer.usage.completion_tokens <= 4


if __name__ == "__main__":
    sys.exit("run by: make realmodel")
