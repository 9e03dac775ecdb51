"""Operations that are not chat, and a provider's own API, as applications use them."""

import io
import json
import os
import pathlib
import socket
import threading
import time

import httpx
import openai
import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY, configuration_for, poll


def sound(size: int) -> io.BytesIO:
    """Bytes that look like sound to nobody, and like boundaries here and there."""
    block = os.urandom(4096) + b"\r\n--" + os.urandom(60)
    data = io.BytesIO(b"RIFF" + (block * (size // len(block) + 1))[: size - 4])
    data.name = "speech.wav"
    return data


def resident(process) -> int:
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


# --- JSON in, JSON out


def test_moderations_are_the_providers(client, direct):
    through = client.moderations.create(model="sim/sim-mini", input=["a quiet walk", "attack the castle"])
    straight = direct.moderations.create(model="sim-mini", input=["a quiet walk", "attack the castle"])
    assert [r.model_dump() for r in through.results] == [r.model_dump() for r in straight.results]
    assert len(through.results) == 2


def test_images_whole_and_as_they_become_clear(client, direct):
    through = client.images.generate(model="sim/sim-mini", prompt="a heron", n=2)
    straight = direct.images.generate(model="sim-mini", prompt="a heron", n=2)
    assert [image.b64_json for image in through.data] == [image.b64_json for image in straight.data]
    assert through.usage.model_dump() == straight.usage.model_dump()
    with client.images.generate(model="sim/sim-mini", prompt="a heron", stream=True, partial_images=2) as stream:
        types = [event.type for event in stream]
    assert types[-1] == "image_generation.completed"
    assert "image_generation.partial_image" in types


def test_rerank_keeps_the_providers_order(gateway, simulator):
    body = {"query": "birds that fish", "documents": ["herons fish", "stones lie", "birds sing"], "top_n": 2}
    through = gateway.http.post("/v1/rerank", json={"model": "fast", **body})
    straight = httpx.post(
        f"{simulator.url}/rerank",
        json={"model": "sim-mini", **body},
        headers={"Authorization": f"Bearer {PROVIDER_KEY}"},
        trust_env=False,
    )
    assert through.status_code == straight.status_code == 200
    assert through.json()["results"] == straight.json()["results"]
    assert through.headers["x-turnpike-provider"] == "sim"


# --- Sound


def test_speech_streams_the_providers_bytes(client, direct):
    asked = {"voice": "alloy", "input": "The violet heron counts to nine. " * 20}
    with client.audio.speech.with_streaming_response.create(model="sim/sim-mini", **asked) as answer:
        pieces = list(answer.iter_bytes())
        content_type = answer.headers["content-type"]
    with direct.audio.speech.with_streaming_response.create(model="sim-mini", **asked) as answer:
        assert b"".join(pieces) == b"".join(answer.iter_bytes())
        assert content_type == answer.headers["content-type"]
    assert pieces and content_type.startswith("audio/")


def test_speech_in_events(gateway):
    body = {"model": "fast", "voice": "alloy", "input": "Hello there.", "stream_format": "sse"}
    with gateway.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        data = [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:") and "[DONE]" not in line]
    assert data[-1]["type"] == "speech.audio.done"
    assert data[0]["type"] == "speech.audio.delta"


@pytest.mark.parametrize("form", ["json", "text", "srt", "verbose_json", "vtt"])
def test_transcriptions_in_every_form(client, direct, form):
    through = client.audio.transcriptions.create(model="sim/sim-mini", file=sound(50_000), response_format=form)
    straight = direct.audio.transcriptions.create(model="sim-mini", file=sound(50_000), response_format=form)
    as_text = lambda answer: answer if isinstance(answer, str) else answer.text
    assert as_text(through) and isinstance(as_text(through), str)
    assert type(through) is type(straight)


def test_a_transcript_in_events(client):
    events = list(client.audio.transcriptions.create(model="fast", file=sound(10_000), stream=True))
    assert events[-1].type == "transcript.text.done"
    assert any(event.type == "transcript.text.delta" for event in events)


def test_thirty_megabytes_are_heard_and_never_held(start_gateway):
    """Row 20: eight files of 30 MB at once, in a gateway that may not hold one of them."""
    gateway = start_gateway(server={"max_body": "1MB", "max_inflight_body": "20MB"})
    gateway.chat("fast")
    before = resident(gateway.process)
    peak = [before]
    done = threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident(gateway.process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    failures = []

    def send():
        try:
            with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0) as client:
                answer = client.audio.transcriptions.create(model="fast", file=sound(30 << 20))
                assert answer.text
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    done.set()
    watcher.join()
    assert not failures, failures
    assert peak[0] - before < 40 << 20, f"{(peak[0] - before) >> 20} MiB more"


def test_a_large_file_before_the_model_is_told_what_to_do(gateway, simulator):
    files = [("file", ("a.wav", sound(3 << 20), "audio/wav")), ("model", (None, "fast"))]
    answer = gateway.http.post("/v1/audio/transcriptions", files=files)
    assert answer.status_code == 400
    assert "before its file" in answer.json()["error"]["message"]
    assert simulator.calls() == []


def test_an_upload_over_the_limit_is_refused(start_gateway, simulator):
    gateway = start_gateway(server={"max_upload": "100KB"})
    files = [("model", (None, "fast")), ("file", ("a.wav", sound(200_000), "audio/wav"))]
    answer = gateway.http.post("/v1/audio/transcriptions", files=files)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "payload_too_large"
    assert simulator.calls() == []


def test_a_client_that_leaves_in_the_middle_of_its_upload_ends_the_call(start_gateway, simulator):
    gateway = start_gateway()
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {GATEWAY_KEY}\r\n"
        "content-type: multipart/form-data; boundary=xyz\r\ncontent-length: 9000000\r\n\r\n"
        '--xyz\r\ncontent-disposition: form-data; name="model"\r\n\r\nfast\r\n'
        '--xyz\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head.encode() + b"a" * 2_000_000)
        time.sleep(0.2)
    lines = poll(lambda: [line for line in gateway.log_lines() if line.get("status") == 499], message="the call has ended")
    assert len(lines) == 1


# --- A provider's own API


def test_a_providers_own_api_with_the_sdk(gateway, simulator):
    with openai.OpenAI(base_url=f"{gateway.root}/p/sim/v1", api_key=GATEWAY_KEY, max_retries=0) as client:
        answer = client.chat.completions.create(model="sim-mini", messages=[{"role": "user", "content": "Hi."}])
        assert answer.choices[0].message.content
        chunks = list(
            client.chat.completions.create(
                model="sim-mini", messages=[{"role": "user", "content": "Hi."}], stream=True
            )
        )
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert client.models.list().data
        with pytest.raises(openai.NotFoundError):
            client.files.list()
    assert {call["model"] for call in simulator.calls("sim-mini")} == {"sim-mini"}


def test_what_is_passed_through_is_not_changed(gateway, simulator):
    body = b'{ "model" : "sim-mini", "messages":[{"role":"user","content":"\\u00e9"}], "n" : 1 }'
    through = gateway.http.post("/p/sim/chat/completions", content=body, headers={"content-type": "application/json"})
    assert through.status_code == 200
    assert through.headers["x-turnpike-provider"] == "sim"
    wanted = through.headers["x-request-id"]
    line = poll(lambda: [entry for entry in gateway.log_lines() if entry.get("request") == wanted] or None)[-1]
    assert line["tokensIn"] == through.json()["usage"]["prompt_tokens"]


@pytest.mark.parametrize("path", ["/p/sim/../models", "/p/sim/%2e%2e/models", "/p/sim//models", "/p/sim/a%2fb"])
def test_no_path_leads_out_of_a_providers_own(gateway, simulator, path):
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        request = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {GATEWAY_KEY}\r\nconnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


def test_a_budget_that_is_spent_refuses_what_is_passed_through(start_gateway, simulator):
    gateway = start_gateway(
        prices={"sim-mini": {"input": 1000, "output": 1000}},
        budgets={"all": {"group": "demo", "usd": 0.01, "per": "day"}},
    )
    body = {"model": "sim-mini", "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 5000}
    answer = gateway.http.post("/p/sim/chat/completions", json=body)
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "budget_exceeded"
    assert gateway.http.get("/p/sim/models").status_code == 200
    assert simulator.calls("sim-mini") == []
