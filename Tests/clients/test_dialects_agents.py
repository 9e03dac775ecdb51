"""Frameworks that agents are made with, in each dialect they speak, through the gateway onto every provider dialect.

They live in a virtual environment of their own, since some want another OpenAI SDK than that of now.
"""

import functools
import json
import os
import pathlib
import subprocess

import pytest

from conftest import GATEWAY_KEY, REPOSITORY
from dialects import NAMES, QUESTION

PYTHON = os.environ.get("TURNPIKE_AGENTS_PYTHON", str(REPOSITORY / ".venv-agents/bin/python"))
# How many checks each has, so that one that is left out is missed.
FRAMEWORKS = {"langchain": 15, "litellm": 9, "pydantic-ai": 17, "openai-agents": 10, "instructor": 4}


@functools.cache
def seen(framework: str, root: str) -> dict:
    """What one run of a framework saw with all providers; importing some of them takes longer than all of that."""
    script = pathlib.Path(__file__).with_name("agents_client.py")
    command = [PYTHON, script, framework, root, GATEWAY_KEY, *NAMES]
    run = subprocess.run(command, capture_output=True, text=True, timeout=85)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {line["provider"]: line["seen"] for line in lines}


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_works_unchanged(world, framework, provider):
    checks = seen(framework, world.root)[provider]
    wrong = {}
    for name, said in checks.items():
        kind = name.split(" ")[1]
        good = {
            "tools": "Rain all day" in str(said),
            "streamed_tools": "Rain all day" in str(said),
            "structured": said == "City",
            "native": said == "City",
            "limited": said == "RateLimitError",
            "handoff": said == "other",
        }.get(kind, QUESTION in str(said) and not str(said).startswith("raised"))
        if not good or str(said).startswith("raised"):
            wrong[name] = said
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(checks) == FRAMEWORKS[framework]
