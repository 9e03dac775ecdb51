"""Bytes that no library sends: shapes of request smuggling, pipelining, half requests (rows 1, 9, 10)."""

import json
import socket
import time

import pytest

from conftest import GATEWAY_KEY, poll
from wire import Wire, chat_body, request

BODY = chat_body()
AUTH = f"Authorization: Bearer {GATEWAY_KEY}".encode()


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([b"POST /v1/chat/completions HTTP/1.1", *lines]) + b"\r\n\r\n"


HOST = b"Host: gateway.test"
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

DESYNC = {
    "length and chunked": head(HOST, AUTH, LENGTH, CHUNKED) + CHUNKS,
    "chunked and length": head(HOST, AUTH, CHUNKED, LENGTH) + CHUNKS,
    "two lengths that differ": head(HOST, AUTH, LENGTH, b"Content-Length: 0") + BODY,
    "a list of lengths": head(HOST, AUTH, LENGTH + b", %d" % len(BODY)) + BODY,
    "a length with a sign": head(HOST, AUTH, b"Content-Length: +%d" % len(BODY)) + BODY,
    "a negative length": head(HOST, AUTH, b"Content-Length: -1") + BODY,
    "a length in hex": head(HOST, AUTH, b"Content-Length: 0x%x" % len(BODY)) + BODY,
    "a length beyond 64 bits": head(HOST, AUTH, b"Content-Length: 18446744073709551617") + BODY,
    "chunked is not the last coding": head(HOST, AUTH, b"Transfer-Encoding: chunked, identity") + CHUNKS,
    "an unknown coding": head(HOST, AUTH, b"Transfer-Encoding: xchunked") + CHUNKS,
    "chunked twice": head(HOST, AUTH, CHUNKED, CHUNKED) + CHUNKS,
    "a space before the colon": head(HOST, AUTH, b"Transfer-Encoding : chunked") + CHUNKS,
    "a folded line": head(HOST, AUTH, b"X-A: b\r\n c", LENGTH) + BODY,
    "bare line feeds": head(HOST, AUTH, LENGTH).replace(b"\r\n", b"\n") + BODY,
    "a bare carriage return": head(HOST, AUTH, b"X-A: b\rContent-Length: 0", LENGTH) + BODY,
    "a null byte in a field": head(HOST, AUTH, b"X-A: b\0c", LENGTH) + BODY,
    "no host": head(AUTH, LENGTH) + BODY,
    "two hosts": head(HOST, b"Host: other.test", AUTH, LENGTH) + BODY,
    "a chunk size that overflows": head(HOST, AUTH, CHUNKED) + b"10000000000000001\r\n" + BODY,
    "a chunk size with a sign": head(HOST, AUTH, CHUNKED) + b"+%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "a chunk without its line end": head(HOST, AUTH, CHUNKED) + b"%x\r\n%sXX0\r\n\r\n" % (len(BODY), BODY),
    "a field without a name": head(HOST, AUTH, b": b", LENGTH) + BODY,
}


@pytest.mark.parametrize("name", DESYNC)
def test_a_request_of_doubtful_length_is_refused_and_the_connection_closed(gateway, simulator, name):
    second = request(chat_body("sim/smuggled"))
    with Wire(gateway.port) as wire:
        wire.send(DESYNC[name] + second)
        answer = wire.read_to_end()
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, "what followed was answered too"
    assert simulator.calls() == []


def test_pipelined_requests_are_answered_in_order(gateway):
    with Wire(gateway.port) as wire:
        wire.send(
            request(chat_body("sim/sim?text=first&head_ms=100")) + request(chat_body("sim/sim?text=second"))
            + request(method="GET", path="/healthz")
        )
        answers = [wire.read_answer() for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 200]
    assert [json.loads(body)["choices"][0]["message"]["content"] for _, _, body in answers[:2]] == ["first", "second"]


def test_a_client_that_leaves_behind_a_pipelined_request_is_noticed(gateway, simulator):
    model = "sim?chunks=100000&interval_ms=10"
    with Wire(gateway.port) as wire:
        wire.send(request(chat_body(f"sim/{model}", stream=True)) + request(chat_body("fast")))
        wire.read_until(b"data:")
    left = time.monotonic_ns()
    call = poll(lambda: next((call for call in simulator.calls(model) if call["cut_ns"]), None), message="cut")
    assert (call["cut_ns"] - left) / 1e6 <= 250


def test_a_client_that_closes_its_sending_side_has_left(gateway, simulator):
    model = "sim?chunks=100000&interval_ms=10"
    with Wire(gateway.port) as wire:
        wire.send(request(chat_body(f"sim/{model}", stream=True)))
        wire.read_until(b"data:")
        left = time.monotonic_ns()
        wire.socket.shutdown(socket.SHUT_WR)
        call = poll(lambda: next((call for call in simulator.calls(model) if call["cut_ns"]), None), message="cut")
    assert (call["cut_ns"] - left) / 1e6 <= 250


def test_half_close_can_be_allowed(start_gateway):
    gateway = start_gateway(server={"half_close": "allow"})
    with Wire(gateway.port) as wire:
        wire.send(request(chat_body("sim/sim?chunks=20&interval_ms=10", stream=True)))
        wire.socket.shutdown(socket.SHUT_WR)
        assert b"data: [DONE]" in wire.read_to_end()


def test_a_caller_without_a_key_is_refused_before_its_body(gateway):
    with Wire(gateway.port) as wire:
        wire.send(request(b"", "Content-Length: 5000000", "Expect: 100-continue", key="tp_wrong_key_that_nobody_has", length=False))
        status, _, body = wire.read_answer()
    assert status == 401 and b"100 Continue" not in body


def test_expect_is_answered_once_the_caller_is_known(gateway):
    body = chat_body()
    with Wire(gateway.port) as wire:
        wire.send(request(b"", f"Content-Length: {len(body)}", "Expect: 100-continue", length=False))
        assert wire.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        wire.send(body)
        assert wire.read_answer()[0] == 200


def test_a_body_in_many_small_pieces_is_one_body(gateway):
    body = chat_body()
    with Wire(gateway.port) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(body):
            wire.send(bytes([byte]))
        assert wire.read_answer()[0] == 200


def test_too_many_header_bytes_are_refused(gateway):
    with Wire(gateway.port) as wire:
        wire.send(request(BODY, "X-Large: " + "a" * 40_000))
        assert wire.read_to_end().startswith(b"HTTP/1.1 431 ")


def test_a_connection_serves_many_calls(gateway):
    with Wire(gateway.port) as wire:
        for _ in range(50):
            wire.send(request(BODY))
            assert wire.read_answer()[0] == 200


def test_a_head_that_never_ends_is_given_up(start_gateway):
    gateway = start_gateway(server={"head_timeout": "300ms"})
    with Wire(gateway.port) as wire:
        wire.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\n")
        answer = wire.read_to_end(5)
    assert answer.startswith(b"HTTP/1.1 408 ")
