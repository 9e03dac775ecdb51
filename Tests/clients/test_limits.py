"""Clients that take and do not give back: memory and descriptors stay bounded (rows 7, 91, 92)."""

import contextlib
import json
import subprocess
import time

from conftest import GATEWAY_KEY, REPOSITORY, poll, tool
from wire import Wire, chat_body, request


def test_readers_that_do_not_read_cost_little_memory(start_gateway, simulator):
    gateway = start_gateway()
    gateway.chat("fast")
    before = gateway.resident_bytes()
    model = "sim?endless=1&chunk_bytes=16384&interval_ms=0"
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            wire = stack.enter_context(Wire(gateway.port, receive_buffer=4096))
            wire.send(request(chat_body(f"sim/{model}", stream=True)))
        # The provider feels it: what it writes is not taken any more.
        poll(lambda: sum(1 for call in simulator.calls(model) if call["times_blocked"]) == 100, 30, 0.1, "all are blocked")

        def settled():
            first = [call["bytes_written"] for call in simulator.calls(model)]
            time.sleep(0.5)
            return first == [call["bytes_written"] for call in simulator.calls(model)]

        poll(settled, 20, message="nothing flows any more")
        grown = gateway.resident_bytes() - before
        assert grown < 64 * 2**20, f"{grown / 2**20:.0f} MiB for 100 streams that nobody reads"
        # One who reads is served beside them.
        assert gateway.chat("fast").status_code == 200
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls(model)), message="the calls have ended")


def test_a_slow_reader_gets_every_event(gateway):
    with Wire(gateway.port, receive_buffer=4096) as wire:
        wire.send(request(chat_body("sim/sim?chunks=2000&chunk_bytes=1024&interval_ms=0", stream=True), "Connection: close"))
        received = b""
        while True:
            data = wire.socket.recv(3000)
            if not data:
                break
            received += data
    assert received.count(b"data: {") >= 2000 and b"data: [DONE]" in received


def test_a_thousand_clients_that_leave_leave_nothing_behind(start_gateway, simulator):
    gateway = start_gateway()
    gateway.chat("fast")
    before = gateway.descriptors()
    model = "sim?chunks=100000&interval_ms=50"
    for _ in range(10):
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(gateway.port)) for _ in range(100)]
            for wire in wires:
                wire.send(request(chat_body(f"sim/{model}", stream=True)))
            for wire in wires[::2]:
                wire.read_until(b"data:")
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls(model)), 20, 0.1, "provider calls have ended")
    poll(lambda: gateway.descriptors() <= before + 8, message="descriptors are back")


def test_connections_over_the_cap_are_turned_away_and_health_still_answers(start_gateway):
    gateway = start_gateway(server={"max_connections": 20})
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(40)]
        refused = 0
        for wire in wires:
            with contextlib.suppress(OSError, AssertionError):
                wire.send(request(chat_body()))
                status, fields, _ = wire.read_answer(5)
                if status == 503:
                    refused += 1
                    assert fields["retry-after"]
        assert refused > 0
    poll(lambda: gateway.chat("fast").status_code == 200, message="served again")


def test_as_many_calls_as_one_client_can_make_all_succeed(gateway, tmp_path):
    body = tmp_path / "body.json"
    body.write_bytes(chat_body())
    run = subprocess.run(
        [
            tool("wrk"), "-t", "1", "-c", "64", "-d", "2s", "-s", REPOSITORY / "Benchmarks/chat.lua",
            f"{gateway.url}/chat/completions", "--", body, GATEWAY_KEY,
        ],
        capture_output=True, text=True, timeout=30,
    )
    result = json.loads(run.stdout.partition("RESULT ")[2])
    assert result["requests"] > 500 and result["bad_status"] == 0 and result["broken"] == 0, result
