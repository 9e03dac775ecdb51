"""What an operator sees: health, metrics, the log, reloads, the first key."""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys

import pytest

from conftest import CANARIES, CANARY_PROMPT, GATEWAY_KEY, Gateway, configuration_for, poll, tool


def test_health_and_readiness_need_no_key(gateway):
    for path in ("/healthz", "/readyz"):
        answer = gateway.http.get(path, headers={"authorization": ""})
        assert answer.status_code == 200, path


def test_promtool_finds_nothing_to_say_about_the_metrics(gateway):
    gateway.chat("fast")
    gateway.chat("fast", stream=True)
    gateway.chat("sim/sim?status=500")
    metrics = gateway.http.get("/metrics", headers={"authorization": ""})
    assert metrics.status_code == 200
    run = subprocess.run([tool("promtool"), "check", "metrics"], input=metrics.content, capture_output=True, timeout=20)
    assert run.returncode == 0, run.stdout + run.stderr
    assert b"turnpike_" in metrics.content


def series(gateway) -> int:
    text = gateway.http.get("/metrics").text
    return sum(1 for line in text.splitlines() if line and not line.startswith("#"))


def test_names_that_clients_make_up_make_no_series(gateway):
    """Row 53."""
    gateway.chat("sim/made-up-0?status=500")
    gateway.http.get("/v1/made-up-0")
    before = series(gateway)
    for number in range(1, 200):
        gateway.chat(f"sim/made-up-{number}?status=500")
        gateway.http.get(f"/v1/made-up-{number}")
    assert series(gateway) <= before + 5
    assert "made-up" not in gateway.http.get("/metrics").text


def test_each_call_writes_one_line_and_no_secret(start_gateway, simulator):
    """Rows 51, 52."""
    gateway = start_gateway()
    before = len(gateway.log_lines())
    answered = gateway.http.post(
        "/v1/chat/completions",
        json={"model": "fast", "messages": [{"role": "user", "content": CANARY_PROMPT}]},
        headers={"x-request-id": "one-call-1"},
    )
    assert answered.status_code == 200
    gateway.chat("fast", CANARY_PROMPT, stream=True)
    gateway.chat("sim/sim?status=401&error=echo_key", CANARY_PROMPT)
    gateway.chat("forged\",\"model\":\"x\n\u2028\u001b[31m", CANARY_PROMPT)
    gateway.http.post("/v1/chat/completions", json={}, headers={"authorization": f"Bearer {GATEWAY_KEY}x"})
    # The refused credential is worth a line of its own.
    poll(lambda: len(gateway.log_lines()) >= before + 6, message="five calls and a refusal")
    assert gateway.log_file.read_bytes().count(b"\n") == before + 6
    lines = [line for line in gateway.log_lines()[before:] if line["msg"] == "call"]
    assert len(lines) == 5, lines
    assert "one-call-1" in json.dumps(lines[0])
    for canary in CANARIES:
        assert canary not in gateway.log_file.read_text()
    simulator.clear()


def test_the_log_of_calls_can_be_turned_off(start_gateway):
    gateway = start_gateway(environment={"TURNPIKE_LOG_CALLS": "false"})
    before = len(gateway.log_lines())
    gateway.chat("fast")
    gateway.stop()
    assert not any("fast" in json.dumps(line) for line in gateway.log_lines()[before:])


def test_a_hangup_reloads_the_configuration_whole_or_not_at_all(start_gateway, simulator):
    gateway = start_gateway()
    changed = configuration_for(simulator)
    changed["models"]["quick"] = {"targets": [{"provider": "sim", "model": "sim-mini"}]}
    assert gateway.http.get("/v1/models/quick").status_code == 404
    gateway.configure(changed)
    gateway.send(signal.SIGHUP)
    poll(lambda: gateway.http.get("/v1/models/quick").status_code == 200, message="the new alias is there")
    assert gateway.chat("quick").status_code == 200

    broken = configuration_for(simulator, no_such_key=True)
    broken["models"] = {"other": {"targets": [{"provider": "sim", "model": "sim"}]}}
    lines = len(gateway.log_lines())
    gateway.configure(broken)
    gateway.send(signal.SIGHUP)
    poll(lambda: len(gateway.log_lines()) > lines or "no_such_key" in gateway.written(), message="the mistake is reported")
    assert gateway.http.get("/v1/models/quick").status_code == 200, "the old configuration is still in force"
    assert gateway.http.get("/v1/models/other").status_code == 404


def test_a_saved_file_reloads_by_itself(start_gateway, simulator):
    gateway = start_gateway()
    changed = configuration_for(simulator)
    changed["bootstrap"]["groups"][0]["keys"].append({"name": "second", "secret": "second-key-0123456789abc"})
    headers = {"authorization": "Bearer second-key-0123456789abc"}
    assert gateway.http.get("/v1/models", headers=headers).status_code == 401
    gateway.configure(changed)
    poll(lambda: gateway.http.get("/v1/models", headers=headers).status_code == 200, message="the new key is known")


def test_calls_that_run_survive_a_reload(start_gateway, simulator):
    gateway = start_gateway()
    with gateway.http.stream(
        "POST",
        "/v1/chat/completions",
        json={"model": "sim/sim?chunks=60&interval_ms=20", "stream": True, "messages": [{"role": "user", "content": "x"}]},
    ) as answer:
        lines = answer.iter_lines()
        next(lines)
        gateway.send(signal.SIGHUP)
        rest = list(lines)
    assert "data: [DONE]" in rest


@pytest.mark.parametrize(
    "text, hint",
    [
        ("server: { lisen: 127.0.0.1:1 }", "listen"),
        ("server: { drain: soon }", "drain"),
        ("models: { fast: { targets: [ { provider: nowhere, model: x } ] } }", "nowhere"),
        ("server: [", ""),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path, text, hint):
    gateway = Gateway(tmp_path, None, wait=False)
    gateway.stop()
    file = tmp_path / "wrong.yaml"
    file.write_text(f"environment: development\n{text}\n")
    wrong = Gateway(tmp_path / "second", None, arguments=["--config", file], wait=False)
    try:
        assert wrong.wait(10) in (1, 2)
    finally:
        wrong.stop()
    assert re.search(r"wrong\.yaml:[23]\b", wrong.written()) and hint in wrong.written()


# --- Without a file --------------------------------------------------------------------------------------------------


def shown_key(gateway) -> str:
    return poll(
        lambda: (found := re.search(r"tp_[A-Za-z0-9_-]{20,}", gateway.stdout.read_text())) and found.group(0),
        message="a key is shown",
    )


@pytest.fixture
def fresh(tmp_path):
    """A first start without any file, with the built-in simulator."""
    started = []

    def start() -> Gateway:
        gateway = Gateway(tmp_path, None, arguments=["--simulator"])
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        gateway.stop()


def test_a_first_start_makes_a_key_that_only_the_owner_can_read(fresh):
    gateway = fresh()
    key = shown_key(gateway)
    file = gateway.data / "first-key"
    assert file.read_text().strip() == key
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    answer = gateway.http.get("/v1/models", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_the_second_start_uses_the_same_key(fresh):
    first = fresh()
    key = shown_key(first)
    assert first.stop() == 0
    second = fresh()
    assert (second.data / "first-key").read_text().strip() == key
    assert second.http.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_a_kill_loses_nothing_and_the_port_is_free_at_once(fresh, tmp_path):
    first = fresh()
    key = shown_key(first)
    first.send(signal.SIGKILL)
    first.wait()
    second = Gateway(tmp_path, None, arguments=["--simulator"], port=first.port)
    try:
        assert second.http.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 200
    finally:
        second.stop()


def test_the_lines_that_are_printed_work_when_pasted(fresh, tmp_path):
    gateway = fresh()
    shown_key(gateway)
    text = poll(lambda: "OpenAI(" in gateway.stdout.read_text() and gateway.stdout.read_text(), message="Python lines")
    # The curl command, with the lines it is continued on.
    command = re.search(r"^[ \t]*(curl (?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert command, text
    run = subprocess.run(["bash", "-c", command.group(1)], capture_output=True, text=True, timeout=30)
    assert json.loads(run.stdout)["choices"], run.stdout + run.stderr
    script = re.search(r"^[ \t]*from openai import OpenAI\n(?:.*\n)*?.*print\(.*$", text, re.MULTILINE)
    assert script, text
    lines = script.group(0).splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    file = tmp_path / "pasted.py"
    file.write_text("\n".join(line[indent:] for line in lines) + "\n")
    run = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=30)
    assert run.returncode == 0 and run.stdout.strip(), run.stderr


def test_the_real_binary_has_a_version_and_refuses_misuse(tmp_path):
    from conftest import BINARY

    run = subprocess.run([BINARY, "version"], capture_output=True, text=True, timeout=10)
    assert run.returncode == 0 and re.search(r"\d+\.\d+", run.stdout)
    wrong = subprocess.run([BINARY, "serve", "--no-such-flag"], capture_output=True, text=True, timeout=10, cwd=tmp_path)
    assert wrong.returncode == 2
    assert pathlib.Path(tmp_path / "data").exists() is False
