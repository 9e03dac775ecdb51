"""Calls of all sorts for as long as it is asked for, over providers that fail in turn: nothing is lost, and memory stays.

`make soak` runs ten minutes, `make test` some seconds: enough to see that calls end, too short to see a leak.
"""

import asyncio
import collections
import json
import os
import pathlib
import random
import statistics
import subprocess
import time

import httpx
import pytest

from conftest import BINARY, PROVIDER_KEY, Gateway, Simulator, poll
from test_resilience import OPERATOR_KEY, site

SECONDS = float(os.environ.get("TURNPIKE_SOAK_SECONDS", "12"))
SEED = int(os.environ.get("TURNPIKE_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
CALLERS = 24
# From this length on the slope says something; it leaves out the first quarter, in which caches fill.
LONG = 300
# What the books of recent calls, breakers and metrics may still grow by when everything has been seen.
SLOPE_MAX_KIB_PER_MINUTE = 512

FAULTS = [
    {"status": 503}, {"status": 500}, {"status": 429, "retry_after_ms": 300}, {"cut_before_head": 1},
    {"stall_before_head": 1}, {"cut_after_events": 3}, {"lifecycle_then_error": 1}, {"error": "html", "status": 502},
    {"ttft_ms": 400},
]


class Soak:
    def __init__(self, gateway: Gateway, providers: list[Simulator]):
        self.gateway, self.providers = gateway, providers
        self.chance = random.Random(SEED)
        self.outcomes = collections.Counter()
        self.memory: list[tuple[float, int]] = []
        self.end = time.monotonic() + SECONDS

    async def run(self):
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        limits = httpx.Limits(max_connections=CALLERS + 4)
        async with httpx.AsyncClient(
            base_url=self.gateway.root, headers=headers, trust_env=False, timeout=30, limits=limits
        ) as self.http, httpx.AsyncClient(trust_env=False, timeout=10) as self.control:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(CALLERS):
                    tasks.create_task(self.call_on())
                tasks.create_task(self.trouble())
                tasks.create_task(self.watch())

    async def call_on(self):
        while time.monotonic() < self.end:
            await self.call()

    async def call(self):
        alias = self.chance.choice(["fast", "fast", "quick", "spread"])
        is_stream, leaves = self.chance.random() < 0.5, self.chance.random() < 0.05
        body = {"model": alias, "messages": [{"role": "user", "content": "Say something."}]}
        if not is_stream:
            answer = await self.http.post("/v1/chat/completions", json=body)
            self.outcomes["whole" if answer.status_code == 200 else f"refused {answer.status_code}"] += 1
            assert answer.status_code in (200, 429, 502, 503, 504), answer.text
            assert answer.json().get("choices") or answer.json()["error"]["code"], answer.text
            return
        async with self.http.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as answer:
            if answer.status_code != 200:
                await answer.aread()
                self.outcomes[f"refused {answer.status_code}"] += 1
                return
            last = ""
            async for line in answer.aiter_lines():
                if leaves:
                    self.outcomes["left"] += 1
                    return
                if line.startswith("data: "):
                    last = line[6:]
            # It ends with its own last word or with an error that says so, never with silence.
            assert last == "[DONE]" or "error" in json.loads(last), last
            self.outcomes["streamed" if last == "[DONE]" else "broken off"] += 1

    async def trouble(self):
        """One provider or two at a time have a bad second or two."""
        while time.monotonic() < self.end:
            ill = self.chance.sample(self.providers, self.chance.choice([1, 1, 2]))
            for provider in ill:
                entry = {"match": {"path": "/v1/chat/completions"}, "fault": self.chance.choice(FAULTS)}
                (await self.control.post(f"{provider.root}/sim/script", json=[entry])).raise_for_status()
            await asyncio.sleep(self.chance.uniform(0.5, 2))
            for provider in ill:
                await self.control.delete(f"{provider.root}/sim/script")
                # The record is not what is looked at here, and would grow.
                await self.control.delete(f"{provider.root}/sim/record")
            await asyncio.sleep(self.chance.uniform(0.2, 1))

    async def watch(self):
        began = time.monotonic()
        while time.monotonic() < self.end:
            self.memory.append((time.monotonic() - began, resident_kib(self.gateway.process.pid)))
            await asyncio.sleep(min(1, SECONDS / 10))

    @property
    def slope(self) -> float:
        """KiB a minute, by least squares, without the first quarter."""
        points = [point for point in self.memory if point[0] >= SECONDS / 4]
        return statistics.linear_regression([at for at, _ in points], [kib for _, kib in points]).slope * 60


def resident_kib(pid: int) -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def three_targets(providers: list[Simulator]) -> dict:
    """Every way of choosing among targets, short clocks, and hedging on one alias."""
    configuration = site(providers[0].url, providers[1].url)
    kind = configuration["providers"]["a"]
    del kind["breaker"]
    for name, provider in zip("abc", providers):
        configuration["providers"][name] = {**kind, "base_url": provider.url}
    targets = [{"provider": name, "model": "sim-mini?chunks=8"} for name in "abc"]
    clocks = {"connect": "1s", "first_byte": "1s", "idle": "1s", "total": "5s"}
    configuration["models"] = {
        "fast": {"targets": targets, "timeouts": clocks},
        "quick": {"targets": targets, "timeouts": clocks, "hedge": "on"},
        "spread": {"targets": targets, "timeouts": clocks, "strategy": "least_latency"},
    }
    configuration["budgets"] = {"soft": {"group": "demo", "usd": 1_000_000, "per": "day", "mode": "soft"}}
    group = configuration["bootstrap"]["groups"][0]
    group["credentials"] = [{"provider": name, "api_key": PROVIDER_KEY} for name in "abc"]
    return configuration


def metric(gateway: Gateway, name: str) -> float:
    text = gateway.http.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR_KEY}"}).text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


@pytest.mark.timeout(SECONDS + 120)
def test_calls_end_and_memory_stays_while_providers_come_and_go(tmp_path):
    providers = [Simulator(tmp_path / name, arguments=["--quiet", "--record", "1000"]) for name in "abc"]
    gateway = Gateway(tmp_path / "gateway", three_targets(providers))
    try:
        soak = Soak(gateway, providers)
        asyncio.run(soak.run())
        calls = soak.outcomes.total()
        answered = soak.outcomes["whole"] + soak.outcomes["streamed"]
        first, last = soak.memory[0][1] // 1024, soak.memory[-1][1] // 1024
        print(f"\nseed {SEED}: {calls} calls in {SECONDS:.0f} s, {answered / calls:.1%} answered, {dict(soak.outcomes)}; "
              f"resident {first} MiB, then {last} MiB, slope {soak.slope:.0f} KiB a minute")
        assert calls > 10 * SECONDS, "so few calls show nothing"
        # Two of three at most are ill at a time, and a stream that broke off after its first word is not tried again.
        assert answered / calls > 0.7
        poll(lambda: metric(gateway, "turnpike_attempts_open") == 0, 30, message="every attempt is settled")
        if SECONDS >= LONG:
            assert soak.slope < SLOPE_MAX_KIB_PER_MINUTE
        assert gateway.stop() == 0
        verdict = subprocess.run(
            [str(BINARY), "usage", "verify", "--json", "--config", str(gateway.configuration_file)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TURNPIKE_DATA_DIR": str(gateway.data)},
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    finally:
        for program in [gateway, *providers]:
            program.stop()
