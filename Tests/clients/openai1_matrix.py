"""Runs under an OpenAI SDK from the time before: one line of JSON of what it saw with each provider."""

import json
import sys

import openai

base_url, key, *models = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
question = [{"role": "user", "content": "What is a turnpike?"}]
weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def raised(**call) -> str:
    try:
        client.chat.completions.create(messages=question, **call)
        return "nothing"
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.code}"


def broken(model: str) -> str:
    try:
        for _ in client.chat.completions.create(model=model, messages=question, stream=True):
            pass
        return "nothing"
    except openai.APIError:
        return "APIError"


for model in models:
    plain = client.chat.completions.create(model=model, messages=question)
    stream = list(client.chat.completions.create(model=model, messages=question, stream=True, stream_options={"include_usage": True}))
    tools = client.chat.completions.create(model=model, messages=question, tools=[weather], tool_choice="required")
    turn = tools.choices[0].message
    result = {"role": "tool", "tool_call_id": turn.tool_calls[0].id, "content": "Rain all day"}
    told = client.chat.completions.create(model=model, messages=[*question, turn, result], tools=[weather])
    seen = {
        "version": openai.__version__,
        "plain": plain.choices[0].message.content,
        "usage": plain.usage.total_tokens,
        "stream": "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices),
        "streamed_usage": [chunk.usage.total_tokens for chunk in stream if chunk.usage],
        "tool": turn.tool_calls[0].function.name,
        "arguments": json.loads(turn.tool_calls[0].function.arguments),
        "told": told.choices[0].message.content,
        "limited": raised(model=f"{model}-1x?status=429"),
        "missing": raised(model=f"{model}-unknown"),
        "long": raised(model=f"{model}?context=5"),
        "outage": raised(model=f"{model}?status=500"),
        "broken": broken(f"{model}?cut_after_events=6"),
    }
    print(json.dumps(seen), flush=True)
