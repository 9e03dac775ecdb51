"""OpenRouter and Azure, by both of its kinds of URLs, for the SDKs of OpenAI and Anthropic."""

import anthropic
import openai
import pytest

import test_dialects_anthropic as messages
import test_dialects_openai as chat
import test_dialects_responses as responses
from conftest import GATEWAY_KEY
from dialects import FLAVOURS, QUESTION

every_flavour = pytest.mark.parametrize("flavour", list(FLAVOURS))
PATHS = {
    "openrouter": "/api/v1/chat/completions",
    "azure": "/openai/v1/chat/completions",
    "azure-deployments": "/openai/deployments/sim/chat/completions?api-version=2024-10-21",
}


@pytest.fixture
def client(world):
    with openai.OpenAI(base_url=world.url, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def claude(world):
    with anthropic.Anthropic(base_url=world.root, api_key=GATEWAY_KEY, max_retries=0, timeout=20) as client:
        yield client


@every_flavour
def test_a_chat_goes_to_the_flavours_own_path(world, client, flavour):
    chat.test_a_chat_has_its_words_its_end_and_its_usage(world, client, flavour)
    assert world.seen()["path"].split("?")[0] == PATHS[flavour].split("?")[0]


@every_flavour
def test_a_stream_of_chat_adds_up(client, flavour):
    plain = chat.ask(client, f"{flavour}/sim")
    seen = chat.join(chat.ask(client, f"{flavour}/sim", stream=True, stream_options={"include_usage": True}))
    assert seen["text"] == plain.choices[0].message.content and seen["finish"] == "stop"
    assert seen["usage"].total_tokens == plain.usage.total_tokens


@every_flavour
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_of_chat_comes_to_its_end(client, flavour, stream):
    chat.test_a_tool_loop_comes_to_its_end(client, flavour, stream)


@every_flavour
def test_a_message_and_its_stream_are_translated(world, claude, flavour):
    messages.test_a_message_has_its_words_its_end_and_its_usage(world, claude, flavour)
    messages.test_a_stream_adds_up_to_the_plain_message(claude, flavour)


@every_flavour
@pytest.mark.parametrize("call", [messages.ask, messages.streamed])
def test_a_tool_loop_of_messages_comes_to_its_end(claude, flavour, call):
    messages.test_a_tool_loop_comes_to_its_end(claude, flavour, call)


@every_flavour
def test_a_response_and_its_stream_are_whole(client, flavour):
    plain = responses.ask(client, flavour)
    assert QUESTION in plain.output_text and plain.status == "completed"
    events = list(responses.ask(client, flavour, stream=True))
    assert events[-1].type == "response.completed" and events[-1].response.output_text == plain.output_text


@every_flavour
def test_a_model_that_is_not_there_is_not_found(client, flavour):
    with pytest.raises(openai.NotFoundError) as caught:
        chat.ask(client, f"{flavour}/sim-unknown")
    assert caught.value.code == "model_not_found"


@every_flavour
def test_a_limit_says_when(client, claude, flavour):
    with pytest.raises(openai.RateLimitError) as caught:
        chat.ask(client, f"{flavour}/sim-limited?status=429&retry_after=7")
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7
    with pytest.raises(anthropic.RateLimitError) as caught:
        messages.ask(claude, f"{flavour}/sim-limited-too?status=429&retry_after=7")
    assert caught.value.body["error"]["type"] == "rate_limit_error"
