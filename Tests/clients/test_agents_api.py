"""Agents as an operator makes them and as clients of both SDKs use them."""

import json

import anthropic
import httpx
import openai
import pytest
import yaml

from conftest import PROVIDER_KEY, poll
from test_tenants import Site, no_bootstrap

PROFILE = {
    "model": "fast",
    "prompt": "You keep tasks: the amber otter.",
    "character": "Be brief.",
    "parameters": {"temperature": 0.25, "max_output_tokens": 64},
}
INTENTS = {
    "mode": "both",
    "intents": [
        {
            "tool": "nowhere/add_task",
            "patterns": ["add (a) task {title} [on|by {due:date}]"],
            "reply": "Added {title}[ for {due}].",
        }
    ],
}


@pytest.fixture
def site(tmp_path, simulator):
    configuration = no_bootstrap(simulator)
    configuration["providers"]["claude"] = {"kind": "anthropic", "base_url": simulator.root, "allow_private": True}
    configuration["agents"] = {"common": {"model": "fast", "prompt": "You are everybody's."}}
    site = Site(tmp_path / "site", configuration, simulator)
    (site.folder / "turnpike.yaml").write_text(json.dumps(configuration))
    site.serve()
    site.run("group", "create", "acme")
    site.key = site.json("key", "create", "--group", "acme", "--name", "app")["data"]["secret"]
    site.run("credential", "add", "sim", "--group", "acme", "--key-file", "-", given=PROVIDER_KEY + "\n")
    yield site
    site.stop()


def claude(site: Site) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"http://127.0.0.1:{site.port}", api_key=site.key, max_retries=0)


def add(site: Site, agent: str, profile: dict, *more) -> dict:
    file = site.folder / f"{agent}.yaml"
    file.write_text(yaml.safe_dump(profile))
    return site.json("agent", "add", agent, "--group", "acme", "--file", str(file), *more)["data"]


def ask(client: openai.OpenAI, model: str, content: str = "hello", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **more)


def test_agents_are_made_shown_changed_and_deleted_by_command(site):
    made = add(site, "tasks", {**PROFILE, **INTENTS}, "--name", "Tasks")
    assert (made["id"], made["group"], made["name"], made["version"]) == ("tasks", "acme", "Tasks", 1)
    assert made["parameters"] == {"temperature": 0.25, "maxOutputTokens": 64}
    listed = site.json("agent", "list", "--group", "acme")["data"]
    assert [(agent["id"], agent["source"]) for agent in listed] == [("common", "settings"), ("tasks", "api")]
    assert "tasks" in site.run("agent", "list").stdout
    shown = site.json("agent", "show", "tasks", "--group", "acme")["data"]
    assert shown == made
    # What was shown can be changed and sent back; an old version is refused.
    file = site.folder / "back.json"
    file.write_text(json.dumps({**shown, "prompt": "Other."}))
    changed = site.json("agent", "update", "tasks", "--group", "acme", "--file", str(file))["data"]
    assert (changed["prompt"], changed["version"]) == ("Other.", 2)
    refused = site.run("agent", "update", "tasks", "--group", "acme", "--file", str(file), code=1)
    assert "version 2" in refused.stderr
    site.run("agent", "update", "common", "--group", "acme", "--name", "x", code=1)
    wrong = site.run("agent", "update", "tasks", "--group", "acme", "--mode", "auto", code=1)
    assert "mode" in wrong.stderr
    # Without a gateway the commands go to the store itself.
    site.stop()
    site.run("agent", "update", "tasks", "--group", "acme", "--model", "sim/sim-mini")
    assert site.json("agent", "show", "tasks", "--group", "acme")["data"]["model"] == "sim/sim-mini"
    site.run("agent", "delete", "tasks", "--group", "acme")
    site.run("agent", "show", "tasks", "--group", "acme", code=1)


def test_both_sdks_reach_an_agent_whole_and_streamed(site):
    add(site, "writer", PROFILE)
    client = site.client(site.key)
    assert "agent/writer" in [model.id for model in client.models.list()]
    answer = ask(client, "agent/writer")
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0
    chunks = list(ask(client, "agent/writer", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    response = client.responses.create(model="agent/writer", input="hello", instructions="Mine.")
    assert response.output_text
    message = claude(site).messages.create(
        model="agent/writer", max_tokens=1000, system="Mine.", messages=[{"role": "user", "content": "hello"}]
    )
    assert message.content[0].text
    with claude(site).messages.stream(
        model="agent/writer", max_tokens=1000, messages=[{"role": "user", "content": "hello"}]
    ) as stream:
        assert "".join(stream.text_stream)
    with pytest.raises(openai.NotFoundError) as absent:
        ask(client, "agent/writr")
    assert "agent/writer" in str(absent.value)
    with pytest.raises(anthropic.NotFoundError):
        claude(site).messages.create(
            model="agent/none", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
        )


def test_an_agent_is_counted_and_explained(site):
    add(site, "writer", PROFILE)
    client = site.client(site.key)
    raw = client.chat.completions.with_raw_response.create(
        model="agent/writer", messages=[{"role": "user", "content": "hello"}]
    )
    request = raw.headers["x-request-id"]
    assert "the agent 'writer' was asked" in site.run("explain", request).stdout
    poll(lambda: [row for row in site.json("usage", "--by", "agent")["data"] if row.get("agentId") == "writer"])
    site.run("budget", "add", "--group", "acme", "--agent", "writer", "--requests", "1", "--per", "total")
    with pytest.raises(openai.APIStatusError) as refused:
        ask(client, "agent/writer")
    assert refused.value.status_code == 429
    ask(client, "fast")


def test_intents_answer_both_sdks_without_a_model(site):
    add(site, "tasks", {**PROFILE, **INTENTS, "mode": "tools"})
    site.simulator.clear()
    client = site.client(site.key)
    raw = client.chat.completions.with_raw_response.create(
        model="agent/tasks", messages=[{"role": "user", "content": "Add a task buy milk by 2027-01-31."}]
    )
    assert raw.headers["x-turnpike-intent"] == "nowhere/add_task"
    assert raw.headers["x-turnpike-intent-error"] == "unknown_server"
    answer = raw.parse()
    assert (answer.model, answer.usage.total_tokens) == ("agent/tasks", 0)
    assert "nowhere" in answer.choices[0].message.content
    help_text = ask(client, "agent/tasks", "What can you do?").choices[0].message.content
    assert "add (a) task {title}" in help_text
    chunks = list(ask(client, "agent/tasks", "What can you do?", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == help_text
    response = client.responses.create(model="agent/tasks", input="What can you do?")
    assert response.output_text == help_text
    message = claude(site).messages.create(
        model="agent/tasks", max_tokens=9, messages=[{"role": "user", "content": "What can you do?"}]
    )
    assert (message.content[0].text, message.model, message.usage.output_tokens) == (help_text, "agent/tasks", 0)
    with claude(site).messages.stream(
        model="agent/tasks", max_tokens=9, messages=[{"role": "user", "content": "What can you do?"}]
    ) as stream:
        assert "".join(stream.text_stream) == help_text
    assert site.simulator.calls() == []
    # Switched over, the same agent asks the model for what no intent knows.
    site.run("agent", "update", "tasks", "--group", "acme", "--mode", "both")
    assert ask(client, "agent/tasks", "What can you do?").choices[0].message.content != help_text
    assert len(site.simulator.calls()) == 1


TASKS = {
    "model": "fast",
    "prompt": "You keep tasks.",
    "tools": ["tasks/add_task"],
    "intents": [
        {
            "tool": "tasks/add_task",
            "patterns": ["add (a) task {title} [on|by {due:date}]", "add a task"],
            "reply": "Added {title}[ for {due}].",
        },
        {"tool": "tasks/list_tasks", "patterns": ["(list|show) my tasks"]},
        {"tool": "tasks/complete_task", "patterns": ["done {id}"], "reply": "Well done."},
    ],
}


@pytest.mark.parametrize("mode", ["tools", "both"])
def test_plain_requests_keep_a_persons_tasks_without_a_model(site, mode):
    add(site, "tasks", {**TASKS, "mode": mode})
    site.simulator.clear()
    client = site.client(site.key)

    def say(text: str) -> str:
        return ask(client, "agent/tasks", text).choices[0].message.content

    assert say("Add a task: buy milk by 2027-01-31.") == "Added buy milk for 2027-01-31."
    assert say("add a task") == "For that I also need: title."
    listed = say("Show my tasks!")
    assert "buy milk" in listed and "2027-01-31" in listed
    assert say("done 1") == "Well done."
    message = claude(site).messages.create(
        model="agent/tasks", max_tokens=9, messages=[{"role": "user", "content": "list my tasks"}]
    )
    assert message.model == "agent/tasks"
    assert say("done soon").startswith("That cannot be done as it was said: id")
    assert site.simulator.calls() == []


def test_keys_of_agents_and_keys_that_may_use_agents_alone(site):
    add(site, "writer", PROFILE)
    own = site.json("key", "create", "--group", "acme", "--name", "own", "--agent", "writer")["data"]["secret"]
    answer = httpx.post(
        f"http://127.0.0.1:{site.port}/v1/chat/completions",
        headers={"Authorization": f"Bearer {own}"},
        json={"messages": [{"role": "user", "content": "hello"}]},
        trust_env=False,
    )
    assert answer.status_code == 200
    alone = site.json("key", "create", "--group", "acme", "--name", "a", "--model", "agent/writer")["data"]
    client = site.client(alone["secret"])
    assert [model.id for model in client.models.list()] == ["agent/writer"]
    ask(client, "agent/writer")
    with pytest.raises(openai.PermissionDeniedError):
        ask(client, "fast")


def test_a_saved_settings_file_puts_its_agents_in_force(site):
    client = site.client(site.key)
    ask(client, "agent/common")
    site.configuration["agents"]["late"] = {"model": "fast", "prompt": "Late."}
    site.gateways[0].configure(site.configuration)

    def is_there():
        return "agent/late" in [model.id for model in client.models.list()]

    poll(is_there, message="the saved file is in force")
    ask(client, "agent/late")
