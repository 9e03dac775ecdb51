"""`POST /api/chat`: a chat window's one call, which is always answered, in time, whatever providers do."""

import concurrent.futures
import os
import random
import statistics
import time

import httpx
import pytest

from conftest import CANARY_PROMPT, configuration_for, poll
from talk import Talk, prompts, text_of

ABSENT = "ses_" + "0" * 26
DOWN = "sim-down?status=500"


@pytest.fixture
def talk(gateway):
    return Talk(gateway.root)


@pytest.fixture
def down(start_gateway, simulator):
    """A gateway whose only provider is down, with a fallback text of its own and agents."""
    gateway = start_gateway(
        models={"fast": {"targets": [{"provider": "sim", "model": DOWN}], "max_retries": 0}},
        chat={"timeout": "2s", "fallback": {"sv": "Ring oss.", "en": "Call us."}},
        agents={
            "shop": {"model": "fast", "fallback_text": {"en": "The shop is closed.", "pt-BR": "A loja está fechada."}},
        },
    )
    return Talk(gateway.root)


def reply(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"reply", "conversationId", "model", "usage", "fallback"}
    return body


def test_a_chat_keeps_its_conversation(talk, simulator):
    first = reply(talk.chat(CANARY_PROMPT))
    (call,) = simulator.calls()
    assert first["fallback"] is False and first["reply"] and first["model"] == "sim-mini"
    usage = {"inputTokens": call["prompt_tokens"], "outputTokens": call["completion_tokens"]}
    assert usage.items() <= first["usage"].items()
    second = reply(talk.chat("And then?", conversationId=first["conversationId"]))
    assert second["conversationId"] == first["conversationId"]
    told = [("user", CANARY_PROMPT), ("assistant", first["reply"]), ("user", "And then?")]
    assert prompts(simulator.calls()[1]) == told
    # It is a session like any other.
    messages = talk.messages(first["conversationId"])
    assert [text_of(one) for one in messages] == [CANARY_PROMPT, first["reply"], "And then?", second["reply"]]
    third = talk.say(first["conversationId"], "Over there.")
    assert third["seq"] == 6
    assert reply(talk.chat("Anew."))["conversationId"] != first["conversationId"]


def test_it_needs_a_key_a_message_and_a_conversation_of_ones_own(talk, gateway, simulator):
    nobody = httpx.post(f"{gateway.root}/api/chat", json={"message": "hi"}, trust_env=False)
    assert nobody.status_code == 401
    made = reply(talk.chat("Mine."))
    simulator.clear()
    for body, status, code in [
        ({"message": "x", "conversationId": ABSENT}, 404, "NOT_FOUND"),
        ({"message": "x", "conversationId": "no such thing"}, 404, "NOT_FOUND"),
        ({"message": "x", "conversationId": ""}, 400, "INVALID_REQUEST"),
        ({"message": "x", "conversationId": 7}, 400, "INVALID_REQUEST"),
        ({"message": ""}, 400, "INVALID_REQUEST"), ({"message": " \n\t"}, 400, "INVALID_REQUEST"),
        ({"message": ["x"]}, 400, "INVALID_REQUEST"), ({"message": None}, 400, "INVALID_REQUEST"),
        ({}, 400, "INVALID_REQUEST"),
        ({"text": "x"}, 400, "INVALID_REQUEST"), ({"message": "x", "stream": True}, 400, "INVALID_REQUEST"),
        ({"message": "x" * 2_000_000}, 413, "PAYLOAD_TOO_LARGE"), ({"message": "x" * 1_100_000}, 413, "PAYLOAD_TOO_LARGE"),
        ({"message": "x", "agentId": "nobody"}, 404, "MODEL_NOT_FOUND"),
    ]:  # fmt: skip
        answer = talk.http.post(f"{gateway.root}/api/chat", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (str(body)[:80], answer.text)
    for body in (b"", b"{", b"[]", b'{"message":"' + b"\xff" + b'"}', b"[" * 100_000):
        assert talk.http.post(f"{gateway.root}/api/chat", content=body).status_code == 400
    assert simulator.calls() == []
    assert len(talk.messages(made["conversationId"])) == 2


def test_what_was_refused_left_no_conversation_behind(start_gateway):
    talk = Talk(start_gateway().root)
    for more in ({"agentId": "nobody"}, {"conversationId": ABSENT}):
        assert talk.chat("x", **more).status_code == 404
    assert talk.http.get("/sessions").json()["data"] == []


@pytest.mark.parametrize(
    "message, accepted, expected",
    [
        ("hi", None, "Call us."), ("hi", "en-GB,en;q=0.9", "Call us."), ("hi", "sv-SE, en;q=0.5", "Ring oss."),
        ("hallo", "de-DE,de;q=0.9", "Der Assistent"), ("hi", "fr;q=0.2, pl;q=0.7", "Asystent nie"),
        ("hi", "nl;q=0, it", "L'assistente"), ("olá", "pt-BR", "O assistente"), ("merhaba", "tr", "Asistan"),
        ("привет", None, "Ассистент"), ("привет", "en-US", "Ассистент"), ("привет", "uk-UA,uk;q=0.9,en;q=0.8", "Асистент"),
        ("Як ся маєш, друже мій", "en", "Асистент"), ("你好", "en", "助手"), ("こんにちは、元気ですか", "en", "アシスタント"),
        ("漢字", "ja", "アシスタント"), ("안녕하세요", None, "지금은"), ("مرحبا", "de", "لا يستطيع"), ("नमस्ते", None, "सहायक"),
        ("hi", "xx-klingon", "Call us."), ("hi", ";;;q=q,,,*", "Call us."), ("hi", "a" * 5000, "Call us."),
        ("\u202e\u0000", "fr", "L'assistant"),
    ],
)  # fmt: skip
def test_where_no_provider_answers_people_read_so_in_their_language(down, message, accepted, expected):
    body = reply(down.chat(message, {"accept-language": accepted} if accepted else {"accept-language": ""}))
    assert body["fallback"] is True and body["reply"].startswith(expected), body
    assert body["model"] is None and body["usage"] is None
    assert [one["status"] for one in down.messages(body["conversationId"])] == ["complete", "failed"]


def test_an_agent_has_words_of_its_own_for_that(down):
    body = reply(down.chat("hi", {"accept-language": "en"}, agentId="shop"))
    assert body["reply"] == "The shop is closed."
    again = {"conversationId": body["conversationId"]}
    assert reply(down.chat("oi", {"accept-language": "pt-BR"}, **again))["reply"] == "A loja está fechada."
    # What it does not say, the settings say, and then the gateway.
    assert reply(down.chat("hej", {"accept-language": "sv"}, **again))["reply"] == "Ring oss."
    assert reply(down.chat("hallo", {"accept-language": "de"}, **again))["reply"].startswith("Der Assistent")


@pytest.mark.parametrize(
    "fault",
    [
        "stall_before_head=1", "stall_after_head=1", "stall_after_events=4&chunks=9", "endless=1&interval_ms=50",
        "cut_before_head=1", "cut_after_events=4&chunks=9", "midstream_error=4&chunks=9", "error200=1", "status=429",
        "status=401",
        "status=503&error=html", "gzip_bomb=100000000", "content_length=short", "drip=all&drip_ms=100", "redirect=302",
    ],
)
def test_whatever_a_provider_does_there_is_an_answer_in_time(start_gateway, simulator, fault):
    gateway = start_gateway(
        models={"fast": {"targets": [{"provider": "sim", "model": f"sim?{fault}"}], "max_retries": 1}},
        chat={"timeout": "2s"},
    )
    talk = Talk(gateway.root)
    began = time.monotonic()
    body = reply(talk.chat("Hello."))
    # Two seconds, and what a busy machine adds.
    assert time.monotonic() - began < 3.5
    assert body["fallback"] is True and body["reply"].startswith("The assistant")
    question, answer = talk.messages(body["conversationId"])
    assert question["content"] == "Hello." and answer["status"] in ("cut", "failed")
    # The conversation goes on from what there was.
    fine = talk.say(body["conversationId"], "Again.", model="sim/fine")
    assert fine["status"] == "complete"
    spoken = [("assistant", text_of(answer))] if text_of(answer) else []
    assert prompts(simulator.calls("fine")[-1]) == [("user", "Hello."), *spoken, ("user", "Again.")]


def test_a_conversation_that_is_busy_keeps_nobody_beyond_the_time(start_gateway, simulator):
    gateway = start_gateway(chat={"timeout": "2s"})
    talk = Talk(gateway.root)
    session = talk.session(model="sim/sim?endless=1&interval_ms=50")
    with talk.ask(session) as reader:
        reader.next()
        began = time.monotonic()
        answer = talk.chat("Are you there?", conversationId=session)
        assert time.monotonic() - began < 3.5
        assert answer.status_code == 409 and answer.json()["code"] == "CONFLICT"
        talk.cancel(session)
        reader.rest()
    assert len(talk.messages(session)) == 2


def test_a_fallback_model_answers_before_the_fallback_text(start_gateway, simulator):
    targets = [{"provider": "sim", "model": DOWN}, {"provider": "openrouter", "model": "sim/second"}]
    talk = Talk(start_gateway(models={"fast": {"targets": targets}}).root)
    body = reply(talk.chat("Hello."))
    assert body["fallback"] is False and body["model"] == "sim/second"


def test_what_the_caller_has_to_put_right_is_an_error(start_gateway, simulator):
    gateway = start_gateway(
        prices={"sim/*": {"input": 1_000_000, "output": 1_000_000}},
        budgets={"tiny": {"group": "demo", "usd": 1, "per": "total"}},
    )
    talk = Talk(gateway.root)
    first = talk.chat("Hello.")
    assert first.status_code in (200, 402)
    answer = poll(lambda: (one := talk.chat("Hello.")).status_code != 200 and one)
    assert (answer.status_code, answer.json()["code"]) == (402, "BUDGET_EXCEEDED")
    limited = Talk(start_gateway(limits={"few": {"group": "demo", "rpm": 1}}).root)
    assert limited.chat("Hello.").status_code == 200
    answer = limited.chat("Hello.")
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED") and answer.headers["retry-after"]


def test_a_group_without_a_provider_is_told_so_in_words(start_gateway, simulator):
    configuration = configuration_for(simulator)
    del configuration["bootstrap"]["groups"][0]["credentials"]
    body = reply(Talk(start_gateway(configuration).root).chat("Hello."))
    assert body["fallback"] is True


def test_an_agent_answers_where_it_is_named_or_set(start_gateway, simulator):
    gateway = start_gateway(
        agents={
            "helper": {"model": "fast", "prompt": "You help."},
            "clerk": {
                "mode": "tools",
                "help": "Ask me about orders.",
                "intents": [{"tool": "nowhere/find", "patterns": ["find order {id:int}"]}],
            },
            "short": {"model": "fast", "history": {"policy": "messages", "count": 2}},
        },
        chat={"agent": "helper"},
    )
    talk = Talk(gateway.root)
    first = reply(talk.chat("Hello."))
    assert prompts(simulator.calls()[0]) == [("system", "You help."), ("user", "Hello.")]
    assert talk.get(first["conversationId"])["agentId"] == "helper"
    # No model is asked, and nothing is paid.
    clerk = reply(talk.chat("Hello.", agentId="clerk"))
    assert clerk["reply"] == "Ask me about orders." and clerk["fallback"] is False
    assert len(simulator.calls()) == 1
    again = reply(talk.chat("Hello?", conversationId=clerk["conversationId"]))
    assert again["reply"] == "Ask me about orders."
    # How much goes along is the agent's to say where the session says nothing.
    short = reply(talk.chat("One.", agentId="short"))["conversationId"]
    for text in ("Two.", "Three."):
        talk.chat(text, conversationId=short)
    assert [content for role, content in prompts(simulator.calls()[-1]) if role == "user"] == ["Two.", "Three."]
    assert talk.messages(short)[-1]["leftOut"]["count"] == 2


def test_messages_of_one_conversation_that_come_at_once_are_all_answered(talk):
    conversation = reply(talk.chat("The first."))["conversationId"]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: reply(talk.chat(f"Message {n}.", conversationId=conversation)), range(10)))
    assert all(answer["fallback"] is False for answer in answers)
    messages = talk.messages(conversation)
    for number, answer in enumerate(answers):
        place = next(one["seq"] for one in messages if one["content"] == f"Message {number}.")
        assert text_of(messages[place]) == answer["reply"]


# --- Providers that fail one call in five ----------------------------------------------------------------------------

CHATS = int(os.environ.get("TURNPIKE_CHATS", "200"))
FAULTS = [
    {"status": 500}, {"status": 502, "error": "html"}, {"status": 503}, {"status": 529}, {"status": 429},
    {"cut_before_head": 1}, {"cut_at_byte": 60}, {"error200": 1}, {"lifecycle_then_error": 1}, {"stall_before_head": 1},
]  # fmt: skip


def script(model: str, count: int, chance: random.Random) -> list[dict]:
    """A fifth of a model's calls fail, at random places, each in a way of its own."""
    places = sorted(chance.sample(range(count), count // 5))
    # An entry sees those calls only that no entry before it has taken.
    return [
        {"match": {"model": model}, "skip": place - before, "times": 1, "fault": chance.choice(FAULTS)}
        for before, place in enumerate(places)
    ]


@pytest.mark.timeout(120 + CHATS)
def test_nearly_all_chats_are_answered_though_a_fifth_of_all_calls_fails(start_gateway, simulator):
    chance = random.Random(CHATS)
    entries = script("first", 2 * CHATS, chance) + script("second", 2 * CHATS, chance)
    simulator.http.post("/sim/script", json=entries).raise_for_status()
    settings = "ttft_ms=50&chunks=20&interval_ms=5"
    gateway = start_gateway(
        models={
            "fast": {
                "targets": [
                    {"provider": "sim", "model": f"first?{settings}"},
                    {"provider": "openrouter", "model": f"second?{settings}"},
                ],
                "timeouts": {"first_byte": "2s"},
            }
        }
    )
    talk = Talk(gateway.root)

    def chat(number: int) -> tuple[float, httpx.Response]:
        began = time.monotonic()
        answer = talk.chat(f"This is chat {number}.")
        return time.monotonic() - began, answer

    try:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            results = list(pool.map(chat, range(CHATS)))
    finally:
        simulator.http.delete("/sim/script")
    gateway.must_live()
    seconds = sorted(took for took, _ in results)
    bodies = [reply(answer) for _, answer in results]
    answered = sum(not body["fallback"] for body in bodies)
    record = simulator.calls()
    faults = {option for fault in FAULTS for option in fault}
    failed = sum(not faults.isdisjoint(call["options"]) for call in record)
    print(
        f"{CHATS} chats, {len(record)} calls, {failed} of them failed: {answered} answered by a model, "
        f"p50 {statistics.median(seconds):.2f} s, p99 {seconds[int(0.99 * CHATS)]:.2f} s, at most {seconds[-1]:.2f} s"
    )
    assert failed >= 0.15 * len(record), "too few failed for this to say anything"
    assert answered >= 0.95 * CHATS
    assert seconds[-1] < 10
    # Whoever was answered has an answer that is whole, and who was not has a conversation that can go on.
    for body in random.Random(1).sample(bodies, 50):
        question, answer = talk.messages(body["conversationId"])
        assert (answer["status"] == "complete") == (not body["fallback"])
