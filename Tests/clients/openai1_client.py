"""Runs under an SDK from the time before, in its own virtual environment. Prints what it saw as one line of JSON."""

import json
import sys

import openai

base_url, key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
question = [{"role": "user", "content": "Say something."}]
weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def raised(**call) -> str:
    try:
        client.chat.completions.create(messages=question, **call)
        return "nothing"
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code}"


plain = client.chat.completions.create(model="fast", messages=question)
stream = list(client.chat.completions.create(model="fast", messages=question, stream=True))
tools = client.chat.completions.create(model="fast", messages=question, tools=[weather], tool_choice="required")
seen = {
    "version": openai.__version__,
    "plain": plain.choices[0].message.content,
    "usage": plain.usage.total_tokens,
    "stream": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    "tool": tools.choices[0].message.tool_calls[0].function.name,
    "embedding": len(client.embeddings.create(model="sim/sim-embedding", input="one").data[0].embedding),
    "models": [model.id for model in client.models.list()],
    "rate_limited": raised(model="sim/sim?status=429"),
    "not_found": raised(model="sim/sim?status=404"),
    "outage": raised(model="sim/sim?status=500"),
}
client.api_key = "tp_wrong_key_that_nobody_has"
seen["wrong_key"] = raised(model="fast")
print(json.dumps(seen))
