"""Runs in the virtual environment of the frameworks: one of them, through the gateway, onto each provider.

    agents_client.py FRAMEWORK ROOT KEY PROVIDER...

Prints one line of JSON for each provider: what each check saw, or the words of what it raised.
"""

import asyncio
import json
import os
import sys
import traceback

from pydantic import BaseModel

# Nobody here needs a list of prices, or to tell of its use.
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", OPENAI_AGENTS_DISABLE_TRACING="1", LANGSMITH_TRACING="false")

QUESTION = "What is a turnpike?"


class City(BaseModel):
    """A city."""

    name: str
    inhabitants: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return "Rain all day"


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def langchain(root, key, model, speaks):
    from langchain_core.tools import tool

    if speaks == "anthropic":
        from langchain_anthropic import ChatAnthropic

        chat = ChatAnthropic(base_url=root, api_key=key, model=model, max_retries=0, max_tokens=4000)
    else:
        from langchain_openai import ChatOpenAI

        is_responses = speaks == "responses"
        chat = ChatOpenAI(
            base_url=f"{root}/v1", api_key=key, model=model, max_retries=0, stream_usage=True, use_responses_api=is_responses
        )
    weather = tool(get_weather)

    def plain():
        answer = chat.invoke([("system", "Be brief."), ("user", QUESTION)])
        return answer.text if answer.usage_metadata["total_tokens"] > 0 else "no usage"

    def stream():
        whole = None
        for chunk in chat.stream([("system", "Be brief."), ("user", QUESTION)]):
            whole = chunk if whole is None else whole + chunk
        return whole.text if whole.usage_metadata["total_tokens"] > 0 else "no usage"

    def loop(first):
        results = [weather.invoke(call) for call in first.tool_calls]
        return chat.bind_tools([weather]).invoke([("user", QUESTION), first, *results]).text

    def tools():
        return loop(chat.bind_tools([weather]).invoke(QUESTION))

    def streamed_tools():
        whole = None
        for chunk in chat.bind_tools([weather]).stream(QUESTION):
            whole = chunk if whole is None else whole + chunk
        return loop(whole)

    def structured():
        return type(chat.with_structured_output(City).invoke(QUESTION)).__name__

    return plain, stream, tools, streamed_tools, structured


def litellm(root, key, model, speaks):
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    if speaks == "responses":
        place = {"model": f"openai/{model}", "api_base": f"{root}/v1", "api_key": key, "max_retries": 0}

        def response():
            return litellm.responses(input=QUESTION, **place).output[-1].content[0].text

        return (response,)
    if speaks == "anthropic":
        place = {"model": f"anthropic/{model}", "api_base": root, "api_key": key, "max_retries": 0}
    else:
        place = {"model": f"openai/{model}", "api_base": f"{root}/v1", "api_key": key, "max_retries": 0}
    hello = [{"role": "user", "content": QUESTION}]

    def plain():
        answer = litellm.completion(messages=[{"role": "system", "content": "Be brief."}, *hello], **place)
        return answer.choices[0].message.content if answer.usage.total_tokens > 0 else "no usage"

    def stream():
        chunks = litellm.completion(messages=hello, stream=True, **place)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    def tools():
        first = litellm.completion(messages=hello, tools=[WEATHER], **place).choices[0].message
        call = first.tool_calls[0]
        result = {"role": "tool", "tool_call_id": call.id, "content": get_weather(**json.loads(call.function.arguments))}
        return litellm.completion(messages=[*hello, first, result], tools=[WEATHER], **place).choices[0].message.content

    def limited():
        try:
            litellm.completion(messages=hello, **{**place, "model": f"{place['model']}-litellm-{speaks}?status=429"})
        except litellm.RateLimitError:
            return "RateLimitError"

    return plain, stream, tools, limited


def pydantic_ai(root, key, model, speaks):
    from pydantic_ai import Agent, NativeOutput, ToolOutput

    if speaks == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        sdk = AsyncAnthropic(base_url=root, api_key=key, max_retries=0)
        mind = AnthropicModel(model, provider=AnthropicProvider(anthropic_client=sdk))
    else:
        from openai import AsyncOpenAI
        from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider

        provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=f"{root}/v1", api_key=key, max_retries=0))
        mind = (OpenAIResponsesModel if speaks == "responses" else OpenAIChatModel)(model, provider=provider)

    def plain():
        run = Agent(mind, instructions="Be brief.").run_sync(QUESTION)
        return run.output if run.usage.total_tokens > 0 else "no usage"

    def stream():
        async def read():
            async with Agent(mind).run_stream(QUESTION) as run:
                return await run.get_output()

        return asyncio.run(read())

    def tools():
        return Agent(mind, tools=[get_weather]).run_sync(QUESTION).output

    def streamed_tools():
        # `run_stream` takes the first text for the answer; this is for models that say what they will do, and do it then.
        async def read():
            async with Agent(mind, tools=[get_weather]).run_stream_events(QUESTION) as events:
                return [event async for event in events][-1].result.output

        return asyncio.run(read())

    def structured():
        return type(Agent(mind, output_type=ToolOutput(City)).run_sync(QUESTION).output).__name__

    def native():
        return type(Agent(mind, output_type=NativeOutput(City)).run_sync(QUESTION).output).__name__

    # It asks only those models of Anthropic's for a form that it knows by name.
    return plain, stream, tools, streamed_tools, structured, *(() if speaks == "anthropic" else (native,))


def openai_agents(root, key, model, speaks):
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
    from openai import AsyncOpenAI

    sdk = AsyncOpenAI(base_url=f"{root}/v1", api_key=key, max_retries=0)
    mind = (OpenAIResponsesModel if speaks == "responses" else OpenAIChatCompletionsModel)(model, sdk)
    weather = function_tool(get_weather)

    def plain():
        run = Runner.run_sync(Agent(name="a", instructions="Be brief.", model=mind), QUESTION)
        return run.final_output if run.context_wrapper.usage.total_tokens > 0 else "no usage"

    def tools():
        agent = Agent(name="a", model=mind, tools=[weather])
        run = Runner.run_sync(agent, QUESTION, max_turns=4)
        # Everything that was said goes back, in the form that the framework keeps it in.
        again = Runner.run_sync(agent, [*run.to_input_list(), {"role": "user", "content": QUESTION}], max_turns=4)
        return run.final_output if run.final_output == again.final_output else again.final_output

    def streamed_tools():
        async def read():
            run = Runner.run_streamed(Agent(name="a", model=mind, tools=[weather]), QUESTION, max_turns=4)
            async for _ in run.stream_events():
                pass
            return run.final_output

        return asyncio.run(read())

    def structured():
        return type(Runner.run_sync(Agent(name="a", model=mind, output_type=City), QUESTION).final_output).__name__

    def handoff():
        # The simulator calls the first tool, which is the way to the other agent; it has the weather, and says it.
        other = Agent(name="other", model=mind)
        run = Runner.run_sync(Agent(name="a", model=mind, handoffs=[other]), QUESTION, max_turns=4)
        return run.last_agent.name

    return plain, tools, streamed_tools, structured, handoff


def instructor(root, key, model, speaks):
    import instructor

    asked = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "response_model": City, "max_retries": 1}
    if speaks == "anthropic":
        from anthropic import Anthropic

        sdk, make = Anthropic(base_url=root, api_key=key, max_retries=0), instructor.from_anthropic
        modes = [instructor.Mode.TOOLS]
        asked["max_tokens"] = 4000
    else:
        from openai import OpenAI

        sdk, make = OpenAI(base_url=f"{root}/v1", api_key=key, max_retries=0), instructor.from_openai
        modes = [instructor.Mode.RESPONSES_TOOLS] if speaks == "responses" else [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA]

    def in_mode(mode):
        def structured():
            return type(make(sdk, mode=mode).create(**asked)).__name__

        structured.__name__ = f"structured {mode.name}"
        return structured

    return tuple(in_mode(mode) for mode in modes)


FRAMEWORKS = {
    "langchain": (langchain, ["chat", "responses", "anthropic"]),
    "litellm": (litellm, ["chat", "responses", "anthropic"]),
    "pydantic-ai": (pydantic_ai, ["chat", "responses", "anthropic"]),
    "openai-agents": (openai_agents, ["chat", "responses"]),
    "instructor": (instructor, ["chat", "responses", "anthropic"]),
}


def main():
    framework, root, key, *providers = sys.argv[1:]
    make, dialects = FRAMEWORKS[framework]
    for provider in providers:
        seen = {}
        for speaks in dialects:
            count = len(make(root, key, f"{provider}/sim", speaks))
            for number in range(count):
                # Clients of its own for each, since their connections belong to the event loop that made them.
                check = make(root, key, f"{provider}/sim", speaks)[number]
                try:
                    seen[f"{speaks} {check.__name__}"] = check()
                except Exception as error:
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    seen[f"{speaks} {check.__name__}"] = f"raised {type(error).__name__}: {error} ({where.name})"
        print(json.dumps({"provider": provider, "seen": seen}), flush=True)


if __name__ == "__main__":
    main()
