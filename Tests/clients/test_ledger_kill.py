"""The gateway dies again and again in the midst of a storm of calls, and its ledger says what the provider saw (74).

The provider is a process of its own that lives on, and its record is what the ledger is held against: every call that
reached it has exactly one row, whole answers have exactly its figures, and what a death cut off is no more than what it
had written, and no more than a checkpoint behind. TURNPIKE_LEDGER_LOOPS says how many deaths there are.
"""

import asyncio
import os
import random
import statistics

import pytest

from storm import Mortal, Storm, check_sums, compare, site, witness

LOOPS = int(os.environ.get("TURNPIKE_LEDGER_LOOPS", "200"))
SEED = int(os.environ.get("TURNPIKE_LEDGER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
CONNECTIONS = 96
IN_FLIGHT_MIN = 50
# Every so many lives one is long enough for streams to have several checkpoints behind them.
LONG_LIFE_EVERY = 20
# Every so many deaths one comes while the start after the last is still at work.
EARLY_DEATH_EVERY = 4
# Every so many deaths the standing of the budgets is held against the ledger.
LOOK_EVERY = 10


@pytest.fixture
def field(tmp_path):
    """A provider that lives on and a gateway that does not."""
    simulator = witness(tmp_path / "provider")
    gateway = Mortal(tmp_path / "gateway", site(simulator))
    gateway.prepare()
    yield gateway, simulator
    gateway.stop()
    simulator.stop()


async def die_young(gateway: Mortal, chance: random.Random):
    """A death at some moment of a start, with the last journal half recovered, or recovered and still there."""
    gateway.begin()
    await asyncio.sleep(chance.uniform(0, 0.12))
    gateway.kill()


@pytest.mark.timeout(120 + LOOPS * 2)
def test_no_death_loses_or_doubles_a_call(field):
    gateway, simulator = field
    print(f"TURNPIKE_LEDGER_SEED={SEED}")
    asyncio.run(deaths(gateway, simulator, random.Random(SEED)))


async def deaths(gateway: Mortal, simulator, chance: random.Random):
    storm = Storm(gateway, simulator, CONNECTIONS, SEED)
    gateway.start()
    in_flight, early = [], 0
    async with storm.blowing():
        for loop in range(1, LOOPS + 1):
            is_long = loop % LONG_LIFE_EVERY == 0
            await asyncio.sleep(chance.uniform(2.5, 5.5) if is_long else chance.uniform(0, 0.3))
            # Whatever ends at this very moment leaves enough others.
            await storm.until(IN_FLIGHT_MIN + 15)
            storm.may_call.clear()
            killed = gateway.kill()
            # So that the clients notice, too.
            await asyncio.sleep(0.005)
            in_flight.append(storm.take_record(killed))
            assert in_flight[-1] >= IN_FLIGHT_MIN, f"only {in_flight[-1]} calls were in flight at death {loop}"
            if loop % EARLY_DEATH_EVERY == 0:
                await die_young(gateway, chance)
                early += 1
            gateway.start()
            if loop % LOOK_EVERY == 0:
                gateway.settled()
                check_sums(gateway)
            storm.may_call.set()
        storm.may_call.clear()
    # What is under way ends, one last time in peace.
    gateway.settled()
    storm.take_record()
    figures = compare(storm, gateway)
    check_sums(gateway)
    verdict = gateway.verdict()
    assert verdict["ok"], verdict
    assert verdict["rows"] == figures["rows"]
    assert gateway.program.stop() == 0
    report(figures, in_flight, early, gateway)


def report(figures: dict, in_flight: list[int], early: int, gateway: Mortal):
    starts = sorted(gateway.starts)
    print(
        f"{len(in_flight)} deaths under load with {min(in_flight)} to {max(in_flight)} calls in flight"
        f" ({statistics.mean(in_flight):.0f} on average), {early} at start; "
        f"start {starts[len(starts) // 2] * 1000:.0f} ms, at most {starts[-1] * 1000:.0f} ms; {figures}"
    )
