"""Conversations as applications have them: answers whole and in events, lines that drop and come back, and what is left."""

import concurrent.futures
import json
import random
import re
import time

import httpx
import pytest

from conftest import CANARY_PROMPT, PROVIDER_KEY, configuration_for, poll
from talk import Talk, prompts, rows, said, text_of
from test_sessions_api import Office

SLOW = "sim/sim?chunks=12&interval_ms=40"
LONG = "sim/sim?chunks=60&interval_ms=40"
# Of each event the gateway counts what the provider does.
COUNTED = "text_bytes=16&tokens_per_chunk=3"
ENDLESS = f"sim/sim?endless=1&interval_ms=20&{COUNTED}"
ABSENT = "ses_" + "0" * 26


@pytest.fixture
def talk(gateway):
    return Talk(gateway.root)


def charged_once(gateway, simulator, request: str, model: str | None = None) -> dict:
    """The one row of the one call that the provider saw."""
    calls = poll(lambda: [call for call in simulator.calls(model) if call["ending"] != "running"])
    assert len(calls) == 1
    (row,) = rows(gateway, request)
    if calls[0]["ending"] == "completed":
        assert (row["input_tokens"], row["output_tokens"]) == (calls[0]["prompt_tokens"], calls[0]["completion_tokens"])
    return row


# --- Answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_comes_whole_and_is_what_the_provider_said(talk, gateway, simulator):
    session = talk.session(model="sim/sim-mini", system="Be brief.")
    answer = talk.post(session, CANARY_PROMPT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    message = answer.json()["data"]
    assert (message["role"], message["status"], message["seq"]) == ("assistant", "complete", 2)
    assert message["error"] is None and message["finishReason"] == "stop" and message["provider"] == "sim"
    (call,) = simulator.calls()
    assert prompts(call) == [("system", "Be brief."), ("user", CANARY_PROMPT)]
    usage = {"inputTokens": call["prompt_tokens"], "outputTokens": call["completion_tokens"]}
    assert usage.items() <= message["usage"].items()
    question, stored = talk.messages(session)
    assert stored == message and text_of(message)
    assert (question["role"], question["content"], question["seq"]) == ("user", CANARY_PROMPT, 1)
    assert message["requestId"] == answer.headers["x-request-id"]
    charged_once(gateway, simulator, message["requestId"])
    kept = talk.get(session)
    assert kept["messageCount"] == 2 and kept["lastUsedAt"] and kept["title"] == CANARY_PROMPT


def test_an_answer_comes_in_events_that_are_numbered_and_say_the_same(talk, gateway, simulator):
    session = talk.session(model=SLOW)
    with talk.ask(session) as reader:
        assert reader.status == 200
        assert reader.answer.headers["content-type"].startswith("text/event-stream")
        assert reader.answer.headers["x-content-type-options"] == "nosniff"
        events = reader.rest()
    assert [event.id for event in events] == [f"2-{number}" for number in range(1, len(events) + 1)]
    assert [event.type for event in events] == ["start"] + ["content"] * (len(events) - 2) + ["done"]
    start, done = events[0].data, events[-1].data
    assert (start["sessionId"], start["seq"], start["questionSeq"], start["historyCount"]) == (session, 2, 1, 0)
    assert start["leftOut"] is None
    assert (done["status"], done["finishReason"], done["provider"], done["seq"]) == ("complete", "stop", "sim", 2)
    stored = talk.messages(session)[1]
    assert text_of(stored) == said(events)
    assert done["usage"] == stored["usage"] and done["costUsd"] == stored["costUsd"]
    assert start["messageId"] == done["messageId"] == stored["id"]
    assert start["requestId"] == stored["requestId"] == reader.answer.headers["x-request-id"]
    charged_once(gateway, simulator, stored["requestId"])


def test_the_body_says_whether_events_come_and_else_the_accept_field(talk, gateway):
    session = talk.session()
    for body, accept, is_stream in [
        ({"stream": False}, "text/event-stream", False),
        ({}, "text/event-stream", True),
        ({"stream": True}, "application/json", True),
        ({}, "*/*", False),
    ]:
        path, body = f"/sessions/{session}/messages", {"content": "Hello.", **body}
        answer = talk.http.post(path, json=body, headers={"accept": accept})
        assert answer.headers["content-type"].startswith("text/event-stream") == is_stream


def test_a_conversation_is_told_to_the_model_from_its_beginning(talk, simulator):
    session = talk.session(system="Be brief.")
    first = talk.say(session, "One.")
    second = talk.say(session, [{"type": "text", "text": "Two."}], model="sim/sim-other")
    talk.say(session, "Three.")
    assert second["model"] == "sim-other"
    calls = simulator.calls()
    assert prompts(calls[2]) == [
        ("system", "Be brief."), ("user", "One."), ("assistant", text_of(first)),
        ("user", [{"type": "text", "text": "Two."}]), ("assistant", text_of(second)), ("user", "Three."),
    ]  # fmt: skip


def test_thoughts_are_told_apart_and_not_told_again(talk, simulator):
    session = talk.session(model="sim/sim-reasoner")
    with talk.ask(session, "Think.") as reader:
        events = reader.rest()
    kinds = {event.data["type"] for event in events if event.type == "content"}
    stored = talk.messages(session)[1]
    assert {part["type"] for part in stored["content"]} == kinds >= {"text"}
    talk.say(session, "Go on.")
    assert prompts(simulator.calls()[1])[1] == ("assistant", text_of(stored))


def test_a_refusal_and_an_answer_that_was_too_long_say_so(talk):
    session = talk.session()
    refused = talk.say(session, "Say it.", model="sim/sim?refusal=1")
    assert refused["status"] == "complete" and refused["content"][0]["type"] == "refusal"
    assert talk.say(session, "Go on.", model="sim/sim?finish=length")["finishReason"] == "length"
    blocked = talk.say(session, "Go on.", model="sim/sim?finish=content_filter")
    assert blocked["finishReason"] == "content_filter"


# --- Failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_no_answer_is_an_error_with_its_own_status_and_the_conversation_goes_on(talk, gateway, simulator, stream):
    session = talk.session()
    # Breakers know models by their names: the other case must not have opened this one.
    model = f"sim/sim{'-mini' if stream else ''}?status=500"
    answer = talk.post(session, "Hello.", model=model, stream=stream)
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == "PROVIDER_ERROR"
    question, failed = talk.messages(session)
    assert question["content"] == "Hello."
    assert failed["status"] == "failed" and failed["content"] == [] and failed["error"]["code"] == "PROVIDER_ERROR"
    simulator.clear()
    assert talk.say(session, "Again.")["seq"] == 4
    # A model that is told nothing by an answer without a word refuses the request.
    assert prompts(simulator.calls()[0]) == [("user", "Hello."), ("user", "Again.")]


def test_an_answer_that_breaks_off_is_kept_and_says_so_in_the_stream(talk, gateway, simulator):
    session = talk.session()
    with talk.ask(session, "Hello.", model="sim/sim?chunks=20&midstream_error=8") as reader:
        events = reader.rest()
    assert reader.status == 200
    assert [event.type for event in events][0] == "start" and events[-1].type == "error"
    assert events[-1].data["code"] == "PROVIDER_ERROR" and events[-1].data["statusCode"] == 502
    assert [event.id for event in events] == [f"2-{number}" for number in range(1, len(events) + 1)]
    cut = talk.messages(session)[1]
    assert cut["status"] == "cut" and text_of(cut) == said(events) != ""
    assert cut["error"]["code"] == "PROVIDER_ERROR"
    # Whoever comes back gets the same, and only what is missing.
    for place in range(len(events)):
        with talk.follow(session, events[place].id) as again:
            rest = again.rest()
            # An EventSource that has everything is told to stay away.
            assert again.status == (204 if place == len(events) - 1 else 200)
            assert rest[:-1] == events[place + 1: -1]
            # The error names the request that it is told to.
            assert [(one.id, one.data["code"]) for one in rest[-1:]] == [(events[-1].id, "PROVIDER_ERROR")] * len(rest[-1:])
            assert len(rest) == len(events) - place - 1
    assert talk.say(session, "Go on.")["status"] == "complete"
    assert len(simulator.calls()) == 2


def test_an_unknown_model_and_one_that_is_not_allowed_are_refused(talk):
    session = talk.session()
    answer = talk.post(session, "Hello.", model="agent/nobody")
    assert answer.status_code == 404 and answer.json()["code"] == "MODEL_NOT_FOUND"
    assert talk.messages(session)[1]["status"] == "failed"


def test_a_model_that_is_silent_leaves_the_line_alive(start_gateway, simulator):
    gateway = start_gateway(server={"heartbeat": "1s"})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/sim?chunks=3&ttft_ms=2600")
    with talk.ask(session) as reader:
        assert reader.next().type == "start"
        assert reader.parser.comments >= 2
        events = [reader.events[0], *reader.rest()]
    assert events[-1].type == "done" and events[0].id == "2-1"
    # After a heartbeat a failure can only be in the stream.
    with talk.ask(session, model="sim/sim?status=500&ttft_ms=1500") as reader:
        events = reader.rest()
    assert reader.status == 200 and events[-1].type == "error" and events[-1].data["code"] == "PROVIDER_ERROR"
    with talk.ask(session, model="sim/sim?chunks=4&interval_ms=1300") as reader:
        assert reader.rest()[-1].type == "done"
        assert reader.parser.comments >= 3


# --- Lines that drop -------------------------------------------------------------------------------------------------


def test_anybody_resumes_at_every_event_while_the_first_still_reads(talk, gateway, simulator):
    session = talk.session(model="sim/sim?chunks=12&interval_ms=60")
    with concurrent.futures.ThreadPoolExecutor(40) as pool, talk.ask(session) as first:
        others = []

        def rest_after(last):
            with talk.follow(session, last) as other:
                assert other.status in (200, 204)
                return other.rest()

        while True:
            try:
                event = first.next()
            except StopIteration:
                break
            others.append((event, pool.submit(rest_after, event.id)))
        everything = pool.submit(rest_after, None).result()
    events = first.events
    assert everything == events and events[-1].type == "done"
    for place, (_, other) in enumerate(others):
        assert other.result() == events[place + 1:]
    charged_once(gateway, simulator, talk.messages(session)[1]["requestId"])


def test_after_the_end_every_place_is_there_for_a_while(talk, gateway, simulator):
    session = talk.session(model="sim/sim?chunks=6")
    with talk.ask(session) as first:
        events = first.rest()
    for place in range(len(events)):
        with talk.follow(session, events[place].id) as again:
            assert again.rest() == events[place + 1:]
            # An EventSource that has everything is told to stay away.
            assert again.status == (204 if place == len(events) - 1 else 200)
    with talk.follow(session) as again:
        assert again.status == 200 and again.rest() == events
    charged_once(gateway, simulator, talk.messages(session)[1]["requestId"])
    # The next answer takes its place.
    talk.say(session, "Go on.")
    with talk.follow(session, events[2].id) as late:
        assert late.status == 410 and late.error()["code"] == "GONE"


def test_when_its_time_is_over_a_stream_is_gone_and_the_message_is_not(start_gateway):
    gateway = start_gateway(streams={"keep": "1s"})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/sim?chunks=3")
    with talk.follow(session) as early:
        assert early.status == 410 and early.error()["code"] == "GONE"
    with talk.ask(session) as first:
        events = first.rest()

    def is_gone():
        with talk.follow(session, events[1].id) as late:
            return late.status == 410 and late.error()

    error = poll(is_gone, 10, 0.1)
    assert error["code"] == "GONE" and error["statusCode"] == 410 and "messages" in error["error"]
    assert text_of(talk.messages(session)[1]) == said(events)


@pytest.mark.parametrize(
    "last",
    [
        "x", "2", "2-", "-1", "0-1", "2-0", "2-1-1", "2-99999999999999999999", "2-9223372036854775807", "\u0661-1", "2--1",
        "3-1", "9-9",
    ],
)  # fmt: skip
def test_an_id_that_is_none_of_ours_is_named(talk, last):
    session = talk.session()
    talk.say(session, "Hello.")
    path = f"/sessions/{session}/stream"
    answer = talk.http.get(path, headers={"last-event-id": last.encode()})
    assert answer.status_code == 400 and answer.json()["details"]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("last", ["2-1125899906842624", "2-1000"])
def test_an_id_beyond_the_end_brings_nothing_and_breaks_nothing(talk, gateway, last):
    session = talk.session(model=SLOW)
    with talk.ask(session) as first:
        first.next()
        with talk.follow(session, last) as other:
            assert [event for event in other.rest() if event.type != "done"] == []
        assert first.rest()[-1].type == "done"
    failing = talk.session(model="sim/sim?chunks=20&midstream_error=8&interval_ms=40")
    with talk.ask(failing) as first:
        first.next()
        with talk.follow(failing, last) as other:
            other.rest()
    gateway.must_live()


def test_readers_come_and_go_and_the_others_have_everything(talk, gateway, simulator):
    session = talk.session(model=LONG)

    def follow(leaves_after):
        with talk.follow(session) as reader:
            for number, _ in enumerate(reader._source, 1):
                if number == leaves_after:
                    return reader.events
            return reader.events

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        with talk.ask(session) as first:
            first.next()
            all_of_them = [pool.submit(follow, leaves) for leaves in [None, 3, 9, None, 15, 1] * 4]
            first.next()
        # The first has left, too.
        found = [one.result() for one in all_of_them]
    whole = max(found, key=len)
    assert whole[-1].type == "done"
    assert sum(events == whole for events in found) == 8
    assert all(events == whole[: len(events)] for events in found)
    (call,) = simulator.calls()
    assert call["ending"] == "completed"
    charged_once(gateway, simulator, talk.messages(session)[1]["requestId"])


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_goes_on_without_its_client_and_is_stored_whole(talk, gateway, simulator, stream):
    session = talk.session(model=LONG)
    if stream:
        with talk.ask(session) as reader:
            reader.until("content")
    else:
        with pytest.raises(httpx.ReadTimeout):
            talk.http.post(f"/sessions/{session}/messages", json={"content": "Hello."}, timeout=0.5)
    with talk.follow(session) as again:
        events = again.rest()
    message = talk.over(session, 2)
    assert message["status"] == "complete" and text_of(message) == said(events)
    assert simulator.calls()[0]["ending"] == "completed"
    charged_once(gateway, simulator, message["requestId"])


def test_a_client_that_leaves_at_once_has_said_what_it_said(talk, simulator):
    """A message that was taken is answered, one that was not is not there: nothing in between."""
    sessions = [talk.session(model=SLOW) for _ in range(20)]
    for number, session in enumerate(sessions):
        with pytest.raises(httpx.TimeoutException):
            with httpx.Client(trust_env=False, verify=False, timeout=0.0005 * (number + 1)) as http:
                http.post(
                    f"{talk.root}/api/v1/sessions/{session}/messages",
                    json={"content": "Hello.", "stream": False},
                    headers={"authorization": f"Bearer {talk.key}"},
                )
    for session in sessions:
        poll(lambda: all(one["status"] != "running" for one in talk.messages(session)))
        statuses = [(one["role"], one["status"]) for one in talk.messages(session)]
        assert statuses in ([], [("user", "complete"), ("assistant", "complete")])


def test_an_answer_that_nobody_comes_back_for_is_cut_and_billed_as_far_as_it_came(start_gateway, simulator):
    gateway = start_gateway(streams={"keep": "1s"})
    talk = Talk(gateway.root)
    session = talk.session(model=ENDLESS)
    with talk.ask(session) as reader:
        for _ in range(4):
            reader.next()
    cut = talk.over(session, 2)
    assert cut["status"] == "cut" and text_of(cut)
    assert cut["error"] is None or "came back" in cut["error"]["message"], cut["error"]
    call = poll(lambda: (calls := simulator.calls())[0]["ending"] != "running" and calls[0])
    assert call["ending"] in ("client_closed", "client_reset")
    (row,) = rows(gateway, cut["requestId"])
    assert 0 < row["output_tokens"] <= call["tokens_written"] * 1.05 + 1
    # The conversation goes on from what there was.
    talk.say(session, "Go on.", model="sim/sim-mini")
    assert prompts(simulator.calls()[1])[1] == ("assistant", text_of(cut))


def test_who_comes_back_in_time_keeps_an_answer_going(start_gateway, simulator):
    gateway = start_gateway(streams={"keep": "2s"})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/sim?chunks=100&interval_ms=50")
    with talk.ask(session) as reader:
        last = reader.next().id
    # Five seconds in pieces, with nobody there most of the time.
    for _ in range(4):
        time.sleep(0.8)
        with talk.follow(session, last) as reader:
            last = reader.next().id
    with talk.follow(session, last) as reader:
        reader.rest()
    message = talk.over(session, 2)
    assert message["status"] == "complete" and len(simulator.calls()) == 1


def test_an_answer_is_cancelled_by_whoever_may_and_stays_as_far_as_it_came(talk, gateway, simulator):
    session = talk.session(model=ENDLESS)
    with talk.ask(session) as first, talk.follow(session) as second:
        for _ in range(5):
            first.next()
        assert talk.cancel(session) == {"cancelled": True, "seq": 2}
        events, others = [*first.events, *first.rest()], second.rest()
    events = first.events
    assert others == events
    assert events[-1].type == "done" and events[-1].data["status"] == "cut"
    cut = talk.messages(session)[1]
    assert cut["status"] == "cut" and text_of(cut) == said(events)
    assert talk.cancel(session) == {"cancelled": False, "seq": None}
    row = charged_once(gateway, simulator, cut["requestId"])
    (call,) = simulator.calls()
    assert call["ending"] in ("client_closed", "client_reset")
    assert 0 < row["output_tokens"] <= call["tokens_written"] * 1.05 + 1
    assert talk.say(session, "Go on.", model="sim/sim-mini")["status"] == "complete"


def test_an_answer_is_cancelled_before_its_first_word(talk, simulator):
    session = talk.session(model="sim/sim?stall_before_head=1")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(talk.post, session, "Hello.")
        poll(lambda: simulator.calls())
        poll(lambda: talk.cancel(session)["cancelled"])
        answer = first.result()
    # Cancelled is how it was meant to end.
    assert answer.status_code == 200 and answer.json()["data"]["status"] == "cut"
    assert answer.json()["data"]["content"] == []
    assert talk.say(session, "Go on.", model="sim/sim-mini")["status"] == "complete"


def test_a_cancellation_at_any_moment_leaves_one_end_and_one_bill(talk, gateway, simulator):
    """Row 93: who cancels races the answer's own end, and those who leave."""
    chance = random.Random(93)
    sessions = [talk.session(model=f"sim/race-{n}?chunks=6&interval_ms=8&{COUNTED}") for n in range(48)]

    def race(session: str) -> tuple[bool, list]:
        delay, leaves = chance.uniform(0, 0.12), chance.random() < 0.3
        with talk.ask(session) as reader:
            time.sleep(delay)
            is_cancelled = talk.cancel(session)["cancelled"]
            return is_cancelled, [] if leaves else reader.rest()

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        results = list(pool.map(race, sessions))
    cancelled = 0
    for number, (session, (is_cancelled, events)) in enumerate(zip(sessions, results)):
        message = talk.over(session, 2)
        cancelled += message["status"] == "cut"
        assert message["status"] == "complete" or is_cancelled
        if events:
            assert events[-1].type == "done" and events[-1].data["status"] == message["status"]
            assert said(events) == text_of(message)
        calls = poll(lambda: [one for one in simulator.calls(f"race-{number}") if one["ending"] != "running"] or None)
        assert len(calls) == 1
        (row,) = rows(gateway, message["requestId"])
        assert (row["output_tokens"] or 0) <= calls[0]["tokens_written"] * 1.05 + 1
        if message["status"] == "complete":
            assert (row["input_tokens"], row["output_tokens"]) == (calls[0]["prompt_tokens"], calls[0]["completion_tokens"])
        assert talk.cancel(session)["cancelled"] is False
    assert 5 < cancelled < 45, f"{cancelled} of 48 were cut, so nothing raced"


# --- Order -----------------------------------------------------------------------------------------------------------


def test_two_messages_at_once_are_answered_one_after_the_other(talk, gateway, simulator):
    session = talk.session(model="sim/sim?chunks=10&interval_ms=30")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: talk.say(session, f"This is message {number}."), range(8)))
    messages = talk.messages(session)
    assert [one["seq"] for one in messages] == list(range(1, 17))
    assert [one["role"] for one in messages] == ["user", "assistant"] * 8
    assert all(one["status"] == "complete" for one in messages)
    for number, answer in enumerate(answers):
        assert messages[answer["seq"] - 2]["content"] == f"This is message {number}."
    # Each was told all that came before it.
    for place, call in enumerate(simulator.calls()):
        assert [content for _, content in prompts(call)] == [text_of(one) for one in messages[: 2 * place + 1]]


def test_behind_sixteen_that_wait_there_is_no_room(talk, simulator):
    session = talk.session(model="sim/sim?chunks=40&interval_ms=50")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        with talk.ask(session, "The first.") as first:
            first.next()
            waiting = []
            for number in range(16):
                waiting.append(pool.submit(talk.post, session, f"Message {number}.", model="sim/sim-mini"))
                # One after the other, so that their order is known.
                time.sleep(0.03)
            refused = poll(lambda: (one := talk.post(session, "Too many.")).status_code == 409 and one)
            assert refused.json()["code"] == "CONFLICT" and refused.headers["retry-after"] == "1"
            first.rest()
        assert [one.result().status_code for one in waiting] == [200] * 16
    contents = [one["content"] for one in talk.messages(session) if one["role"] == "user"]
    assert contents == ["The first.", *[f"Message {number}." for number in range(16)]]
    assert talk.say(session, "Now there is.", model="sim/sim-mini")["status"] == "complete"


def test_a_client_that_leaves_while_its_message_waits_holds_up_nobody(talk, simulator):
    session = talk.session(model="sim/sim?chunks=30&interval_ms=50")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with talk.ask(session, "The first.") as first:
            first.next()
            with pytest.raises(httpx.ReadTimeout):
                talk.http.post(f"/sessions/{session}/messages", json={"content": "Never mind."}, timeout=0.3)
            last = pool.submit(talk.say, session, "The last.", model="sim/sim-mini")
            first.rest()
        assert last.result()["seq"] == 4
    assert [one["content"] for one in talk.messages(session) if one["role"] == "user"] == ["The first.", "The last."]


def test_a_session_that_is_deleted_takes_its_answer_with_it(talk, gateway, simulator):
    session = talk.session(model=ENDLESS)
    with concurrent.futures.ThreadPoolExecutor(2) as pool, talk.ask(session) as reader:
        request = reader.next().data["requestId"]
        reader.next()
        waiting = pool.submit(talk.post, session, "And then?")
        time.sleep(0.1)
        assert talk.http.delete(f"/sessions/{session}").status_code == 204
        assert reader.rest()[-1].type in ("done", "error")
        assert waiting.result().status_code == 404
    with talk.follow(session) as late:
        assert late.status == 404
    assert talk.http.post(f"/sessions/{session}/cancel").status_code == 404
    call = poll(lambda: (calls := simulator.calls())[0]["ending"] != "running" and calls[0])
    (row,) = rows(gateway, request)
    assert 0 < row["output_tokens"] <= call["tokens_written"] * 1.05 + 1 and row["is_charged"] == 1
    assert len(simulator.calls()) == 1


def test_a_session_is_forked_while_it_is_answered(talk, simulator):
    session = talk.session(model=LONG)
    with talk.ask(session) as reader:
        for _ in range(30):
            reader.next()
        copy = talk.http.post(f"/sessions/{session}/fork", json={}).json()["data"]["id"]
        question, cut = talk.messages(copy)
        assert cut["status"] == "cut" and said(reader.events).startswith(text_of(cut))
        with talk.follow(copy) as none:
            assert none.status == 410
        # They do not wait for each other.
        fresh = talk.say(copy, "Go on.", model="sim/sim-mini")
        assert fresh["seq"] == 4 and talk.messages(session)[1]["status"] == "running"
        reader.rest()
    assert talk.over(session, 2)["status"] == "complete"
    assert text_of(talk.messages(copy)[1]) == text_of(cut), "a fork stays as it was made"


# --- Whose it is -----------------------------------------------------------------------------------------------------


@pytest.fixture
def office(start_gateway, simulator):
    configuration = configuration_for(simulator)
    del configuration["bootstrap"]
    office = Office(start_gateway(configuration))
    for group in ("acme", "other"):
        body = {"provider": "sim", "apiKey": PROVIDER_KEY}
        office.root.post(f"/groups/{group}/credentials", json=body).raise_for_status()
    yield office
    for client in office.clients:
        client.close()


def talk_of(office, client: httpx.Client) -> Talk:
    return Talk(office.gateway.root, client.headers["authorization"].removeprefix("Bearer "))


def test_administrators_watch_and_all_others_find_nothing(office, simulator):
    """Row 44: what may not be seen is as if it did not exist."""
    anna = talk_of(office, office.anna)
    session = anna.session(model=ENDLESS)
    with anna.ask(session) as first:
        first.next()
        watchers = [talk_of(office, client) for client in (office.admin, office.root)]
        with watchers[0].follow(session) as one, watchers[1].follow(session) as two:
            assert one.next() == two.next() == first.events[0]
        for client in (office.ben, office.app, office.stranger):
            for method, end, body in [
                ("POST", "/messages", {"content": "Mine?"}), ("POST", "/messages", {"content": "Mine?", "stream": True}),
                ("GET", "/stream", None), ("POST", "/cancel", None),
            ]:  # fmt: skip
                answers = []
                for name in (session, ABSENT):
                    answer = client.request(method, f"/sessions/{name}{end}", json=body, headers={"x-request-id": "same"})
                    fields = {field: value for field, value in answer.headers.items() if field != "date"}
                    answers.append((answer.status_code, answer.content, fields))
                assert answers[0] == answers[1] and answers[0][0] == 404, (method, end, answers)
        for malformed in ("ses_", "x", "..%2f", "ses_%00", "ses_" + "9" * 400):
            for method, end in [("GET", "/stream"), ("POST", "/cancel"), ("POST", "/messages")]:
                answer = office.anna.request(method, f"/sessions/{malformed}{end}", json={"content": "x"})
                assert answer.status_code in (400, 404), (malformed, end, answer.text)
        # Administrators may end it; nobody but its owner may say something in it.
        assert office.admin.post(f"/sessions/{session}/messages", json={"content": "It is me."}).status_code in (403, 404)
        assert watchers[0].cancel(session)["cancelled"]
        assert first.rest()[-1].data["status"] == "cut"
    assert [one["role"] for one in anna.messages(session)] == ["user", "assistant"]
    assert len(simulator.calls()) == 1
    nobody = httpx.get(f"{office.gateway.root}/api/v1/sessions/{session}/stream", trust_env=False)
    assert nobody.status_code == 401


def test_strangers_take_no_place_in_the_line_of_a_session(office):
    """Row 44, by time and by room: who may not see a session neither waits for it nor fills it up."""
    anna, stranger = talk_of(office, office.anna), talk_of(office, office.stranger)
    session = anna.session(model=ENDLESS)
    with anna.ask(session) as first, concurrent.futures.ThreadPoolExecutor(24) as pool:
        first.next()
        answers = [pool.submit(stranger.post, session, "Let me in.") for _ in range(20)]
        waiting = pool.submit(anna.say, session, "And then?", model="sim/sim-mini")
        assert [one.result().status_code for one in answers] == [404] * 20
        anna.cancel(session)
        first.rest()
        assert waiting.result()["status"] == "complete"


def test_limits_and_budgets_count_what_is_said_in_sessions(start_gateway, simulator):
    gateway = start_gateway(
        prices={"sim/*": {"input": 1_000_000, "output": 1_000_000}},
        budgets={"tiny": {"group": "demo", "usd": 1, "per": "total"}},
    )
    talk = Talk(gateway.root)
    session = talk.session()
    talk.post(session, "Hello.")
    answer = poll(lambda: (one := talk.post(session, "Hello.")).status_code != 200 and one)
    assert answer.status_code == 402 and answer.json()["code"] == "BUDGET_EXCEEDED"
    failed = talk.messages(session)[-1]
    assert failed["status"] == "failed" and failed["error"]["code"] == "BUDGET_EXCEEDED"


# --- How much goes along ---------------------------------------------------------------------------------------------


def test_the_last_messages_go_along_and_what_was_left_out_is_named(talk, simulator):
    session = talk.session(history={"policy": "messages", "count": 4})
    for number in range(1, 5):
        talk.say(session, f"Message {number}.", model="sim/sim?text=Well.")
    with talk.ask(session, "The last.") as reader:
        start = reader.next().data
        reader.rest()
    told = [content for role, content in prompts(simulator.calls()[-1])]
    assert told == ["Message 3.", "Well.", "Message 4.", "Well.", "The last."]
    assert start["historyCount"] == 4
    left = start["leftOut"]
    assert (left["count"], left["fromSeq"], left["toSeq"], left["reason"]) == (4, 1, 4, "policy")
    assert left["estimatedTokens"] > 0
    assert talk.messages(session)[-1]["leftOut"] == left
    talk.http.patch(f"/sessions/{session}", json={"history": {"policy": "messages", "count": 0}})
    talk.say(session, "Alone.")
    assert [content for _, content in prompts(simulator.calls()[-1])] == ["Alone."]


def test_no_more_goes_along_than_the_model_can_read(start_gateway, simulator):
    gateway = start_gateway(prices={"sim/small*": {"input": 1, "output": 1, "context": 4000, "max_output": 500}})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/small?text=Well.", history={"policy": "tokens"})
    text = "word " * 400
    for _ in range(8):
        talk.say(session, text)
    last = talk.messages(session)[-1]
    assert last["leftOut"]["reason"] == "context" and last["leftOut"]["toSeq"] % 2 == 0
    told = prompts(simulator.calls()[-1])
    assert 1 < len(told) < 15 and told[0][0] == "user"
    assert sum(len(content) for _, content in told) / 4 < 3500
    # A long message takes the place of what came before it.
    talk.say(session, "word " * 2200)
    assert [len(content) for _, content in prompts(simulator.calls()[-1])] == [11000]
    # A number of the session's own is smaller.
    talk.http.patch(f"/sessions/{session}", json={"history": {"policy": "tokens", "max": 64}})
    alone = talk.say(session, "Short.")
    assert alone["leftOut"]["reason"] == "policy" and len(prompts(simulator.calls()[-1])) == 1


def test_older_messages_are_summed_up_by_a_cheap_model(talk, gateway, simulator):
    session = talk.session(history={"policy": "summary", "keep": 2, "model": "sim/cheap?text=They%20counted."})
    for number in range(1, 7):
        talk.say(session, f"Message {number}.", model="sim/sim?text=Well.")
        # Made after an answer, and nobody waits for it.
        time.sleep(0.3)
    through = poll(lambda: talk.get(session)["summarizedThroughSeq"])
    assert through % 2 == 0
    sums = simulator.calls("cheap")
    assert sums and "Sum up" in prompts(sums[0])[-1][1] and ("user", "Message 1.") in prompts(sums[0])
    with talk.ask(session, "The last.", model="sim/sim?text=Well.") as reader:
        start = reader.next().data
        reader.rest()
    assert start["summarizedThroughSeq"] >= through and start["leftOut"] is None
    told = prompts(simulator.calls("sim")[-1])
    assert told[0][0] == "system" and told[0][1].endswith("They counted.")
    assert [content for role, content in told if role == "user"][-1] == "The last."
    # Nobody is told less than everything: what is not in the summary goes along.
    users = [content for role, content in told if role == "user"]
    assert len(users) == (start["questionSeq"] - 1 - start["summarizedThroughSeq"]) // 2 + 1
    for message in talk.messages(session):
        assert message["status"] == "complete"
    # Each summary is a call of its own in the ledger.
    for call in simulator.calls():
        assert call["ending"] == "completed"


def test_a_summary_that_cannot_be_made_keeps_nobody_from_talking(talk, simulator):
    session = talk.session(history={"policy": "summary", "keep": 2, "model": "sim/cheap?status=500"})
    for number in range(6):
        assert talk.say(session, f"Message {number}.", model="sim/sim-mini")["status"] == "complete"
    assert talk.get(session)["summarizedThroughSeq"] is None


def test_an_agent_answers_with_its_prompt_and_its_own_idea_of_history(start_gateway, simulator):
    gateway = start_gateway(
        agents={
            "helper": {"model": "fast", "prompt": "You help.", "history": {"policy": "messages", "count": 2}},
            "other": {"model": "fast", "prompt": "You are another."},
        }
    )
    talk = Talk(gateway.root)
    session = talk.session(agentId="helper", system="Be brief.")
    for text in ("One.", "Two.", "Three."):
        message = talk.say(session, text)
    told = prompts(simulator.calls()[-1])
    assert told[0] == ("system", "You help.\n\nBe brief.") or told[:2] == [("system", "You help."), ("system", "Be brief.")]
    assert [content for role, content in told if role == "user"] == ["Two.", "Three."]
    assert message["leftOut"]["count"] == 2 and message["model"] == "sim-mini"
    # What the session says goes before it, and so does who a message asks.
    talk.http.patch(f"/sessions/{session}", json={"history": {"policy": "messages", "count": 0}})
    talk.say(session, "Alone.", model="agent/other")
    told = prompts(simulator.calls()[-1])
    assert "You are another." in told[0][1] and [content for role, content in told if role == "user"] == ["Alone."]


# --- Texts and bodies ------------------------------------------------------------------------------------------------


TEXTS = [
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "\x00\x01\x1f\x7f", "\u2028\u2029\u0085",
    "\r\n\r\ndata: x\n\nevent: done\nid: 9-9\n\n", ": comment\n", "é e\u0301 \u202etxt.exe \ufeff", "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\\u0041 \\ \" '", "x" * 1_000_000, "\x00" * 100_000, "\U0010ffff\ufffe",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_what_people_write_comes_back_as_it_was(talk, simulator, text):
    """Row 106: a text is a text, on its way in, to the model, and back."""
    session = talk.session()
    data = json.dumps({"content": text, "model": "sim/sim?text=Well.", "stream": True}).encode()
    answer = talk.http.post(f"/sessions/{session}/messages", content=data, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.headers["x-content-type-options"] == "nosniff"
    listed = talk.http.get(f"/sessions/{session}/messages")
    assert listed.headers["content-type"] == "application/json"
    assert listed.headers["x-content-type-options"] == "nosniff"
    question, said_back = listed.json()["data"]
    assert question["content"] == text and said_back["status"] == "complete"
    assert len(talk.get(session)["title"]) <= 81
    body = simulator.calls()[-1]["body"]
    if len(body) < 900_000:
        assert json.loads(body)["messages"][-1]["content"] == text


@pytest.mark.parametrize(
    "options", ["unicode=1", "chunks=3&sse=multiline", "chunks=3&sse=cr", "line_bytes=300000", "chunks=3&sse=nul"]
)
def test_what_models_write_comes_whole_and_the_same_in_events_and_store(talk, options):
    session = talk.session(model=f"sim/sim?{options}")
    with talk.ask(session) as reader:
        events = reader.rest()
    assert events[-1].type == "done", events[-1]
    stored = talk.messages(session)[1]
    assert text_of(stored) == said(events) != ""
    with talk.follow(session) as again:
        assert again.rest() == events


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "event: done\r\n\r\ndata: {}", "\u2028 \u0085 \u2029", "</textarea>", "\x1b[2J"]
)
def test_a_model_cannot_end_an_event_or_begin_one(talk, text):
    import urllib.parse

    session = talk.session(model=f"sim/sim?text={urllib.parse.quote(text, safe='')}")
    with talk.ask(session) as reader:
        events = reader.rest()
    assert said(events) == text == text_of(talk.messages(session)[1])
    assert {event.type for event in events} == {"start", "content", "done"}


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"hello"', 400), (b"{}", 400),
        (b'{"content":null}', 400), (b'{"content":5}', 400), (b'{"content":""}', 400), (b'{"content":[]}', 400),
        (b'{"content":{"type":"text","text":"x"}}', 400), (b'{"content":[5]}', 400), (b'{"content":[{"text":"x"}]}', 400),
        (b'{"content":[{"type":"text"}]}', 400), (b'{"content":[{"type":"tool_result","text":"x"}]}', 400),
        (b'{"content":[{"type":"text","text":5}]}', 400), (b'{"content":[[[]]]}', 400),
        (b'{"content":"x","model":5}', 400), (b'{"content":"x","model":""}', 400), (b'{"content":"x","stream":"yes"}', 400),
        (b'{"content":"x","role":"system"}', 400), (b'{"content":"x","content":"y"}', 400),
        (b'{"content":"\xff\xfe"}', 400), (b'{"content":"x"}garbage', 400),
        # Half of a pair is no text, in any encoding.
        (b'{"content":"\\ud800"}', 400), (b'{"content":"a\\udc00\\ud800b"}', 400),
        (b'{"content":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"content":[{"type":"text","text":"x","more":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}]}", 400),
        (b'{"content":"' + b"x" * 3_000_000 + b'"}', 413), (b'{"content":"' + b"\\u0000" * 200_000 + b'"}', 413),
        (b'{"content":[' + b",".join([b'{"type":"text","text":"x"}'] * 60_000) + b"]}", 413),
        (b'{"content":"x","model":"' + b"m" * 300 + b'"}', 400),
        (b'{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,' + b"A" * 1_500_000 + b'"}}]}', 413),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)  # fmt: skip
def test_a_body_that_is_none_is_refused_and_nothing_of_it_stays(talk, gateway, simulator, body, status):
    session = talk.session()
    answer = talk.http.post(f"/sessions/{session}/messages", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["code"] in ("INVALID_JSON", "INVALID_REQUEST", "PAYLOAD_TOO_LARGE")
    assert talk.messages(session) == [] and simulator.calls() == []
    assert talk.say(session, "Hello.")["seq"] == 2
    gateway.must_live()


def test_an_answer_beyond_what_is_kept_is_followed_and_stored_all_the_same(start_gateway, simulator):
    """The events of an answer are kept up to a size; who is there while it comes has all of it, and so has the store."""
    gateway = start_gateway(idempotency={"max_answer": "64KiB"})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/sim?chunks=400&text_bytes=1000&interval_ms=2")
    with talk.ask(session) as first:
        first.next()
        events = [first.events[0], *first.rest()]
        assert events[-1].type == "done"
        with talk.follow(session, events[0].id) as late:
            assert late.status == 410 and late.error()["code"] == "GONE"
    stored = talk.messages(session)[1]
    assert stored["status"] == "complete" and text_of(stored) == said(events)
    assert len(text_of(stored)) >= 400_000
    # Where nobody reads what is not kept, it is cut.
    lonely = talk.session(model="sim/sim?endless=1&text_bytes=1000&interval_ms=1")
    with talk.ask(lonely) as first:
        first.next()
    assert talk.over(lonely, 2)["status"] == "cut"


def test_an_answer_that_is_too_long_to_store_ends_there_and_the_session_goes_on(talk, gateway, simulator):
    session = talk.session(model="sim/sim?chunks=120&text_bytes=100000")
    with talk.ask(session) as reader:
        events = reader.rest()
    assert events[-1].type == "error" and "longer than" in events[-1].data["error"]
    cut = talk.messages(session)[1]
    assert cut["status"] == "cut" and text_of(cut) == said(events)
    assert 7_000_000 < len(text_of(cut)) < 8 << 20
    poll(lambda: simulator.calls()[0]["ending"] != "running")
    # All of it would go along; what no request may hold is left out.
    again = talk.say(session, "Go on.", model="sim/sim-mini")
    assert again["status"] == "complete"


def test_the_ids_of_events_are_such_as_an_eventsource_sends_back(talk):
    session = talk.session(model="sim/sim?chunks=5")
    talk.say(session, "Hello.")
    with talk.ask(session) as reader:
        events = reader.rest()
    assert all(re.fullmatch(r"4-[1-9][0-9]*", event.id) for event in events)
    assert len({event.id for event in events}) == len(events)
