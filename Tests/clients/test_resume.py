"""Streams with an `Idempotency-Key` that are gone on with: in every dialect, from any event, at the provider's cost of one
call (rows 74, 77, 93)."""

import concurrent.futures
import contextlib
import dataclasses
import json
import signal
import sqlite3
import time
import uuid

import anthropic
import httpx
import openai
import pytest
import yaml

from conftest import CANARY_PROMPT, GATEWAY_KEY, Gateway, poll
from talk import Event, Follower

REPLAY = "x-turnpike-idempotent-replay"
ASK = [{"role": "user", "content": CANARY_PROMPT}]


@dataclasses.dataclass(frozen=True)
class Way:
    """A dialect, and a provider that speaks it or does not."""

    path: str
    provider: str

    def body(self, options: str) -> dict:
        body = {"model": f"{self.provider}/sim?{options}", "stream": True}
        if self.path == "/v1/responses":
            return {**body, "input": CANARY_PROMPT}
        return {**body, "max_tokens": 8000, "messages": ASK}

    def __str__(self):
        return f"{self.path.rpartition('/')[2]}-on-{self.provider}"


OWN = [Way("/v1/chat/completions", "compatible"), Way("/v1/responses", "openai"), Way("/v1/messages", "anthropic")]
WAYS = [
    *OWN, Way("/v1/chat/completions", "anthropic"), Way("/v1/responses", "compatible"), Way("/v1/messages", "gemini"),
    Way("/v1/chat/completions", "bedrock"),
]  # fmt: skip
every_way = pytest.mark.parametrize("way", WAYS, ids=str)


def begin(root: str, way: Way, options: str, key: str, last: str | None = None) -> Follower:
    return Follower(root, GATEWAY_KEY, "POST", way.path, way.body(options), last, {"idempotency-key": key})


def numbers(events: list[Event]) -> list[str]:
    return [event.id for event in events]


def ledger(gateway) -> list[dict]:
    with contextlib.closing(sqlite3.connect(f"file:{gateway.data}/turnpike.db?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        return [dict(row) for row in store.execute("SELECT * FROM ledger ORDER BY seq")]


@pytest.fixture
def charged(world):
    """What the ledger got since the test began."""
    time.sleep(0.3)
    before = len(ledger(world.gateway))

    def rows() -> list[dict]:
        poll(lambda: len(ledger(world.gateway)) > before, message="the call is in the ledger")
        time.sleep(0.5)
        return ledger(world.gateway)[before:]

    return rows


def charged_once(world, charged):
    """One call reached the provider, and one is on the bill, with the provider's figures."""
    (call,) = world.simulator.calls()
    (row,) = charged()
    assert call["ending"] == "completed" and row["outcome"] == "ok"
    assert (row["input_tokens"], row["output_tokens"]) == (call["prompt_tokens"], call["completion_tokens"])


@every_way
def test_a_line_that_drops_is_gone_on_with(world, charged, way):
    key, options = str(uuid.uuid4()), "chunks=20&interval_ms=25"
    with begin(world.root, way, options, key) as first:
        assert first.status == 200
        for _ in range(6):
            first.next()
        had = first.events
    with begin(world.root, way, options, key, had[-1].id) as second:
        assert second.status == 200
        rest = second.rest()
    with begin(world.root, way, options, key) as third:
        assert third.answer.headers[REPLAY] == "true"
        whole = third.rest()
    assert had + rest == whole
    assert numbers(whole) == [str(number) for number in range(1, len(whole) + 1)]
    charged_once(world, charged)


@pytest.mark.parametrize("way", OWN, ids=str)
def test_it_is_gone_on_with_at_every_event_while_the_first_reads_and_after_the_end(world, charged, way):
    key, options = str(uuid.uuid4()), "chunks=8&interval_ms=60"

    def rest_after(last: str | None) -> list[Event]:
        with begin(world.root, way, options, key, last) as other:
            assert other.status == 200, other.error()
            return other.rest()

    with concurrent.futures.ThreadPoolExecutor(32) as pool, begin(world.root, way, options, key) as first:
        others = []
        with contextlib.suppress(StopIteration):
            while True:
                others.append(pool.submit(rest_after, first.next().id))
        whole = first.events
        assert len(whole) >= 9
        for place, other in enumerate(others, 1):
            assert other.result() == whole[place:]
    for place in range(len(whole) + 1):
        assert rest_after(str(place) if place else None) == whole[place:]
    charged_once(world, charged)


@pytest.mark.parametrize("last", ["0", "-1", "x", "7x", "99999999999999999999", "\u0662", "2-1"])
def test_an_id_that_is_none_of_ours_brings_everything(world, last):
    key, way = str(uuid.uuid4()), OWN[0]
    with begin(world.root, way, "chunks=4", key) as first:
        whole = first.rest()
    with httpx.Client(trust_env=False) as http:
        fields = {"authorization": f"Bearer {GATEWAY_KEY}", "idempotency-key": key, "last-event-id": last.encode()}
        answer = http.post(f"{world.root}{way.path}", json=way.body("chunks=4"), headers=fields)
    assert answer.status_code == 200 and answer.text.count("data: ") == len(whole)


def test_an_id_beyond_the_end_brings_an_empty_stream(world):
    key, way = str(uuid.uuid4()), OWN[0]
    for last in (None, "1000", "9223372036854775807"):
        with begin(world.root, way, "chunks=30&interval_ms=30", key, last) as reader:
            assert reader.status == 200
            assert bool(reader.rest()) == (last is None)
    world.gateway.must_live()


def test_a_stream_without_a_key_has_no_numbers(world):
    with Follower(world.root, GATEWAY_KEY, "POST", OWN[0].path, OWN[0].body("chunks=4"), "2") as reader:
        assert {event.id for event in reader.rest()} == {""}


def test_many_follow_one_stream_and_one_that_leaves_takes_nothing_along(world, charged):
    key, way, options = str(uuid.uuid4()), OWN[0], "chunks=50&interval_ms=20"

    def follow(leaves_after: int | None) -> list[Event]:
        with begin(world.root, way, options, key) as reader:
            for number, _ in enumerate(reader._source, 1):
                if number == leaves_after:
                    break
            return reader.events

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        found = list(pool.map(follow, [None, 3, 1, 20] * 5))
    whole = max(found, key=len)
    assert whole[-1].data == "[DONE]" and sum(events == whole for events in found) == 5
    assert all(events == whole[: len(events)] for events in found)
    charged_once(world, charged)


def test_another_body_gets_nothing_of_a_stream_that_runs(world):
    key, way = str(uuid.uuid4()), OWN[0]
    with begin(world.root, way, "chunks=50&interval_ms=20", key) as first:
        last = first.next().id
        with begin(world.root, way, "chunks=51&interval_ms=20", key, last) as other:
            assert other.status == 409 and other.error()["error"]["code"] == "idempotency_conflict"
        first.rest()


def test_a_stream_that_broke_off_is_told_to_its_error_and_not_begun_again(world, charged):
    key, way, options = str(uuid.uuid4()), OWN[0], "chunks=20&interval_ms=10&midstream_error=8"
    with begin(world.root, way, options, key) as first:
        events = first.rest()
    assert "error" in events[-1].data
    with begin(world.root, way, options, key, str(len(events) - 1)) as again:
        # Nothing but the error is left, so the status says it.
        assert again.status == 502 and again.answer.headers["x-should-retry"] == "false"
        assert again.error()["error"]["code"] == events[-1].data["error"]["code"]
    for place in (1, 4, len(events) - 2):
        with begin(world.root, way, options, key, str(place)) as again:
            rest = again.rest()
            # The error itself names the request that it is told to.
            assert [event.data for event in rest[:-1]] == [event.data for event in events[place:-1]]
            assert rest[-1].data["error"]["code"] == events[-1].data["error"]["code"]
    assert len(world.simulator.calls()) == 1 and len(charged()) == 1


@pytest.mark.parametrize("way", OWN, ids=str)
def test_an_answer_is_ended_by_its_key_for_all_who_follow_it(world, charged, way):
    key, options = str(uuid.uuid4()), "endless=1&interval_ms=20&text_bytes=16&tokens_per_chunk=3"

    def cancel(name: str) -> dict:
        fields = {"authorization": f"Bearer {GATEWAY_KEY}", "idempotency-key": name}
        answer = httpx.post(f"{world.root}/api/v1/requests/cancel", headers=fields, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    with begin(world.root, way, options, key) as first, begin(world.root, way, options, key) as second:
        for _ in range(6):
            first.next()
        assert cancel(str(uuid.uuid4())) == {"cancelled": False, "requestId": None}
        ended = cancel(key)
        assert ended == {"cancelled": True, "requestId": first.answer.headers["x-request-id"]}
        for reader in (first, second):
            reader.rest()
            # In-band, in the dialect's own form.
            assert "error" in json.dumps(reader.events[-1].data)
    assert cancel(key)["cancelled"] is False
    with begin(world.root, way, options, key) as again:
        assert again.status == 409
    call = poll(lambda: (calls := world.simulator.calls())[0]["ending"] != "running" and calls[0])
    assert call["ending"] in ("client_closed", "client_reset")
    (row,) = charged()
    assert row["is_charged"] == 1 and 0 < row["output_tokens"] <= call["tokens_written"] * 1.05 + 1


# --- The SDKs --------------------------------------------------------------------------------------------------------


def headers(key: str, last: int | None = None) -> dict:
    return {"Idempotency-Key": key, **({"Last-Event-ID": str(last)} if last else {})}


def test_openais_sdk_goes_on_with_a_chat(world, charged):
    key = str(uuid.uuid4())
    asked = {"model": "compatible/sim?chunks=20&interval_ms=25", "messages": ASK, "stream": True}
    with openai.OpenAI(base_url=f"{world.root}/v1", api_key=GATEWAY_KEY, max_retries=0) as client:
        stream = client.chat.completions.create(**asked, extra_headers=headers(key))
        had = [next(stream) for _ in range(5)]
        stream.close()
        rest = list(client.chat.completions.create(**asked, extra_headers=headers(key, len(had))))
        whole = list(client.chat.completions.create(**asked, extra_headers=headers(key)))
    assert [chunk.model_dump() for chunk in had + rest] == [chunk.model_dump() for chunk in whole]
    assert whole[-1].choices[0].finish_reason == "stop"
    charged_once(world, charged)


def test_openais_sdk_goes_on_with_a_response(world, charged):
    key = str(uuid.uuid4())
    asked = {"model": "openai/sim?chunks=20&interval_ms=25", "input": CANARY_PROMPT, "stream": True}
    with openai.OpenAI(base_url=f"{world.root}/v1", api_key=GATEWAY_KEY, max_retries=0) as client:
        stream = client.responses.create(**asked, extra_headers=headers(key))
        had = [next(stream) for _ in range(7)]
        stream.close()
        rest = list(client.responses.create(**asked, extra_headers=headers(key, len(had))))
    assert [event.sequence_number for event in had + rest] == list(range(len(had) + len(rest)))
    assert rest[-1].type == "response.completed"
    text = "".join(event.delta for event in had + rest if event.type == "response.output_text.delta")
    assert text == rest[-1].response.output_text != ""
    charged_once(world, charged)


def test_anthropics_sdk_goes_on_with_a_message(world, charged):
    key = str(uuid.uuid4())
    asked = {"model": "anthropic/sim?chunks=20&interval_ms=25", "messages": ASK, "max_tokens": 4000, "stream": True}
    with anthropic.Anthropic(base_url=world.root, api_key=GATEWAY_KEY, max_retries=0) as client:
        with client.messages.with_streaming_response.create(**asked, extra_headers=headers(key)) as answer:
            last, count = 0, 0
            for line in answer.iter_lines():
                last = int(line[3:]) if line.startswith("id:") else last
                count += line.startswith("data:")
                if count == 6 and not line:
                    break
        rest = list(client.messages.create(**asked, extra_headers=headers(key, last)))
        # From the beginning the SDK puts it together by itself.
        del asked["stream"]
        with client.messages.stream(**asked, extra_headers=headers(key)) as stream:
            whole = stream.get_final_message()
    assert rest[-1].type == "message_stop" and all(event.type != "message_start" for event in rest)
    text = "".join(event.delta.text for event in rest if event.type == "content_block_delta")
    assert text and whole.content[0].text.endswith(text) and whole.content[0].text != text
    charged_once(world, charged)


# --- Ends of the gateway ---------------------------------------------------------------------------------------------


def again_on(gateway: Gateway) -> Gateway:
    """Another process on the same data, with the same settings."""
    return Gateway(gateway.folder, yaml.safe_load(gateway.configuration_file.read_text()))


@pytest.mark.parametrize("path", [way.path for way in OWN])
def test_what_a_death_cut_off_is_refused_and_what_was_whole_is_gone_on_with(start_gateway, simulator, path):
    gateway = start_gateway()
    way, whole_key, cut_key = Way(path, "sim"), str(uuid.uuid4()), str(uuid.uuid4())
    with begin(gateway.root, way, "chunks=8", whole_key) as first:
        whole = first.rest()
    with begin(gateway.root, way, "chunks=400&interval_ms=25", cut_key) as cut:
        for _ in range(6):
            cut.next()
        gateway.send(signal.SIGKILL)
        gateway.wait()
        with contextlib.suppress(httpx.HTTPError):
            cut.rest()
        last = cut.events[-1].id
    again = again_on(gateway)
    try:
        with begin(again.root, way, "chunks=400&interval_ms=25", cut_key, last) as refused:
            assert refused.status == 409 and "may have been charged" in json.dumps(refused.error())
            assert refused.answer.headers["x-should-retry"] == "false"
        for place in range(len(whole)):
            with begin(again.root, way, "chunks=8", whole_key, str(place)) as other:
                assert other.rest() == whole[place:]
        assert len(simulator.calls()) == 2
        paid = poll(lambda: len(found := ledger(again)) == 2 and found, message="both calls are in the ledger")
        assert [row["outcome"] for row in paid] == ["ok", "interrupted"]
        assert (paid[0]["input_tokens"], paid[0]["output_tokens"]) == tuple(
            simulator.calls()[0][name] for name in ("prompt_tokens", "completion_tokens")
        )
    finally:
        again.stop()


def test_a_shutdown_lets_a_stream_end_for_those_who_are_there_and_those_who_come_back(start_gateway, simulator):
    gateway = start_gateway()
    way, key, options = OWN[0], str(uuid.uuid4()), "chunks=40&interval_ms=25"
    way = dataclasses.replace(way, provider="sim")
    with begin(gateway.root, way, options, key) as first:
        first.next()
        gateway.send(signal.SIGTERM)
        whole = first.events[:1] + first.rest()
    assert whole[-1].data == "[DONE]"
    assert gateway.wait(20) == 0
    again = again_on(gateway)
    try:
        with begin(again.root, way, options, key, "3") as rest:
            assert rest.rest() == whole[3:]
    finally:
        again.stop()
    assert len(simulator.calls()) == 1
