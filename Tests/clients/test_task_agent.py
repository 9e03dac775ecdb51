"""The task agent of docs/tasks.md, from both SDKs, at every provider, in all three modes; its tools are the gateway's own."""

import json
import re

import anthropic
import httpx
import openai
import pytest

import dialects
from conftest import GATEWAY_KEY, PROVIDER_KEY, Gateway, Simulator

# The simulator calls the first one, with arguments that it makes up.
TOOLS = ["tasks/list_tasks", *(f"tasks/{name}_task" for name in ("add", "update", "complete", "delete"))]
INTENTS = [
    {"tool": "tasks/add_task", "patterns": ["add (a) task {title}", "remind me to {title}"]},
    {"tool": "tasks/list_tasks", "patterns": ["(list|show) (my) tasks"]},
    {"tool": "tasks/complete_task", "patterns": ["done {id:int}", "complete task {id:int}"]},
    {"tool": "tasks/delete_task", "patterns": ["delete task {id:int}"]},
]
KEYS = {mode: f"tp_test_key-of-the-tasks-in-mode-{mode}-1b7d" for mode in ("tools", "ai", "both")}


def agent(model: str, mode: str = "both", **more) -> dict:
    words = "You keep the user's task list. Use the tools; say in one sentence what you did."
    return {"model": model, "mode": mode, "prompt": words, "tools": TOOLS, "intents": INTENTS, **more}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    simulator = Simulator(
        folder / "simulator",
        required_key=PROVIDER_KEY,
        arguments=["--key", f"{dialects.ACCESS_KEY}:{dialects.SECRET_KEY}"],
    )
    configuration = dialects.configuration(simulator)
    configuration["agents"] = {mode: agent("compatible/sim", mode) for mode in KEYS}
    configuration["agents"]["brief"] = agent("compatible/sim", "ai", limits={"rounds": 1})
    # The loop is what is tried at each provider.
    configuration["agents"] |= {f"at-{name}": agent(f"{name}/sim", "ai") for name in dialects.NAMES}
    thoughts = {"parameters": {"reasoning_effort": "low", "max_output_tokens": 8000}}
    configuration["agents"] |= {f"thinks-{name}": agent(f"{name}/sim-reasoner", "ai", **thoughts) for name in dialects.NAMES}
    demo = configuration["bootstrap"]["groups"][0]
    demo["keys"] += [{"name": mode, "secret": key} for mode, key in KEYS.items()]
    gateway = Gateway(folder / "gateway", configuration)
    world = type("World", (), {"simulator": simulator, "gateway": gateway})
    # More than one, since the arguments that are made up may begin behind the first.
    for number in range(10):
        say(chat(world), "agent/both", f"add task water the ferns {number}")
    yield world
    gateway.stop()
    simulator.stop()
    # Nobody's key reached a tool or a log (row 100).
    assert not [key for key in (*KEYS.values(), GATEWAY_KEY, PROVIDER_KEY) if key in gateway.written()]


def chat(world, key: str = GATEWAY_KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=world.gateway.url, api_key=key, max_retries=0, timeout=30)


def say(client: openai.OpenAI, model: str, text: str, **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def tasks(world, key: str = GATEWAY_KEY) -> str:
    """The list as the intent gives it; no model is asked for it."""
    return say(chat(world, key), "agent/both", "list my tasks").choices[0].message.content


def asked(world) -> int:
    return len(world.simulator.calls())


@pytest.mark.parametrize("mode", ["tools", "both"])
def test_a_plain_request_needs_no_model(world, mode):
    client, before = chat(world, KEYS[mode]), asked(world)
    answer = say(client, f"agent/{mode}", "remind me to buy milk")
    number = int(re.search(r"\d+", answer.choices[0].message.content).group())
    assert "buy milk" in tasks(world, KEYS[mode])
    assert answer.usage.total_tokens == 0
    say(client, f"agent/{mode}", f"done {number}")
    assert "buy milk" not in tasks(world, KEYS[mode])
    say(client, f"agent/{mode}", f"delete task {number}")
    assert asked(world) == before


def test_the_mode_says_who_answers_the_rest_and_changes_nothing_else(world):
    question = "what should I do first today, and why?"
    before = asked(world)
    assert "things" in say(chat(world), "agent/tools", question).choices[0].message.content
    assert asked(world) == before
    for mode in ("ai", "both"):
        before = asked(world)
        answer = say(chat(world), f"agent/{mode}", question)
        # The model calls the first tool and then says something.
        assert asked(world) == before + 2 and answer.choices[0].finish_reason == "stop"
        first, second = [json.loads(call["body"]) for call in world.simulator.calls()[-2:]]
        assert [tool["function"]["name"] for tool in first["tools"]][0] == "tasks__list_tasks"
        assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "tool"]
        assert second["messages"][3]["tool_call_id"] == second["messages"][2]["tool_calls"][0]["id"]
    # What an intent would have understood goes to the model in the mode `ai`.
    before = asked(world)
    say(chat(world), "agent/ai", "list my tasks")
    assert asked(world) == before + 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", dialects.NAMES)
def test_the_model_uses_the_tools_at_every_provider(world, provider, stream):
    client, before = chat(world), asked(world)
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = say(client, f"agent/at-{provider}", "Remember this.", **more)
    if stream:
        chunks = list(answer)
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert not [1 for chunk in chunks for choice in chunk.choices if choice.delta.tool_calls]
        assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
        usage = chunks[-1].usage
    else:
        text, usage = answer.choices[0].message.content, answer.usage
        assert answer.choices[0].message.tool_calls is None and answer.choices[0].finish_reason == "stop"
    assert text.strip()
    calls = world.simulator.calls()[before:]
    assert [call["status"] for call in calls] == [200, 200]
    assert usage.completion_tokens == sum(call["completion_tokens"] for call in calls)
    assert usage.prompt_tokens == sum(call["prompt_tokens"] for call in calls)
    # The tool really ran: what is in the store is in what the model was told.
    assert "water the ferns" in calls[1]["body"] and "water the ferns" not in calls[0]["body"]


@pytest.mark.parametrize("provider", ["anthropic", "compatible", "gemini"])
def test_the_loop_in_the_other_dialects(world, provider):
    claude = anthropic.Anthropic(base_url=f"http://127.0.0.1:{world.gateway.port}", api_key=GATEWAY_KEY, max_retries=0)
    question = [{"role": "user", "content": "Remember this."}]
    before = asked(world)
    whole = claude.messages.create(model=f"agent/at-{provider}", max_tokens=200, messages=question)
    assert whole.stop_reason == "end_turn" and [block.type for block in whole.content][-1] == "text"
    with claude.messages.stream(model=f"agent/at-{provider}", max_tokens=200, messages=question) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "end_turn" and final.content[-1].text
    assert not [block for block in final.content if block.type == "tool_use"]
    response = chat(world).responses.create(model=f"agent/at-{provider}", input="Remember this.")
    assert response.output_text and not [item for item in response.output if item.type == "function_call"]
    assert asked(world) == before + 6


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", dialects.NAMES)
def test_thoughts_go_back_to_who_thought_them(world, provider, stream):
    """Providers refuse a call of a tool that comes back without the thoughts that led to it, or with changed ones."""
    before = asked(world)
    answer = say(chat(world), f"agent/thinks-{provider}", "Remember this.", stream=stream)
    if stream:
        text = "".join(choice.delta.content or "" for chunk in answer for choice in chunk.choices)
    else:
        text = answer.choices[0].message.content
    assert text.strip()
    calls = world.simulator.calls()[before:]
    assert [call["status"] for call in calls] == [200, 200]
    bodies = [json.loads(call["body"]) for call in calls]
    # As much thinking is asked for the second time as the first.
    wishes = ("thinking", "reasoning_effort", "reasoning", "generationConfig", "additionalModelRequestFields")
    assert [{name: body.get(name) for name in wishes} for body in bodies[:1]] == [
        {name: bodies[1].get(name) for name in wishes}
    ]
    if provider == "anthropic":
        thought = bodies[1]["messages"][1]["content"][0]
        assert thought["type"] == "thinking" and thought["thinking"] and thought["signature"]
    if provider == "compatible":
        assert '"thinking"' not in calls[1]["body"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "compatible"])
def test_thoughts_of_responses_go_back_too(world, provider, stream):
    before = asked(world)
    answer = chat(world).responses.create(model=f"agent/thinks-{provider}", input="Remember this.", stream=stream)
    if stream:
        answer = [event for event in answer if event.type == "response.completed"][0].response
    assert answer.output_text
    assert [call["status"] for call in world.simulator.calls()[before:]] == [200, 200]


def test_in_its_last_round_a_model_has_to_do_without_tools(world):
    before = asked(world)
    answer = say(chat(world), "agent/brief", "Remember this.", tool_choice="required")
    assert answer.choices[0].finish_reason == "stop" and answer.choices[0].message.content
    bodies = [json.loads(call["body"]) for call in world.simulator.calls()[before:]]
    assert [body.get("tool_choice") for body in bodies] == ["required", "none"]


def test_a_session_shows_the_tools_and_keeps_them(world):
    headers = {"authorization": f"Bearer {GATEWAY_KEY}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{world.gateway.port}", headers=headers, timeout=30) as http:
        session = http.post("/api/v1/sessions", json={"agentId": "ai"}).json()["data"]["id"]
        events = []
        question = {"content": "Remember this.", "stream": True}
        with http.stream("POST", f"/api/v1/sessions/{session}/messages", json=question) as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    events.append(line[7:])
        assert [name for name in events if name != "content"] == ["start", "tool_call", "tool_result", "done"]
        parts = http.get(f"/api/v1/sessions/{session}/messages").json()["data"][1]["content"]
        assert [part["type"] for part in parts][:2] == ["tool_call", "tool_result"]
        assert parts[0]["name"] == "tasks/list_tasks" and parts[1]["isError"] is False
        assert "water the ferns" in parts[1]["content"], parts
        reply = http.post("/api/chat", json={"message": "list my tasks", "agentId": "both"}).json()
        assert reply["fallback"] is False and reply["reply"]
