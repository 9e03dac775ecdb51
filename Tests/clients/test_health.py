"""What an operator is told: alerts at a webhook, probes, and calls explained, also after a restart."""

import http.server
import json
import threading

import httpx
import pytest

from conftest import CANARY_PROMPT, GATEWAY_KEY, PROVIDER_KEY, Simulator, free_port, poll

OPERATOR_KEY = "tp_test_operator-who-wants-to-know-2b8e"
OTHER_KEY = "tp_test_application-of-another-group-91"
HOOK_TOKEN = "Bearer canary-token-of-the-webhook"


class Webhook:
    """Takes alerts; answers with the statuses it is given, then with 200."""

    def __init__(self, *statuses: int):
        self.alerts: list[dict] = []
        self.tokens: list[str | None] = []
        self.statuses = list(statuses)
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = hook.statuses.pop(0) if hook.statuses else 200
                if status == 200:
                    hook.alerts.append(body)
                    hook.tokens.append(self.headers["authorization"])
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/T0?thread=7"

    def told(self, kind: str) -> list[str]:
        return [alert["status"] for alert in self.alerts if alert["kind"] == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook():
    hook = Webhook(500)
    yield hook
    hook.close()


@pytest.fixture
def bad(tmp_path):
    simulator = Simulator(tmp_path / "bad", arguments=["--quiet"])
    yield simulator
    simulator.stop()


def site(bad: Simulator, good: Simulator, **more) -> dict:
    provider = {"kind": "openai", "allow_private": True}
    group = {
        "credentials": [{"provider": name, "api_key": PROVIDER_KEY} for name in ("a", "b")],
    }
    return {
        "providers": {
            "a": {**provider, "base_url": bad.url, "breaker": {"cooldown": "1s"}},
            "b": {**provider, "base_url": good.url},
        },
        "models": {"fast": {"targets": [{"provider": name, "model": "sim-mini"} for name in ("a", "b")]}},
        "defaults": {"model": "fast", "provider": "b"},
        "bootstrap": {
            "groups": [
                {
                    "id": "demo",
                    **group,
                    "users": [{"id": "op", "role": "system_admin"}],
                    "keys": [
                        {"name": "dev", "secret": GATEWAY_KEY},
                        {"name": "op", "secret": OPERATOR_KEY, "user": "op", "scopes": ["inference", "admin"]},
                    ],
                },
                {"id": "other", **group, "keys": [{"name": "app", "secret": OTHER_KEY}]},
            ]
        },
        **more,
    }


def alerts(webhook: Webhook, **more) -> dict:
    return {
        "webhook": webhook.url, "authorization": HOOK_TOKEN, "allow_private": True, "calm": "1s", "min_calls": 3, **more
    }


def chat(gateway, key: str = GATEWAY_KEY, request_id: str | None = None, content: str = "Say something."):
    fields = {"authorization": f"Bearer {key}"} | ({"x-request-id": request_id} if request_id else {})
    body = {"model": "fast", "messages": [{"role": "user", "content": content}]}
    return gateway.http.post("/v1/chat/completions", json=body, headers=fields)


def story(gateway, request_id: str, key: str = GATEWAY_KEY) -> httpx.Response:
    return gateway.http.get(f"/api/v1/requests/{request_id}", headers={"authorization": f"Bearer {key}"})


def script(provider: Simulator, **fault):
    provider.http.delete("/sim/script")
    if fault:
        entry = {"match": {"path": "/v1/chat/completions"}, "fault": fault}
        provider.http.post("/sim/script", json=[entry]).raise_for_status()


def test_a_trouble_is_told_once_when_it_begins_and_once_when_it_is_over(start_gateway, simulator, bad, webhook):
    gateway = start_gateway(site(bad, simulator, alerts=alerts(webhook, kinds=["breaker_open"])))
    script(bad, status=500)
    for _ in range(12):
        assert chat(gateway).status_code == 200
    # The webhook's first answer was 500: what was told then is told again, and once.
    poll(lambda: webhook.told("breaker_open") == ["firing"], 15, 0.05, "the alert is there")
    alert = webhook.alerts[0]
    assert alert["subject"].startswith("a/sim-mini ") and alert["details"]["provider"] == "a"
    assert alert["text"].startswith("[ALERT] turnpike ") and webhook.tokens == [HOOK_TOKEN]
    script(bad)
    poll(lambda: chat(gateway).headers["x-turnpike-provider"] == "a", 20, 0.1, "it is well again")
    poll(lambda: webhook.told("breaker_open") == ["firing", "resolved"], 15, 0.05, "its end is told")
    assert webhook.alerts[-1]["summary"].startswith("Over after ")
    metrics = gateway.http.get("/metrics").text
    assert "turnpike_alerts_sent_total 2" in metrics and 'turnpike_alerts_firing{kind="breaker_open"} 0' in metrics
    told = [line for line in gateway.log_lines() if line["msg"].startswith("Alert: ")]
    assert [line["status"] for line in told] == ["firing", "resolved"]
    assert HOOK_TOKEN not in gateway.written() and "/hooks/T0" not in gateway.written()


def test_a_refused_key_is_told_of_with_the_group_that_has_to_mend_it(start_gateway, simulator, bad, webhook):
    gateway = start_gateway(site(bad, simulator, alerts=alerts(webhook)))
    script(bad, status=401)
    for _ in range(3):
        assert chat(gateway).status_code == 200
    poll(lambda: webhook.told("credential_rejected") == ["firing"], 15, 0.05, "the alert is there")
    details = next(alert for alert in webhook.alerts if alert["kind"] == "credential_rejected")["details"]
    assert (details["provider"], details["groupId"]) == ("a", "demo")
    # A refused key says nothing about how well the provider is.
    assert not webhook.told("error_rate") and not webhook.told("breaker_open")
    assert PROVIDER_KEY not in json.dumps(webhook.alerts)


def test_a_probe_sees_a_provider_go_and_come_back_without_a_call(start_gateway, tmp_path, simulator, bad, webhook):
    configuration = site(bad, simulator, alerts=alerts(webhook, kinds=["probe"]))
    configuration["providers"]["a"]["probe"] = {"every": "1s"}
    gateway = start_gateway(configuration)

    def probe() -> dict:
        providers = gateway.http.get("/api/ai/status").json()["providers"]
        return next(one for one in providers if one["name"] == "a")["probe"] or {}

    # It has no key, and to be asked for one is a good answer.
    poll(lambda: probe().get("ok"), 10, 0.05, "the first probe")
    assert probe()["httpStatus"] in (200, 401)
    bad.process.kill()
    bad.wait()
    poll(lambda: webhook.told("probe") == ["firing"], 15, 0.05, "its silence is told")
    seen = gateway.http.get("/api/ai/status").json()
    assert next(one for one in seen["providers"] if one["name"] == "a")["status"] == "down"
    assert probe()["reason"] == "no connection" and str(bad.port) not in json.dumps(seen)
    configuration["providers"]["a"]["base_url"] = simulator.url
    gateway.configure(configuration)
    poll(lambda: webhook.told("probe") == ["firing", "resolved"], 15, 0.05, "its return is told")


def test_a_webhook_that_hangs_keeps_no_call_waiting(start_gateway, simulator, bad):
    # Nobody ever takes what is sent there.
    import socket

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    hook = {"webhook": f"http://127.0.0.1:{listener.getsockname()[1]}/", "allow_private": True, "min_calls": 3}
    gateway = start_gateway(site(bad, simulator, alerts=hook))
    script(bad, status=500)
    for _ in range(20):
        assert chat(gateway).status_code == 200
    poll(lambda: any(line["msg"].startswith("Alert: ") for line in gateway.log_lines()), 10, 0.05, "it is in the log")
    assert chat(gateway).elapsed.total_seconds() < 1
    listener.close()


def test_a_call_is_explained_to_who_made_it_and_to_nobody_of_another_group(start_gateway, simulator, bad):
    gateway = start_gateway(site(bad, simulator))
    script(bad, status=503)
    name = "my/own:id=1+2"
    assert chat(gateway, request_id=name, content=CANARY_PROMPT).status_code == 200
    own = story(gateway, name)
    assert own.status_code == 200 and CANARY_PROMPT not in own.text and PROVIDER_KEY not in own.text
    data = own.json()["data"]
    assert (data["source"], data["count"], data["served"]["provider"]) == ("memory", 1, "b")
    assert [one["ok"] for one in data["attempts"]] == [False, True]
    assert data["attempts"][0]["upstreamStatus"] == 503
    assert story(gateway, name, OPERATOR_KEY).json()["data"] == data
    assert story(gateway, name, OTHER_KEY).status_code == 404
    assert story(gateway, name, "tp_nobody").status_code == 401
    # The other group's call with the same id changes nothing of what the first one sees.
    assert chat(gateway, OTHER_KEY, request_id=name).status_code == 200
    assert story(gateway, name).json()["data"] == data
    assert story(gateway, name, OPERATOR_KEY).json()["data"]["count"] == 2
    assert story(gateway, name, OTHER_KEY).json()["data"]["groupId"] == "other"


def test_after_a_restart_the_ledger_knows_what_a_call_tried(start_gateway, simulator, bad):
    configuration = site(bad, simulator)
    gateway = start_gateway(configuration, port=free_port())
    script(bad, status=503)
    assert chat(gateway, request_id="before-the-restart").status_code == 200
    gateway.stop()
    gateway.__init__(gateway.folder, configuration, port=gateway.port)
    try:
        answer = poll(
            lambda: (found := story(gateway, "before-the-restart")).status_code == 200 and found, 10, 0.1, "the ledger"
        )
        data = answer.json()["data"]
        assert data["source"] == "ledger" and data["groupId"] == "demo"
        assert [(one["provider"], one["ok"]) for one in data["attempts"]] == [("a", False), ("b", True)]
        assert story(gateway, "before-the-restart", OTHER_KEY).status_code == 404
    finally:
        gateway.stop()
