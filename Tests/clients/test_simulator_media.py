"""Judging, drawing, speaking, listening and ranking: the official OpenAI client against the simulator itself.

As test_simulator.py, which see.
"""

import base64
import hashlib
import io
import json
import os
import struct
import uuid
import wave
import zlib

import httpx
import openai
import pytest
from openai import OpenAI


@pytest.fixture(scope="session")
def base() -> str:
    return os.environ["TURNPIKE_SIM_URL"].rstrip("/")


@pytest.fixture
def key() -> str:
    return f"sk-{uuid.uuid4()}"


@pytest.fixture
def client(base, key) -> OpenAI:
    return OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0, timeout=60)


def last_call(base: str, key: str) -> dict:
    calls = httpx.get(f"{base}/sim/record", timeout=60).json()["calls"]
    return [call for call in calls if call["headers"].get("authorization") == f"Bearer {key}"][-1]


# Moderations


def test_texts_are_judged_by_the_words_in_them(client):
    answer = client.moderations.create(model="sim", input=["Nice weather", "Pure violence/graphic, and hate"])
    assert [result.flagged for result in answer.results] == [False, True]
    judged = answer.results[1]
    assert judged.categories.hate and judged.categories.violence_graphic and not judged.categories.sexual
    assert judged.category_scores.hate > 0.9 > judged.category_scores.sexual
    assert client.moderations.create(input="self-harm").results[0].categories.self_harm


def test_parts_are_judged_together(client):
    parts = [{"type": "text", "text": "hate"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
    (result,) = client.moderations.create(model="sim", input=parts).results
    assert result.flagged and result.category_applied_input_types.violence == ["text", "image"]
    with pytest.raises(openai.BadRequestError):
        client.moderations.create(model="sim", input=[])


# Images


def pixels(data: bytes) -> tuple[int, int, bytes]:
    """The size and the first pixel of a PNG, every checksum of which is checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    raw = zlib.decompress(chunks[b"IDAT"])
    assert len(raw) == height * (1 + 3 * width)
    return width, height, raw[1:4]


def test_images_are_whole_and_differ(client, base, key):
    answer = client.images.generate(model="sim", prompt="A toll gate", n=2)
    first, second = (pixels(base64.b64decode(image.b64_json)) for image in answer.data)
    assert first[:2] == (8, 8) and first[2] != second[2]
    assert answer.usage.output_tokens == 170 and answer.usage.input_tokens == 3
    call = last_call(base, key)
    assert (call["prompt_tokens"], call["completion_tokens"]) == (3, 170)
    assert client.images.generate(prompt="A", response_format="url").data[0].url.startswith("https://")


def test_images_can_be_streamed(client):
    events = list(client.images.generate(model="sim", prompt="A toll gate", stream=True, partial_images=2))
    assert [event.type for event in events] == [
        "image_generation.partial_image", "image_generation.partial_image", "image_generation.completed",
    ]
    assert pixels(base64.b64decode(events[-1].b64_json)) and events[-1].usage.total_tokens == 88


def test_images_can_be_edited(client, base, key):
    answer = client.images.edit(model="sim", prompt="More toll", image=("gate.png", b"pixels", "image/png"), n=2)
    assert len([pixels(base64.b64decode(image.b64_json)) for image in answer.data]) == 2
    digest = hashlib.sha256(b"pixels").hexdigest()
    assert last_call(base, key)["files"] == [{"field": "image", "name": "gate.png", "bytes": 6, "sha256": digest}]
    events = list(client.images.edit(model="sim", prompt="A", image=b"pixels", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


@pytest.mark.parametrize("more", [{"prompt": ""}, {"n": 11}, {"response_format": "bmp"}])
def test_images_nobody_can_draw_are_refused(client, more):
    with pytest.raises(openai.BadRequestError):
        client.images.generate(**{"model": "sim", "prompt": "A", **more})


def test_usage_can_be_left_out_or_wrong(client):
    assert client.images.generate(model="sim?usage=none", prompt="A").usage is None
    assert client.images.generate(model="sim?usage=wrong", prompt="A").usage.output_tokens == 857
    heard = client.audio.transcriptions.create(model="sim?usage=none", file=("a.wav", b"abc"))
    assert heard.usage is None and heard.text


# Speech


def test_speech_is_a_wave_file_that_lasts_as_long_as_its_text(client):
    data = client.audio.speech.create(model="sim", voice="alloy", input="one two three", response_format="wav").read()
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        assert sound.getnframes() == 24_000 * 3 // 10
        assert len(set(sound.readframes(200))) > 20


@pytest.mark.parametrize("form, kind", [("mp3", "audio/mpeg"), ("opus", "audio/opus"), ("pcm", "audio/pcm")])
def test_speech_has_its_content_type(client, form, kind):
    answer = client.audio.speech.create(model="sim", voice="alloy", input="one two three", response_format=form)
    assert answer.response.headers["content-type"] == kind
    if form == "mp3":
        assert answer.read()[:2] == b"\xff\xfb" and len(answer.read()) % 417 == 0


def test_speech_is_streamed_in_bytes_and_in_events(client, base, key):
    whole = client.audio.speech.create(model="sim", voice="alloy", input="one two three", response_format="wav").read()
    with client.audio.speech.with_streaming_response.create(
        model="sim", voice="alloy", input="one two three", response_format="wav"
    ) as answer:
        assert b"".join(answer.iter_bytes()) == whole
    call = last_call(base, key)
    assert call["events_written"] == -(-len(whole) // 4096)
    assert call["tokens_written"] == call["completion_tokens"] == 3
    body = {"model": "sim", "voice": "alloy", "input": "one two three", "response_format": "wav", "stream_format": "sse"}
    text = httpx.post(f"{base}/v1/audio/speech", json=body, headers={"authorization": f"Bearer {key}"}).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == whole
    assert events[-1] == {
        "type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 3, "total_tokens": 6},
    }
    assert last_call(base, key)["tokens_written"] == 3


def test_speech_can_break_off(client):
    with client.audio.speech.with_streaming_response.create(
        model="sim?cut_after_events=2", voice="alloy", input="one two three", response_format="wav"
    ) as answer:
        got = bytearray()
        with pytest.raises(Exception):
            for piece in answer.iter_bytes():
                got += piece
    assert len(got) == 8192


def test_speech_needs_a_voice_and_a_text(client):
    with pytest.raises(openai.BadRequestError, match="voice"):
        client.post("/audio/speech", body={"model": "sim", "input": "a"}, cast_to=object)
    with pytest.raises(openai.RateLimitError):
        client.audio.speech.create(model="sim?status=429", voice="alloy", input="a")


# Transcriptions


def test_a_transcript_names_every_byte(client, base, key):
    data = os.urandom(300_000) + b"\r\n--\r\n" * 1000
    digest = hashlib.sha256(data).hexdigest()
    answer = client.audio.transcriptions.create(model="sim", file=("a b.wav", data))
    assert answer.text == f"The simulator heard a b.wav: {len(data)} bytes, SHA-256 {digest}."
    assert answer.usage.type == "tokens" and answer.usage.output_tokens > 0
    call = last_call(base, key)
    assert call["files"] == [{"field": "file", "name": "a b.wav", "bytes": len(data), "sha256": digest}]
    assert call["model"] == "sim" and call["completion_tokens"] == answer.usage.output_tokens


@pytest.mark.parametrize("form", ["text", "srt", "vtt"])
def test_transcripts_come_as_text_too(client, form):
    assert "SHA-256" in client.audio.transcriptions.create(model="sim", file=("a.wav", b"abc"), response_format=form)


def test_a_verbose_transcript_has_segments(client):
    answer = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", bytes(32_000)), response_format="verbose_json"
    )
    assert answer.duration == 1.0 and answer.segments[0].text == answer.text
    assert answer.usage.type == "duration" and answer.usage.seconds == 1


def test_a_transcript_is_streamed(client):
    plain = client.audio.transcriptions.create(model="sim", file=("a.wav", b"abc"))
    events = list(client.audio.transcriptions.create(model="sim", file=("a.wav", b"abc"), stream=True))
    assert "".join(event.delta for event in events[:-1]) == plain.text == events[-1].text
    assert events[-1].type == "transcript.text.done" and events[-1].usage.to_dict() == plain.usage.to_dict()


def test_a_hundred_megabytes_are_heard_and_not_held(base, key):
    size, seed = 100 << 20, os.urandom(1 << 20)
    head = b'--xyz\r\ncontent-disposition: form-data; name="file"; filename="big.wav"\r\n\r\n'
    tail = b'\r\n--xyz\r\ncontent-disposition: form-data; name="model"\r\n\r\nsim\r\n--xyz--\r\n'

    def body():
        yield head
        for _ in range(100):
            yield seed
        yield tail

    headers = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=xyz"}
    answer = httpx.post(f"{base}/v1/audio/transcriptions", content=body(), headers=headers, timeout=120)
    assert answer.status_code == 200, answer.text
    call = last_call(base, key)
    assert call["files"][0]["bytes"] == size
    assert call["files"][0]["sha256"] == hashlib.sha256(seed * 100).hexdigest()
    assert call["body_bytes"] == size + len(head) + len(tail) and len(call["body"]) <= 1 << 20


@pytest.mark.parametrize(
    "content, kind, word",
    [
        (b"{}", "application/json", "multipart/form-data"),
        (b"--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nsim\r\n--x--\r\n", "multipart/form-data; boundary=x", "file"),
        (b"--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nsim\r\n", "multipart/form-data; boundary=x", "boundary"),
        (b"--x\r\n\r\nsim\r\n--x--\r\n", "multipart/form-data; boundary=x", "no name"),
    ],
)
def test_uploads_that_are_none_are_refused(base, key, content, kind, word):
    headers = {"authorization": f"Bearer {key}", "content-type": kind}
    answer = httpx.post(f"{base}/v1/audio/transcriptions", content=content, headers=headers)
    assert answer.status_code in (400, 415) and word in answer.json()["error"]["message"]


def test_uploads_meet_faults_as_well(client):
    with pytest.raises(openai.InternalServerError):
        client.audio.transcriptions.create(model="sim?status=503", file=("a.wav", b"abc"))
    with pytest.raises(openai.APIConnectionError):
        list(client.audio.transcriptions.create(model="sim?cut_after_events=2", file=("a.wav", b"abc"), stream=True))


# Ranking


def test_documents_are_ranked_by_shared_words(base, key):
    body = {
        "model": "sim",
        "query": "what is a toll road",
        "documents": ["Bees make honey", {"text": "A toll road is a road one pays for"}, "A road"],
        "top_n": 2,
        "return_documents": True,
    }
    answer = httpx.post(f"{base}/v1/rerank", json=body, headers={"authorization": f"Bearer {key}"}).json()
    assert [result["index"] for result in answer["results"]] == [1, 2]
    assert answer["results"][0]["relevance_score"] == 0.8
    assert answer["results"][0]["document"]["text"].startswith("A toll road")
    assert answer["meta"]["billed_units"]["search_units"] == 1 and answer["usage"]["total_tokens"] == 5 + 3 + 9 + 2
    refused = httpx.post(f"{base}/v1/rerank", json={"model": "sim", "query": "a"}, headers={"authorization": f"Bearer {key}"})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "documents"
