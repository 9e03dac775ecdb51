"""An OpenAI SDK of the 1.x line onto every provider dialect."""

import json
import os
import pathlib
import subprocess

from conftest import GATEWAY_KEY, REPOSITORY
from dialects import NAMES, QUESTION

PYTHON = os.environ.get("TURNPIKE_OPENAI1_PYTHON", str(REPOSITORY / ".venv-openai1/bin/python"))


def test_an_old_sdk_works_with_every_provider(world):
    script = pathlib.Path(__file__).with_name("openai1_matrix.py")
    command = [PYTHON, script, world.url, GATEWAY_KEY, *(f"{name}/sim" for name in NAMES)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=80)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == len(NAMES)
    for name, seen in zip(NAMES, lines):
        assert seen["version"].startswith("1."), name
        assert QUESTION in seen["plain"] and seen["stream"] == seen["plain"], name
        assert seen["streamed_usage"] == [seen["usage"]], name
        assert (seen["tool"], seen["arguments"]) == ("weather", {}) and "Rain all day" in seen["told"], name
        assert seen["limited"].startswith("RateLimitError 429"), name
        assert seen["missing"] == "NotFoundError 404 model_not_found", name
        assert seen["long"] == "BadRequestError 400 context_length_exceeded", name
        assert seen["outage"].startswith("InternalServerError 502"), name
        assert seen["broken"] == "APIError", name
