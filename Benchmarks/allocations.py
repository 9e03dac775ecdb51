"""How often Turnpike asks for memory, for a call and for a streamed chunk: counted, not timed."""

import http.client
import json
import pathlib
import shutil
import struct
import subprocess

import dialects
from harness import CHAT, KEY, LOOP_THREAD, Bench, BenchError, Side, request_body

HERE = pathlib.Path(__file__).resolve().parent
SLOTS, SLOT = 256, struct.Struct("=QQ")


class Counter:
    """The library that counts, and the file in which it does; see allocations.c."""

    def __init__(self, bench: Bench):
        self.library = bench.folder / "allocations.so"
        self.file = bench.folder / "allocations"
        compiler = shutil.which("cc") or shutil.which("gcc")
        command = [compiler, "-O2", "-Wall", "-Werror", "-fno-builtin", "-shared", "-fPIC", "-o", self.library, HERE / "allocations.c"]
        subprocess.run(command, check=True)
        self.file.write_bytes(bytes(SLOTS * SLOT.size))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "ALLOCATIONS_FILE": str(self.file)}

    def counts(self, side: Side) -> tuple[int, int]:
        """Allocations so far: of the event loops' threads, and of all."""
        tasks = [task for pid in side.process.pids() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        loops = {int(task.name) for task in tasks if (task / "comm").read_text().startswith(LOOP_THREAD)}
        slots = list(SLOT.iter_unpack(self.file.read_bytes()))
        return sum(count for thread, count in slots if thread in loops), sum(count for _, count in slots)


def per_piece(bench: Bench, pieces: int, work) -> dict:
    """What `work` costs of allocations; it is done once before, so that what is kept for later is there."""
    if bench.turnpike_binary is None:
        raise BenchError("allocations are counted in Turnpike alone")
    counter = Counter(bench)
    side = bench.gateway(more_environment=counter.environment)
    try:
        work(side)
        side.process.rest()
        loops, whole = counter.counts(side)
        work(side)
        loops_after, _ = counter.counts(side)
        side.process.rest()
        _, whole_after = counter.counts(side)
    finally:
        bench.stop(side)
    return {"loops": (loops_after - loops) / pieces, "whole": (whole_after - whole) / pieces}


def calls(bench: Bench, provider="bench", operation=CHAT, make=request_body) -> dict:
    """Allocations per call on one connection, one call after the other."""
    number = 1000 if bench.quick else 5000
    body = make(f"{provider}/plain-1")

    def work(side: Side):
        connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=30)
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        for _ in range(number):
            connection.request("POST", side.path(provider, operation), body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise BenchError(f"{answer.status} {text[:200]}")
        connection.close()

    found = per_piece(bench, number, work)
    return {"turnpike": found["loops"], "unit": "allocations/call", "whole": round(found["whole"], 1)}


def chunks(bench: Bench, operation=CHAT) -> dict:
    """Allocations per chunk of one stream; what the call itself takes is in it, over many chunks."""
    number = 2000 if bench.quick else 10_000
    model = f"streams/c?chunks={number}&bytes=180&us=500"
    body = json.dumps({"model": model, "stream": True, "max_tokens": 4096, "messages": [{"role": "user", "content": "x"}]})

    def work(side: Side):
        connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=60)
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        connection.request("POST", side.path("streams", operation), body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or text.count(b"data:") < number:
            raise BenchError(f"{answer.status}, {text.count(b'data:')} events of {number}")
        connection.close()

    found = per_piece(bench, number, work)
    return {"turnpike": found["loops"], "unit": "allocations/chunk", "whole": round(found["whole"], 2)}


def chat(bench):
    """allocations: chat call passed on"""
    return calls(bench)


def passed_messages(bench):
    """allocations: Anthropic's call passed on"""
    return calls(bench, "claude", dialects.MESSAGES, dialects.message_request)


def translated_in(bench):
    """allocations: Anthropic client onto OpenAI"""
    return calls(bench, operation=dialects.MESSAGES, make=dialects.message_request)


def translated_out(bench):
    """allocations: OpenAI client onto Anthropic"""
    return calls(bench, "claude")


def chunk(bench):
    """allocations: streamed chunk passed on"""
    return chunks(bench)


def translated_chunk(bench):
    """allocations: OpenAI's chunk into Anthropic's"""
    return chunks(bench, dialects.MESSAGES)


ROWS = {
    "allocations-chat": chat,
    "allocations-messages": passed_messages,
    "allocations-in": translated_in,
    "allocations-out": translated_out,
    "allocations-chunk": chunk,
    "allocations-translated-chunk": translated_chunk,
}
