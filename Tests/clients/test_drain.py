"""Leaving in order: what SIGTERM does to calls that run (row 96)."""

import concurrent.futures
import contextlib
import json
import signal
import time

import httpx
import pytest

from conftest import poll
from storm import Mortal, site, witness
from wire import Wire, chat_body, request


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        yield pool


def read_stream(gateway, model, began) -> list[str]:
    lines = []
    with httpx.Client(trust_env=False, timeout=40) as http:
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with http.stream("POST", f"{gateway.url}/chat/completions", json=body, headers=gateway.http.headers) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("data:") and not lines:
                    began.append(True)
                if line:
                    lines.append(line)
    return lines


def start_streams(gateway, pool, model, count) -> list[concurrent.futures.Future]:
    began = []
    streams = [pool.submit(read_stream, gateway, model, began) for _ in range(count)]
    poll(lambda: len(began) == count or any(stream.done() for stream in streams), 20, message="all streams have begun")
    return streams


def is_unready(gateway) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{gateway.root}/readyz", trust_env=False, timeout=2).status_code == 503
    return True  # Nobody accepts any more, which a load balancer understands as well.


def errors(lines) -> list[dict]:
    found = [json.loads(line[5:]) for line in lines if line.startswith("data: {")]
    return [event["error"] for event in found if "error" in event]


def test_streams_that_run_finish_and_new_calls_go_elsewhere(start_gateway, pool):
    gateway = start_gateway()
    streams = start_streams(gateway, pool, "sim/sim?chunks=60&interval_ms=25", 30)
    asked = time.monotonic()
    gateway.send(signal.SIGTERM)
    poll(lambda: is_unready(gateway), 1, message="unready at once")
    assert time.monotonic() - asked < 1
    for stream in streams:
        lines = stream.result(20)
        assert lines[-1] == "data: [DONE]" and not errors(lines)
        assert sum(1 for line in lines if line.startswith("data: {")) >= 60
    assert gateway.wait(10) == 0


def test_a_plain_call_that_runs_is_answered(start_gateway, pool, simulator):
    gateway = start_gateway()
    call = pool.submit(gateway.chat, "sim/sim?head_ms=700")
    poll(lambda: simulator.calls(), message="the call has reached the provider")
    gateway.send(signal.SIGTERM)
    assert call.result(10).status_code == 200
    assert gateway.wait(10) == 0


def test_what_is_not_done_in_time_ends_with_an_error_in_the_stream(start_gateway, pool, simulator):
    gateway = start_gateway(server={"drain": "500ms"})
    streams = start_streams(gateway, pool, "sim/sim?endless=1&interval_ms=20", 5)
    gateway.send(signal.SIGTERM)
    for stream in streams:
        lines = stream.result(10)
        assert [error["code"] for error in errors(lines)] == ["shutting_down"]
        assert lines[-1] != "data: [DONE]", "an answer that was cut must not look whole"
    assert gateway.wait(5) == 0
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls()), message="provider calls have ended")


def test_a_second_signal_hurries(start_gateway, pool):
    gateway = start_gateway(server={"drain": "60s"})
    streams = start_streams(gateway, pool, "sim/sim?endless=1&interval_ms=20", 3)
    gateway.send(signal.SIGTERM)
    poll(lambda: is_unready(gateway), 2, message="unready")
    gateway.send(signal.SIGTERM)
    for stream in streams:
        assert [error["code"] for error in errors(stream.result(10))] == ["shutting_down"]
    assert gateway.wait(5) == 0


def test_idle_connections_hold_nobody_up(start_gateway):
    gateway = start_gateway()
    with Wire(gateway.port) as idle, Wire(gateway.port) as used:
        used.send(request(chat_body()))
        assert used.read_answer()[0] == 200
        began = time.monotonic()
        gateway.send(signal.SIGTERM)
        assert gateway.wait(10) == 0
        assert time.monotonic() - began < 5
        assert idle.read_to_end() == b"" and used.read_to_end() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_ways_to_ask_end_with_code_0(start_gateway, number):
    gateway = start_gateway()
    gateway.send(number)
    assert gateway.wait(10) == 0


def begin_streams(wires: list[Wire], asked: bytes):
    """All at once; those that a gateway out of breath sends away come again."""
    deadline = time.monotonic() + 40
    while wires:
        assert time.monotonic() < deadline, f"{len(wires)} streams have not begun"
        for wire in wires:
            wire.send(asked)
        away = []
        for wire in wires:
            head = wire.read_until(b"\r\n\r\n", 30)
            if head.startswith(b"HTTP/1.1 200"):
                wire.read_until(b"data:", 30)
                continue
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            while len(wire.received) < length:
                wire.received += wire.socket.recv(65536)
            refused, wire.received = wire.received[:length], wire.received[length:]
            assert b'"overloaded"' in refused, refused
            away.append(wire)
        wires = away


def test_of_five_hundred_streams_that_are_cut_short_each_is_settled_once(tmp_path):
    """What was used until the end is in the ledger, and nothing stays set aside."""
    simulator = witness(tmp_path / "provider")
    gateway = Mortal(tmp_path / "gateway", site(simulator, server={"drain": "300ms"}))
    gateway.prepare()
    gateway.start()
    try:
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(gateway.port)) for _ in range(500)]
            # Slow enough that a machine which is busy with other things keeps up.
            body = chat_body("sim/sim?endless=1&interval_ms=1000", stream=True)
            for first in range(0, len(wires), 50):
                begin_streams(wires[first:first + 50], request(body, key=gateway.key))
            gateway.program.send(signal.SIGTERM)
            ends = [wire.read_to_end(30) for wire in wires]
        assert all(b"shutting_down" in end and b"[DONE]" not in end for end in ends)
        assert gateway.program.wait(20) == 0
        gateway.start()
        gateway.settled()
        rows = gateway.query("SELECT outcome, COUNT(*) AS n, SUM(output_tokens) AS tokens FROM ledger GROUP BY outcome")
        assert sum(row["n"] for row in rows) == 500 == len(simulator.calls())
        assert all(row["tokens"] > 0 for row in rows)
        assert all(budget["reserved"] == 0 for budget in gateway.budgets().values())
        gateway.verdict()
    finally:
        gateway.stop()
        simulator.stop()
