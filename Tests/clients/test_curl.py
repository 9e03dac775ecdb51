"""curl, in the ways people and proxies use it."""

import json
import subprocess

import pytest

from conftest import GATEWAY_KEY, tool
from wire import chat_body


def curl(*arguments, data: bytes | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [tool("curl"), "--silent", "--show-error", "--max-time", "20", "--noproxy", "*", *arguments],
        input=data,
        capture_output=True,
        timeout=30,
    )


def post(gateway, *arguments, data: bytes) -> subprocess.CompletedProcess:
    return curl(
        "-H", f"Authorization: Bearer {GATEWAY_KEY}", "-H", "Content-Type: application/json", *arguments,
        "--data-binary", "@-", f"{gateway.url}/chat/completions", data=data,
    )


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_plain(gateway, version):
    run = post(gateway, version, "-i", data=chat_body())
    head, _, body = run.stdout.partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0]
    assert json.loads(body)["choices"][0]["message"]["content"]


def test_a_stream_over_http_1_0_has_no_chunked_framing(gateway):
    run = post(gateway, "--http1.0", "--raw", "-i", "-N", data=chat_body("fast", stream=True))
    head, _, body = run.stdout.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"data: {") and body.rstrip().endswith(b"data: [DONE]")
    assert run.returncode == 0


def test_a_stream_over_http_1_1(gateway):
    run = post(gateway, "-N", data=chat_body("fast", stream=True))
    assert run.stdout.startswith(b"data: {") and run.stdout.rstrip().endswith(b"data: [DONE]")


def test_a_chunked_body(gateway, simulator):
    body = chat_body("fast", user="u" * 200_000)
    run = post(gateway, "-H", "Transfer-Encoding: chunked", data=body)
    assert json.loads(run.stdout)["choices"]
    assert simulator.calls()[0]["body_bytes"] > 200_000


def test_expect_does_not_stall(gateway):
    # Curl waits a second for the 100 before it sends the body anyway; with the 100 the call is done long before.
    run = post(gateway, "-H", "Expect: 100-continue", "--expect100-timeout", "15", "-w", "\n%{time_total}", data=chat_body())
    body, _, seconds = run.stdout.rpartition(b"\n")
    assert json.loads(body)["choices"] and float(seconds) < 10


def test_expect_with_a_large_body(gateway, simulator):
    body = chat_body("fast", user="u" * 2_000_000)
    run = post(gateway, "--expect100-timeout", "15", data=body)
    assert json.loads(run.stdout)["choices"]
    assert simulator.calls()[0]["body_bytes"] > 2_000_000


def test_one_connection_for_two_calls(gateway):
    url = f"{gateway.root}/healthz"
    run = curl("-w", "%{num_connects} ", "-o", "/dev/null", "-o", "/dev/null", url, url)
    assert run.stdout.split() == [b"1", b"0"]


def test_head_has_no_body(gateway):
    run = curl("-I", f"{gateway.root}/healthz")
    assert run.returncode == 0 and b" 200 " in run.stdout.split(b"\r\n")[0]


def test_the_start_page_says_how_to_call(gateway):
    run = curl("-i", f"{gateway.root}/")
    assert b" 200 " in run.stdout.split(b"\r\n")[0]
    for wanted in (gateway.url.encode(), b"curl", b"OpenAI(", b"turnpike chat"):
        assert wanted in run.stdout, wanted
    assert GATEWAY_KEY.encode() not in run.stdout
