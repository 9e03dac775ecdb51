"""Budgets as an operator makes them, by command and over HTTP, and as a client meets them."""

import json

import httpx
import openai
import pytest

from test_tenants import Site, no_bootstrap
from conftest import PROVIDER_KEY, poll


@pytest.fixture
def site(tmp_path, simulator):
    configuration = no_bootstrap(simulator)
    # A dollar a call makes sums that can be checked by hand.
    configuration["prices"] = {"sim-mini": {"input": 0, "output": 0, "request": 1}}
    configuration["budgets"] = {"file": {"group": "acme", "usd": 1000, "per": "total", "mode": "soft"}}
    site = Site(tmp_path / "site", configuration, simulator)
    (site.folder / "turnpike.yaml").write_text(json.dumps(configuration))
    yield site
    site.stop()


def people(site: Site, *way) -> str:
    """A group with a key for calls and a provider key."""
    site.run("group", "create", "acme", *way)
    key = site.json("key", "create", "--group", "acme", "--name", "app", *way)["data"]["secret"]
    site.run("credential", "add", "sim", "--group", "acme", "--key-file", "-", *way, given=PROVIDER_KEY + "\n")
    return key


def test_budgets_by_command_with_and_without_a_gateway(site):
    site.serve()
    people(site)
    made = site.json("budget", "add", "--group", "acme", "--user", "*", "--usd", "12.5", "--alert", "50")["data"]
    assert (made["limit"], made["unit"], made["scope"], made["alerts"]) == (12.5, "usd", {"user": "*"}, [50])
    assert made["createdBy"] != "command"
    listed = site.json("budget", "list")["data"]
    assert [(budget["name"], budget["source"]) for budget in listed] == [
        ("file", "settings"),
        ("acme-each-user-month", "api"),
    ]
    site.run("budget", "update", "acme-each-user-month", "--usd", "20", "--name", "people")
    assert site.json("budget", "show", "people", "--store")["data"]["limit"] == 20
    assert "$20.00 a month" in site.run("budget", "list").stdout
    site.run("budget", "update", "settings:file", "--usd", "5", code=1)
    site.stop()
    site.run("budget", "delete", "people")
    assert [budget["name"] for budget in site.json("budget", "list")["data"]] == ["file"]


def test_a_budget_of_the_store_stops_calls_and_a_raised_one_lets_them_in(site):
    site.serve()
    key = people(site)
    made = site.json("budget", "add", "--group", "acme", "--usd", "2", "--per", "total", "--name", "two")["data"]
    client = site.client(key)

    def call():
        return client.chat.completions.create(
            model="fast", messages=[{"role": "user", "content": "hi"}], max_tokens=5
        )

    call()
    call()
    with pytest.raises(openai.APIStatusError) as refused:
        call()
    assert refused.value.status_code == 402
    assert refused.value.body["code"] == "budget_exceeded"
    assert refused.value.body["details"]["budget"] == "two"

    shown = site.json("budget", "show", made["id"])["data"]
    assert (shown["spent"], shown["reserved"], shown["remaining"]) == (2, 0, 0)
    # What the gateway counts, the ledger says too, once it has taken it over.
    poll(lambda: site.json("budget", "show", made["id"], "--store")["data"]["spent"] == 2)
    # One that is made later counts what was spent before.
    late = site.json("budget", "add", "--group", "acme", "--usd", "50", "--per", "day", "--name", "late")["data"]
    poll(lambda: site.json("budget", "show", late["id"])["data"]["spent"] == 2)

    site.run("budget", "update", "two", "--usd", "3")
    call()
    with pytest.raises(openai.APIStatusError):
        call()
    site.run("budget", "delete", "two")
    call()


def test_budgets_over_http_are_exact(site):
    site.serve()
    people(site)
    key = (site.data / "first-key").read_text().strip()
    http = httpx.Client(base_url=f"http://127.0.0.1:{site.port}/api/v1", headers={"authorization": f"Bearer {key}"})
    answer = http.post("/budgets", content='{"group":"acme","limit":0.1}', headers={"content-type": "application/json"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/budgets/{answer.json()['data']['id']}"
    assert '"limit":0.10,' in answer.text
    assert http.get("/budgets", params={"source": "settings"}).json()["data"][0]["id"] == "settings:file"
    conflict = http.patch("/budgets/settings:file", json={"limit": 1})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "CONFLICT")
