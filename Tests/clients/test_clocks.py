"""Time: which clock ends a call, how exactly, and what that does to connections (rows 83, 90, 91)."""

import concurrent.futures
import json
import os
import re
import socket
import ssl
import statistics
import threading
import time

import httpx
import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY, configuration_for, free_port, poll
from test_tls import authority  # noqa: F401 (a fixture)
from wire import Wire, chat_body, request


def error_of(answer: httpx.Response) -> dict:
    return answer.json()["error"]


def metric(gateway, name: str) -> float:
    """One sample of `/metrics`; 0 if there is none."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", gateway.http.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def seconds_of_silence(gateway, model: str) -> tuple[float, dict]:
    """From a stream's last word to the error that ends it."""
    with Wire(gateway.port) as wire:
        wire.send(request(chat_body(model, stream=True), "Connection: close"))
        last, text = time.monotonic(), b""
        while b'"error"' not in text:
            wire.socket.settimeout(20)
            data = wire.socket.recv(65536)
            assert data, "closed without an error"
            if b'"error"' not in data:
                last = time.monotonic()
            text += data
        took = time.monotonic() - last
        text += wire.read_to_end()
        event = re.search(rb'^data: (\{"error".*\})\r?$', text, re.MULTILINE)
        assert event, text
        return took, json.loads(event[1])["error"]


def test_a_provider_that_falls_silent_is_noticed_at_the_idle_clock(start_gateway, simulator):
    """Row 90: within 100 ms of it."""
    configuration = configuration_for(simulator)
    configuration["providers"]["sim"]["timeouts"] = {"idle": "700ms"}
    gateway = start_gateway(configuration)
    gateway.chat("fast")
    # All at once: after some failures the breaker would open.
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        model = "sim/sim?chunks=9&stall_after_events=4"
        found = list(pool.map(lambda _: seconds_of_silence(gateway, model), range(40)))
    for _, error in found:
        assert error["code"] == "provider_timeout" and "idle limit of 700 ms" in error["message"]
        assert error["details"] == {"clock": "idle", "limitMs": "700"}
    late = [took - 0.7 for took, _ in found]
    print(f"noticed {statistics.median(late) * 1000:+.0f} ms after the clock, worst {max(late) * 1000:+.0f} ms")
    # The client reads a moment after the gateway did; that may be before its clock, by as much.
    assert min(late) > -0.1
    assert abs(statistics.median(late)) < 0.1
    poll(lambda: all(call["ending"] != "running" for call in simulator.calls()), message="no call is left running")
    assert metric(gateway, 'turnpike_upstream_timeouts_total{clock="idle"}') == 40


def test_every_level_can_set_a_clock_and_the_nearest_one_counts(start_gateway, simulator):
    configuration = configuration_for(simulator)
    configuration["providers"]["sim"].update({"timeouts": {"first_byte": "400ms", "total": "15s"}, "max_retries": 0})
    configuration["providers"]["openrouter"].update({"timeouts": {"first_byte": "500ms"}, "max_retries": 0})
    silent = "sim-mini?stall_before_head=1"
    configuration["models"] = {
        "own": {"targets": [{"provider": "sim", "model": silent}], "timeouts": {"first_byte": "300ms"}},
        "plain": {"targets": [{"provider": "sim", "model": silent}]},
        "second": {
            "targets": [{"provider": "sim", "model": "sim?status=500"}, {"provider": "openrouter", "model": silent}],
            "timeouts": {"idle": "9s"}, "max_retries": 1,
        },
    }
    configuration["defaults"] = {"model": "plain", "provider": "sim"}
    gateway = start_gateway(configuration)
    for model, clock, limit, fields in [
        ("own", "first_byte", "300", {}),
        ("plain", "first_byte", "400", {}),
        # What its alias does not say is its own provider's, not that of the alias's first target.
        ("second", "first_byte", "500", {}),
        ("own", "total", "200", {"x-turnpike-timeout-ms": "200"}),
        ("own", "first_byte", "300", {"x-turnpike-timeout-ms": "60000"}),
    ]:
        body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
        answer = gateway.http.post("/v1/chat/completions", json=body, headers=fields)
        details = error_of(answer)["details"]
        assert (answer.status_code, details["clock"], details["limitMs"]) == (504, clock, limit), (model, answer.text)


def test_the_time_for_the_default_provider_comes_from_the_environment(start_gateway, simulator):
    gateway = start_gateway(environment={"AI_REQUEST_TIMEOUT_MS": "350", "AI_MAX_RETRIES": "0"})
    answer = gateway.chat("sim/sim?stall_before_head=1")
    assert answer.status_code == 504 and "total limit of 350 ms" in error_of(answer)["message"]


@pytest.mark.parametrize("value", ["0", "-1", "abc", "1.5", "99999999999", "1e3", ""])
def test_a_limit_that_is_no_number_of_milliseconds_is_refused(gateway, value):
    body = {"model": "fast", "messages": [{"role": "user", "content": "x"}]}
    answer = gateway.http.post("/v1/chat/completions", json=body, headers={"x-turnpike-timeout-ms": value})
    assert answer.status_code == 400 and error_of(answer)["details"]["field"] == "x-turnpike-timeout-ms"


def test_a_stream_that_is_cut_by_a_clock_raises_in_the_sdk(start_gateway, simulator):
    """Row 89: an answer that was cut never looks whole."""
    import openai

    configuration = configuration_for(simulator)
    configuration["providers"]["sim"]["timeouts"] = {"idle": "300ms"}
    gateway = start_gateway(configuration)
    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="sim/sim?chunks=9&stall_after_events=4", stream=True, messages=[{"role": "user", "content": "x"}]
        )
        with pytest.raises(openai.APIError) as raised:
            for _ in stream:
                pass
    assert "idle limit of 300 ms" in str(raised.value)


# Connections


def test_connections_are_used_again_and_the_figures_say_so(start_gateway, simulator):
    gateway = start_gateway(server={"loops": 1})
    for _ in range(10):
        assert gateway.chat("fast").status_code == 200
    assert metric(gateway, "turnpike_upstream_dials_total") == 1
    assert metric(gateway, "turnpike_upstream_reuses_total") == 9
    assert metric(gateway, "turnpike_upstream_connections") == 1
    assert metric(gateway, "turnpike_upstream_idle_connections") == 1
    assert metric(gateway, "turnpike_upstream_dial_seconds_total") > 0
    assert len({call["connection"] for call in simulator.calls()}) == 1


@pytest.mark.parametrize("fault", ["connection_close=1", "http10=1", "idle_close=1", "framing=close"])
def test_a_provider_that_closes_is_taken_at_its_word(start_gateway, simulator, fault):
    gateway = start_gateway(server={"loops": 1})
    for stream in (False, True) * 5:
        answer = gateway.chat(f"sim/sim?{fault}", stream=stream)
        assert answer.status_code == 200
    assert len(simulator.calls()) == 10, "each call reached the provider once"
    assert metric(gateway, 'turnpike_upstream_closes_total{reason="upstream"}') >= 9


def test_calls_beside_a_provider_that_closes_idle_connections_do_not_fail(start_gateway, simulator):
    """The race of a request with a close: none is lost, none is answered twice."""
    gateway = start_gateway(server={"loops": 1})
    for index in range(60):
        answer = gateway.chat("sim/sim?idle_close=1&idle_close_ms=15")
        assert answer.status_code == 200, answer.text
        time.sleep(0.010 + index % 10 / 1000)
    answered = [call for call in simulator.calls() if call["ending"] == "completed"]
    assert len(answered) == 60
    print(f"replaced {metric(gateway, 'turnpike_upstream_replaced_total'):.0f} of 60")


def test_other_rules_for_connections_hold_after_a_reload(start_gateway, simulator):
    configuration = configuration_for(simulator, server={"loops": 1})
    gateway = start_gateway(configuration)
    gateway.chat("fast")
    gateway.configure(configuration | {"upstream": {"idle_max": 0}})

    def no_longer_kept():
        gateway.chat("fast")
        return metric(gateway, 'turnpike_upstream_closes_total{reason="surplus"}') > 0

    poll(no_longer_kept, 20, message="connections are not kept any more")
    assert metric(gateway, "turnpike_upstream_idle_connections") == 0


def test_mistakes_in_those_rules_are_refused_with_their_place(start_gateway, simulator):
    gateway = start_gateway(configuration_for(simulator, upstream={"idel": "5s"}), wait=False)
    assert gateway.wait(20) == 1
    assert "upstream.idel" in gateway.stderr.read_text() and "idle" in gateway.stderr.read_text()


class Mute:
    """Speaks TLS until it has sent the first words of a stream, then takes no notice of anything but the end."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.closed_at = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        plain, _ = self.listener.accept()
        # What TLS says goodbye with is never answered: below it the bytes are read as they are.
        below = socket.socket(fileno=os.dup(plain.fileno()))
        secure = self.context.wrap_socket(plain, server_side=True)
        while b"\r\n\r\n" not in secure.recv(65536):
            pass
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                 "choices": [{"index": 0, "delta": {"role": "assistant", "content": "word"}, "finish_reason": None}]}
        event = f"data: {json.dumps(chunk)}\n\n".encode()
        secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        secure.sendall(b"%x\r\n%s\r\n" % (len(event), event))
        below.settimeout(20)
        try:
            while below.recv(65536):
                pass
        except ConnectionResetError:
            pass
        self.closed_at = time.monotonic()
        below.close()


def test_a_call_over_tls_that_is_left_is_cut_even_if_the_provider_does_not_listen(start_gateway, simulator, authority):  # noqa: F811
    """Row 91: closed 250 ms after the client, whatever TLS would like to say."""
    mute = Mute(*authority.certificate("provider"))
    configuration = configuration_for(simulator)
    configuration["providers"]["mute"] = {
        "kind": "openai", "base_url": f"https://localhost:{mute.port}/v1", "allow_private": True,
        "ca_file": str(authority.file),
    }
    configuration["bootstrap"]["groups"][0]["credentials"].append({"provider": "mute", "api_key": PROVIDER_KEY})
    gateway = start_gateway(configuration)
    with Wire(gateway.port) as wire:
        wire.send(request(chat_body("mute/m", stream=True)))
        wire.read_until(b"word")
        left = time.monotonic()
    poll(lambda: mute.closed_at, 10, 0.01, "the provider's connection is closed")
    print(f"cut {(mute.closed_at - left) * 1000:.0f} ms after the client left")
    assert mute.closed_at - left < 1


def test_a_provider_that_is_not_there_costs_no_clock(start_gateway, simulator):
    """Row 83: a refused connection gives way at once."""
    configuration = configuration_for(simulator)
    configuration["providers"]["gone"] = {
        "kind": "openai", "base_url": f"http://127.0.0.1:{free_port()}/v1", "allow_private": True, "auth": "none",
    }
    configuration["models"]["safe"] = {
        "targets": [{"provider": "gone", "model": "m"}, {"provider": "sim", "model": "sim-mini"}],
        "timeouts": {"connect": "9s"},
    }
    gateway = start_gateway(configuration)
    began = time.monotonic()
    answer = gateway.chat("safe")
    assert answer.status_code == 200 and answer.headers["x-turnpike-provider"] == "sim"
    assert time.monotonic() - began < 9, "it waited for the connect clock"
    assert metric(gateway, "turnpike_upstream_dial_failures_total") >= 1
