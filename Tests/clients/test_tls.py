"""TLS on both sides: a certificate for clients that is replaced while running, and providers that must prove who they are."""

import http.server
import json
import pathlib
import socket
import ssl
import subprocess
import threading

import httpx
import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY, configuration_for, poll, tool

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "over TLS"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


class Authority:
    """Makes certificates."""

    def __init__(self, folder: pathlib.Path):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "ca.pem"
        self.openssl("req", "-x509", *self.new_key("ca"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]

    def openssl(self, *arguments):
        subprocess.run([tool("openssl"), *arguments], cwd=self.folder, check=True, capture_output=True, timeout=20)

    def certificate(self, name: str, host: str = "localhost") -> tuple[pathlib.Path, pathlib.Path]:
        self.openssl("req", *self.new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={host}")
        names = f"IP:{host}" if host[0].isdigit() else f"DNS:{host}"
        (self.folder / f"{name}.names").write_text(f"subjectAltName={names}\n")
        self.openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.names",
        )
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def secure_provider():
    """Starts providers that speak TLS with a given certificate; what they saw is in `.calls`."""
    started = []

    def start(certificate: pathlib.Path, key: pathlib.Path):
        class Provider(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.server.calls.append(dict(self.headers))
                body = json.dumps(ANSWER).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        server.calls = []
        server.handle_error = lambda *_: None  # A client that does not trust us hangs up; that is the point.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def with_provider(simulator, server, **entry) -> dict:
    configuration = configuration_for(simulator)
    url = f"https://localhost:{server.server_address[1]}/v1"
    configuration["providers"]["secure"] = {"kind": "openai", "base_url": url, "allow_private": True, "max_retries": 0, **entry}
    group = configuration["bootstrap"]["groups"][0]
    group["credentials"].append({"provider": "secure", "api_key": PROVIDER_KEY})
    return configuration


def test_a_provider_with_a_trusted_certificate_is_called(start_gateway, simulator, authority, secure_provider):
    server = secure_provider(*authority.certificate("provider"))
    gateway = start_gateway(with_provider(simulator, server, ca_file=str(authority.file)))
    answer = gateway.chat("secure/m")
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"] == "over TLS"
    assert len(server.calls) == 1


def test_a_provider_that_nobody_vouches_for_gets_nothing(start_gateway, simulator, authority, secure_provider):
    """Row 116."""
    server = secure_provider(*authority.certificate("provider"))
    gateway = start_gateway(with_provider(simulator, server))
    answer = gateway.chat("secure/m")
    assert answer.status_code in (502, 503)
    assert server.calls == []


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
def test_a_provider_with_the_certificate_of_another_gets_nothing(start_gateway, simulator, authority, secure_provider, host):
    """Row 116. The name in the URL counts, not the address it leads to: whoever forges DNS may own a certificate for his."""
    certificate, key = authority.certificate("other", host)
    server = secure_provider(certificate, key)
    gateway = start_gateway(with_provider(simulator, server, ca_file=str(authority.file)))
    answer = gateway.chat("secure/m")
    assert answer.status_code in (502, 503)
    assert server.calls == []


def served_certificate(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as secure:
        return secure.getpeercert(binary_form=True)


def test_clients_may_come_over_tls_and_the_certificate_can_be_replaced(start_gateway, simulator, authority, tmp_path):
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"

    def install(name):
        for made, place in zip(authority.certificate(name), (certificate, key)):
            fresh = place.with_suffix(".new")
            fresh.write_bytes(made.read_bytes())
            fresh.rename(place)

    install("first")
    tls = {"certificate_file": str(certificate), "key_file": str(key)}
    gateway = start_gateway(configuration_for(simulator, server={"tls": tls}), wait=False)
    context = ssl.create_default_context(cafile=str(authority.file))
    http = httpx.Client(
        base_url=f"https://localhost:{gateway.port}", verify=context, trust_env=False,
        headers={"authorization": f"Bearer {GATEWAY_KEY}"}, timeout=10,
    )

    def ready():
        gateway.must_live()
        try:
            return http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    poll(ready, message="ready over TLS")
    body = {"model": "fast", "messages": [{"role": "user", "content": "Say something."}]}
    assert http.post("/v1/chat/completions", json=body).status_code == 200
    streamed = http.post("/v1/chat/completions", json=body | {"stream": True})
    assert streamed.text.rstrip().endswith("data: [DONE]")
    first = served_certificate(gateway.port)
    install("second")
    poll(lambda: served_certificate(gateway.port) != first, 15, 0.1, "the new certificate is served")
    # The connection from before is still good.
    assert http.post("/v1/chat/completions", json=body).status_code == 200


def test_old_protocols_are_refused(start_gateway, simulator, authority):
    """Row 13."""
    certificate, key = authority.certificate("server")
    tls = {"certificate_file": str(certificate), "key_file": str(key)}
    gateway = start_gateway(configuration_for(simulator, server={"tls": tls}), wait=False)

    def listening():
        gateway.must_live()
        try:
            return served_certificate(gateway.port)
        except OSError:
            return None

    poll(listening, message="listening")
    run = subprocess.run(
        [tool("openssl"), "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=20,
    )
    assert b"BEGIN CERTIFICATE" not in run.stdout
