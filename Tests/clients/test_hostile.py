"""Answers that are there to do harm: none costs the gateway its memory, and none keeps it from the others (rows 33, 34)."""

import concurrent.futures
import pathlib
import re

import pytest

from conftest import poll

FAULTS = [
    # Compressed although it was asked not to be: a small body that would become large.
    ("gzip_bomb=1000000000", False), ("gzip_bomb=1000000000", True), ("gzip_bomb=1000000000&status=500", False),
    ("gzip_bomb=1000000000&redirect=307", False),
    # Without an end, or with one that is far away.
    ("body_bytes=300000000", False), ("body_bytes=300000000&status=500", False), ("line_bytes=200000000", True),
    ("endless_headers=1", False), ("header_line=100000000", True), ("deep=50000000", False),
]


def peak(gateway) -> int:
    """The most memory it ever had, in bytes."""
    status = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


@pytest.mark.parametrize("fault, stream", FAULTS)
def test_an_answer_that_wants_memory_does_not_get_it(start_gateway, simulator, fault, stream):
    gateway = start_gateway()
    assert gateway.chat("fast").status_code == 200
    before = peak(gateway)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: gateway.chat(f"sim/sim?{fault}", stream=stream), range(4)))
    for answer in answers:
        is_in_band = stream and answer.status_code == 200 and '"error"' in answer.text and "[DONE]" not in answer.text
        assert answer.status_code in (500, 502, 503) or is_in_band, answer.text[:300]
        assert len(answer.content) < 4000
    grown = peak(gateway) - before
    print(f"{fault}: {grown / 2**20:+.0f} MiB")
    assert grown < 48 * 2**20, f"{grown / 2**20:.0f} MiB"
    assert gateway.chat("fast").status_code == 200
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls()), 20, message="no call is left running")
