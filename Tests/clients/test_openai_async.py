"""The official OpenAI SDK, asynchronous: many calls at once, and cancelled tasks."""

import asyncio
import time

import openai
import pytest

from conftest import GATEWAY_KEY
from test_openai_sdk import WEATHER, ask, cut_after


def run(gateway, work):
    async def main():
        async with openai.AsyncOpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0) as client:
            return await work(client)

    return asyncio.run(main())


def test_plain_and_streamed_answers_agree(gateway):
    async def work(client):
        plain = await client.chat.completions.create(model="fast", messages=ask())
        text = ""
        async for chunk in await client.chat.completions.create(model="fast", messages=ask(), stream=True):
            text += chunk.choices[0].delta.content or ""
        assert text == plain.choices[0].message.content != ""

    run(gateway, work)


def test_a_hundred_streams_at_once_keep_to_themselves(gateway):
    async def work(client):
        async def one(number):
            text = ""
            model = f"sim/sim?text=answer-{number}-{'x' * number}&interval_ms=2"
            async for chunk in await client.chat.completions.create(model=model, messages=ask(), stream=True):
                text += chunk.choices[0].delta.content or ""
            assert text == f"answer-{number}-{'x' * number}"

        await asyncio.gather(*(one(number) for number in range(100)))

    run(gateway, work)


def test_streamed_tools(gateway):
    async def work(client):
        names = []
        stream = await client.chat.completions.create(
            model="fast", messages=ask(), tools=[WEATHER], tool_choice="required", stream=True
        )
        async for chunk in stream:
            for part in chunk.choices[0].delta.tool_calls or []:
                names.append(part.function.name)
        assert names[0] == "weather"

    run(gateway, work)


def test_embeddings(gateway):
    async def work(client):
        answer = await client.embeddings.create(model="sim/sim-embedding", input="one")
        assert len(answer.data[0].embedding) > 8

    run(gateway, work)


def test_error_classes(gateway):
    async def work(client):
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model="sim/sim?status=429", messages=ask())
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="tp_wrong_key_that_nobody_has").chat.completions.create(
                model="fast", messages=ask()
            )

    run(gateway, work)


def test_a_cancelled_task_ends_the_providers_work(gateway, simulator):
    model = "sim?chunks=100000&interval_ms=10"

    async def work(client):
        began = asyncio.Event()

        async def read():
            async for _ in await client.chat.completions.create(model=f"sim/{model}", messages=ask(), stream=True):
                began.set()

        task = asyncio.create_task(read())
        await began.wait()
        left = time.monotonic_ns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return left

    assert cut_after(simulator, run(gateway, work), model) <= 250
