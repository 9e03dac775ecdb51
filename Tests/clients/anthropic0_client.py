"""Runs under an Anthropic SDK from the time before, in its own virtual environment. Prints what it saw as JSON."""

import json
import sys

import anthropic

base_url, key = sys.argv[1:3]
model = sys.argv[3] if len(sys.argv) > 3 else "sim"
client = anthropic.Anthropic(base_url=base_url, api_key=key, max_retries=0)
question = [{"role": "user", "content": "Say something."}]
weather = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def raised(options: str) -> str:
    try:
        client.messages.create(model=f"{model}?{options}", max_tokens=500, messages=question)
        return "nothing"
    except anthropic.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code}"


plain = client.messages.create(model=model, max_tokens=500, messages=question)
with client.messages.stream(model=model, max_tokens=500, messages=question) as stream:
    streamed = stream.get_final_text()
warm = client.messages.create(model=model, max_tokens=500, messages=question, temperature=0.5)
tool = client.messages.create(
    model=model, max_tokens=500, messages=question, tools=[weather], tool_choice={"type": "tool", "name": "get_weather"}
)
print(
    json.dumps(
        {
            "version": anthropic.__version__,
            "plain": plain.content[0].text,
            "input": plain.usage.input_tokens,
            "stream": streamed,
            "temperature": warm.stop_reason,
            # A plan may stand before the call.
            "tool": next(block.name for block in tool.content if block.type == "tool_use"),
            "counted": client.messages.count_tokens(model=model, messages=question).input_tokens,
            "limited": raised("status=429"),
            "overloaded": raised("status=529"),
        }
    )
)
