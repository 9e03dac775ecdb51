"""With nginx in front, as many will run it: TLS aside, nothing may change on the way."""

import json
import subprocess
import time

import httpx
import pytest

from conftest import GATEWAY_KEY, free_port, poll, tool

CONFIGURATION = """
daemon off;
pid %(run)s/nginx.pid;
error_log %(run)s/error.log;
events {}
http {
    access_log off;
    client_body_temp_path %(run)s/body; proxy_temp_path %(run)s/proxy; fastcgi_temp_path %(run)s/fastcgi;
    uwsgi_temp_path %(run)s/uwsgi; scgi_temp_path %(run)s/scgi;
    upstream gateway { server 127.0.0.1:%(gateway)d; keepalive 16; }
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_buffering off;
        }
    }
}
"""


@pytest.fixture
def nginx(gateway, tmp_path):
    """A client that talks to the gateway through nginx."""
    port = free_port()
    file = tmp_path / "nginx.conf"
    file.write_text(CONFIGURATION % {"run": tmp_path, "gateway": gateway.port, "port": port})
    process = subprocess.Popen([tool("nginx"), "-p", tmp_path, "-c", file], stderr=subprocess.DEVNULL)
    headers = {"authorization": f"Bearer {GATEWAY_KEY}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=20) as http:

        def up():
            try:
                return http.get("/healthz").status_code == 200
            except httpx.HTTPError:
                return False

        poll(up, message="nginx is up")
        yield http
    process.terminate()
    process.wait(10)


def body(model: str, stream: bool) -> dict:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say something."}]}


def test_answers_and_streams_pass(nginx, gateway):
    for _ in range(3):
        plain = nginx.post("/v1/chat/completions", json=body("fast", False))
        assert plain.status_code == 200 and plain.headers["x-request-id"]
        streamed = nginx.post("/v1/chat/completions", json=body("fast", True))
        assert streamed.text.rstrip().endswith("data: [DONE]")
    assert nginx.post("/v1/chat/completions", json=body("sim/sim?status=429", False)).status_code == 429


def test_events_arrive_one_by_one(nginx):
    arrived = []
    with nginx.stream("POST", "/v1/chat/completions", json=body("sim/sim?chunks=5&interval_ms=100", True)) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                arrived.append(time.monotonic())
    assert len(arrived) == 5 and arrived[-1] - arrived[0] > 0.25


def test_a_client_that_leaves_nginx_leaves_the_provider(nginx, simulator):
    model = "sim?chunks=100000&interval_ms=10"
    with nginx.stream("POST", "/v1/chat/completions", json=body(f"sim/{model}", True)) as answer:
        next(answer.iter_lines())
    left = time.monotonic_ns()
    call = poll(lambda: next((call for call in simulator.calls(model) if call["cut_ns"]), None), message="cut")
    assert (call["cut_ns"] - left) / 1e6 <= 250
