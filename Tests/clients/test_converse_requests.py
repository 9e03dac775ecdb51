"""What is sent to Bedrock, held against AWS's own model of the API, which comes with botocore.

ConverseRequestTests proves that these are the requests that Turnpike writes. Patterns and blank texts are checked here
because botocore leaves them to the service.
"""

import base64
import json
import pathlib
import re

import pytest

botocore_session = pytest.importorskip("botocore.session")
botocore_validate = pytest.importorskip("botocore.validate")

CASES = json.loads((pathlib.Path(__file__).parent.parent / "Fixtures/dialects/converse.json").read_text())
MODEL = botocore_session.get_session().get_service_model("bedrock-runtime")


def typed(value):
    """The request as botocore takes it: blobs are bytes there, and base64 on the wire."""
    if isinstance(value, list):
        return [typed(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(member, validate=True) if name in ("bytes", "redactedContent") else typed(member)
        for name, member in value.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_botocore_takes_the_request(case, operation):
    shape = MODEL.operation_model(operation).input_shape
    report = botocore_validate.ParamValidator().validate({"modelId": case["model"], **typed(case["converse"])}, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_rules_that_only_the_service_checks(case):
    messages = case["converse"]["messages"]
    roles = [message["role"] for message in messages]
    assert roles[0] == "user"
    assert all(one != other for one, other in zip(roles, roles[1:]))
    used = []
    for message in messages:
        assert message["content"]
        kinds = [next(iter(block)) for block in message["content"]]
        assert "document" not in kinds or "text" in kinds
        answered = []
        for block in message["content"]:
            assert "text" not in block or block["text"].strip()
            if "toolUse" in block:
                used.append(block["toolUse"]["toolUseId"])
            if "toolResult" in block:
                answered.append(block["toolResult"]["toolUseId"])
                assert block["toolResult"]["content"]
        for identifier in used + answered:
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", identifier)
        if answered:
            # All results of a turn's calls stand first in the very next message.
            assert sorted(answered) == sorted(used)
            assert kinds[: len(answered)] == ["toolResult"] * len(answered) or "cachePoint" in kinds
            used = []
        names = [block["document"]["name"] for block in message["content"] if "document" in block]
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(r"[a-zA-Z0-9()\[\] -]{1,200}", name) and "  " not in name
    has_tool_blocks = any("toolUse" in block or "toolResult" in block for m in messages for block in m["content"])
    config = case["converse"].get("toolConfig")
    assert config or not has_tool_blocks
    for tool in (config or {}).get("tools", []):
        if "toolSpec" in tool:
            assert tool["toolSpec"].get("description") != ""
            assert tool["toolSpec"]["inputSchema"]["json"]["type"] == "object"
    assert set((config or {}).get("toolChoice", {})) <= {"auto", "any", "tool"}
    sampling = case["converse"].get("inferenceConfig", {})
    assert 0 <= sampling.get("temperature", 0) <= 1
