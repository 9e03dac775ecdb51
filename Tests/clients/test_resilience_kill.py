"""The gateway is killed while calls go from a provider that fails to one that answers: each attempt has its row (74, 86)."""

import asyncio
import collections
import os
import random
import re

import pytest

from storm import Mortal, Profile, Storm, check_sums, site, witness

LOOPS = int(os.environ.get("TURNPIKE_FALLBACK_LOOPS", "8"))
SEED = int(os.environ.get("TURNPIKE_LEDGER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
CONNECTIONS, IN_FLIGHT_MIN = 48, 20
GOOD = "sim-good?chunks=60&interval_ms=25&text_bytes=16&tokens_per_chunk=3"
# How the first of two targets fails, and that is all it ever does.
FAILURES = {
    "answers": "sim-bad?status=500&ttft_ms=40",
    "breaks-off": "sim-bad?cut_before_head=1&ttft_ms=40",
    "begins": "sim-bad?lifecycle_then_error=1&ttft_ms=40",
}


class ByAlias(Profile):
    @property
    def model(self) -> str:
        return self.name


@pytest.fixture
def field(tmp_path):
    simulator = witness(tmp_path / "provider")
    configuration = site(simulator)
    configuration["providers"]["openrouter"] = configuration["providers"]["sim"] | {"breaker": {"enabled": False}}
    configuration["prices"]["openrouter/*"] = configuration["prices"]["sim/*"]
    for name, model in FAILURES.items():
        targets = [{"provider": "openrouter", "model": model}, {"provider": "sim", "model": GOOD}]
        configuration["models"][name] = {"targets": targets}
    gateway = Mortal(tmp_path / "gateway", configuration)
    gateway.prepare()
    yield gateway, simulator
    gateway.stop()
    simulator.stop()


class Witnessed(Storm):
    """Keeps which provider was asked, too."""

    def take_record(self, killed: int = 0, seconds: float = 10) -> int:
        for call in self.simulator.calls():
            number = re.search(r"call number (\d+)", call["body"] or "")
            if number:
                provider = "openrouter" if "sim-bad" in call["model"] else "sim"
                self.asked[int(number[1]), provider] += 1
                if provider == "sim":
                    self.figures[int(number[1])] = (call["prompt_tokens"], call["completion_tokens"])
        return super().take_record(killed, seconds)


@pytest.mark.timeout(90 + LOOPS * 4)
def test_no_death_in_the_middle_of_a_fallback_loses_or_doubles_an_attempt(field):
    gateway, simulator = field
    print(f"TURNPIKE_LEDGER_SEED={SEED}")
    # A plain answer is whole or is not there: it cannot begin and fail.
    profiles = [ByAlias(name, "", 1, stream) for name in FAILURES for stream in (True, False) if stream or name != "begins"]
    storm = Witnessed(gateway, simulator, CONNECTIONS, SEED, profiles)
    storm.asked, storm.figures = collections.Counter(), {}
    asyncio.run(deaths(gateway, storm, random.Random(SEED)))
    rows, found = gateway.rows(), collections.Counter()
    by_place = collections.Counter((number, row["provider"]) for number, mine in rows.items() for row in mine)
    for place, count in storm.asked.items():
        known = [dict(row) for row in rows[place[0]]]
        # A kept connection that ends before it says anything is replaced once, within the attempt.
        replaced = 1 if storm.calls[place[0]].profile.name == "breaks-off" and place[1] == "openrouter" else 0
        assert by_place[place] <= count <= by_place[place] + replaced, f"{place} was asked {count} times: {known}"
    for number, mine in rows.items():
        assert sorted(row["number"] for row in mine) == list(range(1, len(mine) + 1))
        for row in mine:
            found[row["provider"], row["outcome"]] += 1
            if row["provider"] == "openrouter" or not storm.asked[number, row["provider"]]:
                assert row["charged"] == 0, f"nobody had anything of {dict(row)}"
            if row["provider"] == "sim" and row["outcome"] == "ok":
                assert (row["input_tokens"], row["output_tokens"]) == storm.figures[number]
    for number, call in storm.calls.items():
        if call.is_whole and call.statuses[-1] == 200:
            assert by_place[number, "sim"] == by_place[number, "openrouter"] == 1
    print(dict(found))
    assert found["sim", "ok"] and found["openrouter", "failed"]
    assert gateway.verdict()["ok"]


async def deaths(gateway: Mortal, storm: Storm, chance: random.Random):
    gateway.start()
    async with storm.blowing():
        for loop in range(LOOPS):
            # Now and then long enough for answers to end.
            await asyncio.sleep(chance.uniform(2, 3) if loop % 3 == 0 else chance.uniform(0, 0.3))
            await storm.until(IN_FLIGHT_MIN)
            storm.may_call.clear()
            killed = gateway.kill()
            await asyncio.sleep(0.005)
            storm.take_record(killed)
            gateway.start()
            storm.may_call.set()
        storm.may_call.clear()
    gateway.settled()
    storm.take_record()
    check_sums(gateway)
    assert gateway.program.stop() == 0
