"""An OpenAI SDK of the 1.x line, as many applications still have it."""

import json
import os
import pathlib
import subprocess

from conftest import REPOSITORY

PYTHON = os.environ.get("TURNPIKE_OPENAI1_PYTHON", str(REPOSITORY / ".venv-openai1/bin/python"))


def test_an_old_sdk_works_unchanged(gateway, key):
    script = pathlib.Path(__file__).with_name("openai1_client.py")
    run = subprocess.run([PYTHON, script, gateway.url, key], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["version"].startswith("1.")
    assert seen["plain"] and seen["stream"] == seen["plain"] and seen["usage"] > 0
    assert seen["tool"] == "weather" and seen["embedding"] > 8 and "fast" in seen["models"]
    assert seen["rate_limited"] == "RateLimitError 429"
    assert seen["not_found"] == "NotFoundError 404"
    assert seen["outage"] == "InternalServerError 502"
    assert seen["wrong_key"] == "AuthenticationError 401"
