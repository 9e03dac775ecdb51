#!/usr/bin/env python3
"""Real calls, through a gateway started for the purpose: one plain, one streamed and one with a wrong key for each provider
whose key is in the environment. Says what it skipped. The calls cost a fraction of a cent. Standard library only.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Variable, provider, a small model of it (LIVE_MODEL_<PROVIDER> names another), and why it cannot be called yet.
PROVIDERS = [
    ("OPENROUTER_API_KEY", "openrouter", "openai/gpt-4o-mini", None),
    ("OPENAI_API_KEY", "openai", "gpt-4o-mini", None),
    ("AI_GATEWAY_API_KEY", "vercel", "openai/gpt-4o-mini", None),
    ("MISTRAL_API_KEY", "mistral", "mistral-small-latest", None),
    ("GROQ_API_KEY", "groq", "llama-3.1-8b-instant", None),
    ("AZURE_OPENAI_API_KEY", "azure", None, "needs a base_url of your own"),
    ("ANTHROPIC_API_KEY", "anthropic", None, "this version does not speak its dialect"),
    ("COHERE_API_KEY", "cohere", None, "this version does not speak its dialect"),
    ("GEMINI_API_KEY", "gemini", None, "this version does not speak its dialect"),
    ("AWS_BEARER_TOKEN_BEDROCK", "bedrock", None, "this version does not speak its dialect"),
]


class Gateway:
    """`turnpike serve` without a file: the given keys become credentials of the group `default`."""

    def __init__(self, turnpike: pathlib.Path, keys: dict[str, str], folder: pathlib.Path):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        folder.mkdir(parents=True)
        clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "SSL_CERT_FILE")}
        self.log = folder / "output.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [turnpike, "serve", "--server-listen", f"127.0.0.1:{self.port}", "--data-dir", folder / "data"],
                cwd=folder, env=clean | keys, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )
        key_file = folder / "data" / "first-key"
        deadline = time.monotonic() + 10
        while not (key_file.exists() and self.is_ready()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the gateway did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        self.key = key_file.read_text().strip()

    def is_ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def chat(self, model: str, stream: bool) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = {"model": model, "stream": stream, "max_tokens": 16, "messages": [{"role": "user", "content": "Say hello."}]}
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)


def plain(gateway: Gateway, model: str) -> str:
    status, text = gateway.chat(model, stream=False)
    assert status == 200, f"status {status}: {text[:300]}"
    answer = json.loads(text)
    return f"{answer['choices'][0]['message']['content']!r}, {answer['usage']['total_tokens']} tokens"


def streamed(gateway: Gateway, model: str) -> str:
    status, text = gateway.chat(model, stream=True)
    assert status == 200, f"status {status}: {text[:300]}"
    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert events and events[-1] == "[DONE]", f"the stream does not end as it should: {text[-300:]}"
    words = "".join(
        choice["delta"].get("content") or "" for event in events[:-1] for choice in json.loads(event).get("choices", [])
    )
    assert words, "no words came"
    return f"{words!r}, {len(events) - 1} events"


def wrong_key(gateway: Gateway, model: str) -> str:
    status, text = gateway.chat(model, stream=False)
    assert status == 424, f"status {status}: {text[:300]}"
    assert json.loads(text)["error"]["code"] == "credential_rejected", text[:300]
    return "424 credential_rejected"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turnpike", type=pathlib.Path, required=True)
    turnpike = parser.parse_args().turnpike.resolve()
    passed, failed, skipped = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="turnpike-live-") as folder:
        for variable, provider, small_model, obstacle in PROVIDERS:
            secret = os.environ.get(variable)
            model = os.environ.get(f"LIVE_MODEL_{provider.upper()}", small_model)
            if not secret or obstacle:
                skipped += 1
                print(f"skipped {provider}: {obstacle if secret else f'no {variable}'}")
                continue
            keys = {"plain": secret, "streamed": secret, "wrong key": "sk-wrong-key-of-nobody-0123456789abcdef0123"}
            for name, check in (("plain", plain), ("streamed", streamed), ("wrong key", wrong_key)):
                gateway = Gateway(turnpike, {variable: keys[name]}, pathlib.Path(folder) / f"{provider}-{name.replace(' ', '-')}")
                try:
                    result = check(gateway, f"{provider}/{model}")
                    passed += 1
                    print(f"passed  {provider} {name}: {result}")
                except (AssertionError, OSError, KeyError, ValueError) as error:
                    failed += 1
                    print(f"FAILED  {provider} {name}: {error}".replace(secret, "<secret>"))
                finally:
                    gateway.stop()
                assert secret not in gateway.log.read_text(), f"the key of {provider} stands in the gateway's output"
    print(f"{passed} passed, {failed} failed, {skipped} providers skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
