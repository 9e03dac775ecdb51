"""What a translation could not say is named, what was used is counted, and what needs no translation is not touched."""

import contextlib
import http.server
import json
import threading

import anthropic
import httpx
import openai
import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY, poll
from dialects import BILLED_KEY, NAMES, QUESTION, WEATHER_SCHEMA

HELLO = [{"role": "user", "content": QUESTION}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "w", "parameters": WEATHER_SCHEMA}}
every_provider = pytest.mark.parametrize("provider", NAMES)

# Fields of the clients' bodies that a provider has no words for.
CHAT_LOSSES = {
    "compatible": set(),
    "openai": set(),
    "mistral": {"logit_bias", "messages[0].name"},
    "anthropic": {"seed", "logit_bias", "messages[0].name"},
    "gemini": {"logit_bias", "messages[0].name"},
    "cohere": {"logit_bias", "messages[0].name"},
    "bedrock": {"seed", "logit_bias", "messages[0].name"},
    "bedrock-signed": {"seed", "logit_bias", "messages[0].name"},
}
MESSAGES_LOSSES = {
    "compatible": {"top_k", "system[0].cache_control"},
    "openai": {"top_k", "system[0].cache_control"},
    "mistral": {"top_k", "system[0].cache_control"},
    "anthropic": set(),
    "gemini": {"system[0].cache_control"},
    "cohere": {"system[0].cache_control"},
    # What a model at Bedrock takes depends on its maker, and nobody knows whose this one is.
    "bedrock": {"top_k", "system[0].cache_control"},
    "bedrock-signed": {"top_k", "system[0].cache_control"},
}


def named(headers) -> set[str]:
    return {path.strip() for path in headers.get("x-turnpike-dropped", "").split(",") if path.strip()}


@pytest.fixture
def client(world):
    with openai.OpenAI(base_url=world.url, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


def chat(client, provider, **more):
    return client.chat.completions.with_raw_response.create(
        model=f"{provider}/sim",
        messages=[{"role": "user", "name": "Ada", "content": QUESTION}],
        seed=7,
        logit_bias={"1": 1},
        **more,
    )


def messages(world, provider, model="sim", **headers):
    body = {
        "model": f"{provider}/{model}",
        "max_tokens": 500,
        "top_k": 5,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": HELLO,
    }
    fields = {"x-api-key": GATEWAY_KEY, "anthropic-version": "2023-06-01", **headers}
    return httpx.post(f"{world.root}/v1/messages", json=body, headers=fields, timeout=20)


@every_provider
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_lost_of_a_chat_is_named(client, provider, stream):
    answer = chat(client, provider, stream=stream)
    assert named(answer.headers) == CHAT_LOSSES[provider]
    answer.parse().close() if stream else answer.parse()


@every_provider
def test_a_strict_chat_loses_nothing_or_is_refused(world, client, provider):
    strict = {"x-turnpike-strict": "true"}
    if not CHAT_LOSSES[provider]:
        assert chat(client, provider, extra_headers=strict).parse().choices[0].message.content
        return
    with pytest.raises(openai.BadRequestError) as raised:
        chat(client, provider, extra_headers=strict)
    assert all(path in raised.value.message for path in CHAT_LOSSES[provider]), raised.value.message
    assert world.simulator.calls() == []


def test_strict_may_be_said_to_be_off(client):
    answer = chat(client, "anthropic", extra_headers={"x-turnpike-strict": "false"})
    assert named(answer.headers) == CHAT_LOSSES["anthropic"]


@every_provider
def test_what_is_lost_of_a_message_is_named_or_refused(world, provider):
    answer = messages(world, provider)
    assert answer.status_code == 200, answer.text
    assert named(answer.headers) == MESSAGES_LOSSES[provider]
    world.simulator.clear()
    strict = messages(world, provider, **{"x-turnpike-strict": "true"})
    if not MESSAGES_LOSSES[provider]:
        assert strict.status_code == 200
        return
    assert strict.status_code == 400 and strict.json()["error"]["type"] == "invalid_request_error"
    assert all(path in strict.json()["error"]["message"] for path in MESSAGES_LOSSES[provider])
    assert world.simulator.calls() == []


def test_a_claude_at_bedrock_is_told_what_claude_knows(world):
    answer = messages(world, "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", **{"x-turnpike-strict": "true"})
    assert answer.status_code == 200, answer.text
    assert "cachePoint" in world.seen()["body"] and "top_k" in world.seen()["body"]
    assert answer.json()["usage"]["cache_creation_input_tokens"] > 0


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"])
def test_what_is_said_by_other_means_is_named(client, provider):
    answer = client.chat.completions.with_raw_response.create(
        model=f"{provider}/sim", messages=[{"role": "user", "content": "JSON, please."}], response_format={"type": "json_object"}
    )
    assert answer.headers["x-turnpike-emulated"] == "response_format"


# Usage


def usage_of(world, provider) -> dict:
    fields = {"authorization": f"Bearer {BILLED_KEY}"}
    answer = httpx.get(f"{world.root}/api/v1/usage", params={"by": "provider", "provider": provider}, headers=fields)
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]
    return found[0] if found else {"attempts": 0, "ok": 0, "usage": {"inputTokens": 0, "outputTokens": 0}}


@every_provider
def test_the_ledger_has_what_the_provider_counted(world, provider):
    before, known = world.simulator.http.get("/sim/totals").json(), usage_of(world, provider)
    chat = openai.OpenAI(base_url=world.url, api_key=BILLED_KEY, max_retries=0, timeout=20)
    claude = anthropic.Anthropic(base_url=world.root, api_key=BILLED_KEY, max_retries=0, timeout=20)
    sim = f"{provider}/sim"
    chat.chat.completions.create(model=sim, messages=HELLO, tools=[WEATHER])
    list(chat.chat.completions.create(model=sim, messages=HELLO, stream=True))
    list(chat.chat.completions.create(model=sim, messages=HELLO, stream=True, tools=[WEATHER]))
    chat.chat.completions.create(model=f"{sim}?cached=3", messages=HELLO)
    chat.chat.completions.create(model=f"{sim}-reasoner", messages=HELLO)
    chat.responses.create(model=sim, input=QUESTION)
    list(chat.responses.create(model=sim, input=QUESTION, stream=True))
    claude.messages.create(model=sim, max_tokens=500, messages=HELLO)
    with claude.messages.stream(model=sim, max_tokens=500, messages=HELLO) as stream:
        stream.until_done()
    with pytest.raises(openai.APIStatusError):
        chat.chat.completions.create(model=f"{sim}?status=500", messages=HELLO)

    def written():
        row = usage_of(world, provider)
        return row if row["ok"] - known["ok"] == 9 else None

    row = poll(written, message="nine calls are in the ledger")
    after = world.simulator.http.get("/sim/totals").json()
    assert after["answered"] - before["answered"] == 9
    for ours, theirs in (("inputTokens", "prompt_tokens"), ("outputTokens", "completion_tokens")):
        assert row["usage"][ours] - known["usage"][ours] == after[theirs] - before[theirs] > 0, ours
    assert row["usageSource"]["estimated"] == 0


# The same dialect on both sides

STRANGE_REQUEST = (
    b'{ "future_field" : {"a":[1e2,-0,1.10,12345678901234567890123],"b":"\\u00e9\\/\\ud83d\\ude00"} ,\n'
    b'"model":"future/claude","max_tokens":100,"messages":[{"role":"user","content":[{"type":"hologram","x_unknown":null}]}],'
    b'"temperature":0.30000000000000004, "metadata":{"user_id":"u","more":[ ]}  }\n'
)
STRANGE_ANSWER = (
    b'{"id":"msg_1","type":"message", "role":"assistant","model":"claude","content":[{"type":"hologram","rays":[1.10, 2e0]},'
    b'{"type":"text","text":"caf\\u00e9","aura":null}],"stop_reason":"vanished","stop_sequence":null,'
    b'"usage":{"input_tokens":3,"output_tokens":4,"photons":5},"future":{ "k" : "\xc3\xa9" }}'
)
STRANGE_EVENTS = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1},"aura":7}}\n\n'
    b'event: hologram_start\ndata: {"type":"hologram_start", "rays":[1.10]}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","x":{ }}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"caf\\u00e9","y":1e2}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":4,"photons":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


@contextlib.contextmanager
def provider_of_the_future():
    """An Anthropic some years on, whose answers have what nobody knows yet. Keeps what it was sent."""
    kept = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.append((self.path, dict(self.headers.items()), body))
            is_stream = json.loads(body).get("stream") is True
            answer = STRANGE_EVENTS if is_stream else STRANGE_ANSWER
            self.send_response(200)
            self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()


def test_anthropic_to_anthropic_is_byte_for_byte(start_gateway):
    with provider_of_the_future() as (place, kept):
        gateway = start_gateway(
            {
                "providers": {"future": {"kind": "anthropic", "base_url": place, "allow_private": True}},
                "bootstrap": {
                    "groups": [
                        {
                            "id": "demo",
                            "credentials": [{"provider": "future", "api_key": PROVIDER_KEY}],
                            "keys": [{"name": "dev", "secret": GATEWAY_KEY}],
                        }
                    ]
                },
            }
        )
        fields = {
            "content-type": "application/json",
            "x-api-key": GATEWAY_KEY,
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "holograms-2031-01-01",
        }
        for body, expected in (
            (STRANGE_REQUEST, STRANGE_ANSWER),
            (STRANGE_REQUEST.replace(b'"max_tokens"', b'"stream":true,"max_tokens"'), STRANGE_EVENTS),
        ):
            answer = httpx.post(f"{gateway.root}/v1/messages", content=body, headers=fields, timeout=20)
            assert answer.status_code == 200 and answer.content == expected
            assert "x-turnpike-dropped" not in answer.headers
            path, headers, sent = kept[-1]
            headers = {name.lower(): value for name, value in headers.items()}
            assert path == "/v1/messages" and headers["x-api-key"] == PROVIDER_KEY
            assert (headers["anthropic-version"], headers["anthropic-beta"]) == ("2023-06-01", "holograms-2031-01-01")
            assert sent.strip() == body.replace(b'"future/claude"', b'"claude"').strip()
