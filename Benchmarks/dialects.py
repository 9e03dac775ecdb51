"""The rows in which client and provider speak different dialects."""

import json
import statistics

import rows
from harness import Bench, BenchError, Side, request_body, wrk

MESSAGES = "/v1/messages"


def message_request(model: str) -> bytes:
    """A call of 1,024 bytes in Anthropic's dialect."""
    call = json.loads(request_body(model))
    system, user = (message["content"] for message in call.pop("messages"))
    call |= {"system": system, "messages": [{"role": "user", "content": ""}]}
    call["messages"][0]["content"] = user[: 1024 - len(json.dumps(call))]
    body = json.dumps(call).encode()
    body += b" " * (1024 - len(body))
    assert len(body) == 1024
    return body


def translated_in(bench):
    """chat call, Anthropic client onto an OpenAI provider"""
    return rows.calls(bench, operation=MESSAGES, make=message_request)


def translated_out(bench):
    """chat call, OpenAI client onto an Anthropic provider"""
    return rows.calls(bench, "claude")


def passed_messages(bench):
    """chat call, Anthropic client onto an Anthropic provider"""
    return rows.calls(bench, "claude", operation=MESSAGES, make=message_request)


def translated_chunk(bench):
    """streamed chunk of 180 B, OpenAI's into Anthropic's"""
    # message_start, content_block_start, content_block_stop, message_delta, message_stop.
    return rows.stream(bench, operation=MESSAGES, more_events=5)


def large(bench: Bench):
    """request of 1 MB, Anthropic client onto an OpenAI provider"""
    call = json.loads(message_request("bench/plain-1"))
    turn = [
        {"role": "user", "content": [{"type": "text", "text": "What does this say? " * 100}]},
        {"role": "assistant", "content": [{"type": "text", "text": "It says \"no\",\nand then \u00e9. " * 60}]},
    ]
    while len(json.dumps(call)) < 1 << 20:
        call["messages"] = turn + call["messages"]
    body = bench.folder / "large.json"
    body.write_bytes(json.dumps(call).encode())
    side = bench.gateway()

    def measure(side: Side):
        return wrk(side, body, "bench", 2 if bench.quick else 5, connections=1, operation=MESSAGES)["cpu_us"] / 1000

    measure(side)
    taken = statistics.median(measure(side) for _ in range(3))
    # One call at a time, so what the process grows by at its peak is what one call holds at most. Small calls of the same
    # kind go before: the program's own pages and its caches are no part of a call.
    bench.stop(side)
    side = bench.gateway()
    small = bench.folder / "small.json"
    small.write_bytes(message_request("bench/plain-1"))
    wrk(side, small, "bench", 1, connections=1, operation=MESSAGES)
    before = side.process.resident_bytes()
    side.process.forget_peak()
    run = wrk(side, body, "bench", 1, connections=1, operation=MESSAGES)
    grown = (side.process.peak_bytes() - before) / body.stat().st_size
    if not run["requests"]:
        raise BenchError("no large request was answered")
    bench.stop(side)
    return {"turnpike": taken, "unit": "ms CPU/call", "cpu_ms": taken, "times_size": round(grown, 2)}


ROWS = {
    "translated-in": translated_in,
    "translated-out": translated_out,
    "passed-messages": passed_messages,
    "translated-chunk": translated_chunk,
    "large": large,
}
