"""What the gateway does not know passes unchanged, both ways; what policy reads is read once (row 17)."""

import json

import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY
from wire import events

# Spaces, order, numbers and escapes as no serialiser would write them.
STRANGE = (
    b'{ "future_field" : {"a":[1e2,-0,1.10,12345678901234567890123,0.1e-7],"b":"\\u00e9\\/\\ud83d\\ude00"} ,'
    b'"model":"sim/sim-mini","messages":[{"role":"user","content":"\xc3\xa9t\\u00e9","x_unknown":null}],'
    b'"temperature":0.30000000000000004, "metadata":{"k":"v"}  }\n'
)


def post(gateway, body: bytes, **headers):
    return gateway.http.post("/v1/chat/completions", content=body, headers={"content-type": "application/json", **headers})


def test_the_provider_gets_the_clients_bytes_with_its_own_model_name(gateway, simulator):
    answer = post(gateway, STRANGE)
    assert answer.status_code == 200, answer.text
    seen = simulator.calls()[0]["body"].encode()
    assert seen.strip() == STRANGE.replace(b'"sim/sim-mini"', b'"sim-mini"').strip()


def test_a_stream_adds_stream_options_and_nothing_else(gateway, simulator):
    body = STRANGE.replace(b'"metadata"', b'"stream":true,"metadata"')
    answer = post(gateway, body)
    assert answer.status_code == 200 and answer.text.rstrip().endswith("data: [DONE]")
    seen = json.loads(simulator.calls()[0]["body"])
    assert seen.pop("stream_options") == {"include_usage": True}
    assert seen == {**json.loads(body), "model": "sim-mini"}


def test_stream_options_of_the_client_survive(gateway, simulator):
    body = json.loads(STRANGE) | {"stream": True, "stream_options": {"include_obfuscation": False, "future": 1}}
    assert post(gateway, json.dumps(body).encode()).status_code == 200
    seen = json.loads(simulator.calls()[0]["body"])["stream_options"]
    assert seen == {"include_obfuscation": False, "future": 1, "include_usage": True}


def test_fields_of_the_answer_survive(gateway, simulator):
    body = {"model": "sim", "messages": [{"role": "user", "content": "Say something."}]}
    through = gateway.http.post("/v1/chat/completions", json=body | {"model": "openrouter/sim"}).json()
    straight = simulator.http.post(
        "/api/v1/chat/completions", json=body, headers={"authorization": f"Bearer {PROVIDER_KEY}"}
    ).json()
    for answer in (through, straight):
        for changing in ("id", "created"):
            answer.pop(changing)
    assert through == straight
    assert "provider" in through and "native_finish_reason" in through["choices"][0]


def test_events_of_the_answer_survive(gateway, simulator):
    body = {"model": "sim", "messages": [{"role": "user", "content": "Say something."}], "stream": True}
    ask_usage = {"stream_options": {"include_usage": True}}

    def parsed(text):
        found = [json.loads(data) for data in events(text) if data != "[DONE]"]
        for event in found:
            event.pop("id"), event.pop("created")
        return found

    through = gateway.http.post("/v1/chat/completions", json=body | ask_usage | {"model": "sim/sim"})
    straight = simulator.http.post(
        "/v1/chat/completions", json=body | ask_usage, headers={"authorization": f"Bearer {PROVIDER_KEY}"}
    )
    assert parsed(through.text) == parsed(straight.text) != []


@pytest.mark.parametrize("variant", ["cr", "lf", "crlf", "mixed", "bom", "comments", "multiline", "nospace", "nofinal", "fields"])
def test_any_form_of_event_stream_arrives_as_the_same_words(gateway, variant):
    def words(model):
        answer = gateway.http.post(
            "/v1/chat/completions",
            json={"model": model, "stream": True, "messages": [{"role": "user", "content": "Say something."}]},
        )
        assert answer.status_code == 200
        parts = events(answer.content.decode())
        # An event without the blank line that ends it does not count: so the rules say, and here that is the last one.
        assert parts.pop() == "[DONE]" if variant != "nofinal" else parts
        parts = [part for part in parts if part != "[DONE]"]
        return "".join(choice["delta"].get("content") or "" for part in parts for choice in json.loads(part)["choices"])

    assert words(f"sim/sim?sse={variant}") == words("sim/sim") != ""


def test_useful_headers_pass_and_others_do_not(gateway):
    answer = gateway.chat("sim/sim?hostile_headers=1")
    names = {name.lower() for name in answer.headers}
    assert answer.status_code == 200
    assert not names & {"set-cookie", "location", "server-timing", "proxy-authenticate", "upgrade", "x-turnpike-evil"}


DUPLICATES = {
    "model twice": b'{"model":"fast","model":"sim/other","messages":[]}',
    "model once escaped": b'{"model":"fast","mod\\u0065l":"sim/other","messages":[]}',
    "stream twice": b'{"model":"fast","stream":false,"stream":true,"messages":[]}',
    "stream options twice": b'{"model":"fast","stream":true,"stream_options":{},"stream_options":{"include_usage":true},"messages":[]}',
    "include_usage twice": b'{"model":"fast","stream":true,"stream_options":{"include_usage":false,"include_usage":true},"messages":[]}',
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_field_that_policy_reads_may_stand_there_once(gateway, simulator, name):
    answer = post(gateway, DUPLICATES[name])
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "invalid_request"
    assert simulator.calls() == []


BROKEN = {
    "nothing": b"",
    "half an object": b'{"model":"fast"',
    "something behind it": b'{"model":"fast","messages":[]} x',
    "an array": b"[]",
    "a text": b'"fast"',
    "not a number": b'{"model":"fast","temperature":NaN,"messages":[]}',
    "bytes that are not UTF-8": b'{"model":"fast","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "a control character": b'{"model":"fast","messages":[{"role":"user","content":"a\x01b"}]}',
    "a trailing comma": b'{"model":"fast","messages":[],}',
    "very deep": b'{"model":"fast","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a model that is no text": b'{"model":7,"messages":[]}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_body_is_a_clear_400(gateway, simulator, name):
    answer = post(gateway, BROKEN[name])
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] in ("invalid_json", "invalid_request") and error["message"] and "type" in error and "param" in error
    assert simulator.calls() == []


def test_a_compressed_body_is_refused_in_words(gateway, simulator):
    answer = post(gateway, b"\x1f\x8b\x08\x00", **{"content-encoding": "gzip"})
    assert answer.status_code == 415 and answer.json()["error"]["code"] == "unsupported_media_type"
    assert simulator.calls() == []


def test_a_body_over_the_limit_is_refused(start_gateway):
    gateway = start_gateway(server={"max_body": "64KiB"})
    large = json.dumps({"model": "fast", "messages": [{"role": "user", "content": "x" * 70_000}]}).encode()
    answer = post(gateway, large)
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "payload_too_large"

    def pieces():
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    chunked = gateway.http.post("/v1/chat/completions", content=pieces(), headers={"content-type": "application/json"})
    assert chunked.status_code == 413


def test_a_large_body_within_the_limit_passes_whole(gateway, simulator):
    text = "x" * 3_000_000
    assert gateway.chat("fast", text).status_code == 200
    assert simulator.calls()[0]["body_bytes"] > len(text)
    assert GATEWAY_KEY not in json.dumps(simulator.calls()[0]["headers"])
