"""What the SDKs of OpenAI and Anthropic make of a provider's bad days, whatever dialect the provider speaks."""

import anthropic
import openai
import pytest

from conftest import GATEWAY_KEY
from dialects import NAMES, QUESTION

HELLO = [{"role": "user", "content": QUESTION}]
every_provider = pytest.mark.parametrize("provider", NAMES)


class OpenAIChat:
    """The calls of one SDK, and the names it has for what happens."""

    sdk = openai
    context_code = ("code", "context_length_exceeded")

    @staticmethod
    def client(world, key=GATEWAY_KEY, retries=0):
        return openai.OpenAI(base_url=world.url, api_key=key, max_retries=retries, timeout=20)

    @staticmethod
    def ask(client, model):
        return client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content

    @staticmethod
    def stream(client, model):
        for chunk in client.chat.completions.create(model=model, messages=HELLO, stream=True):
            for choice in chunk.choices:
                yield choice.delta.content or ""

    @staticmethod
    def kind(error):
        return error.body["type"]


class OpenAIResponses(OpenAIChat):
    @staticmethod
    def ask(client, model):
        return client.responses.create(model=model, input=QUESTION).output_text

    @staticmethod
    def stream(client, model):
        for event in client.responses.create(model=model, input=QUESTION, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta
            if event.type in ("response.failed", "response.incomplete"):
                raise openai.APIError(event.response.error.message, None, body=None)


class Anthropic:
    sdk = anthropic

    @staticmethod
    def client(world, key=GATEWAY_KEY, retries=0):
        return anthropic.Anthropic(base_url=world.root, api_key=key, max_retries=retries, timeout=20)

    @staticmethod
    def ask(client, model):
        answer = client.messages.create(model=model, max_tokens=4000, messages=HELLO)
        return "".join(block.text for block in answer.content if block.type == "text")

    @staticmethod
    def stream(client, model):
        with client.messages.stream(model=model, max_tokens=4000, messages=HELLO) as stream:
            yield from stream.text_stream

    @staticmethod
    def kind(error):
        return error.body["error"]["type"]


every_sdk = pytest.mark.parametrize("sdk", [OpenAIChat, OpenAIResponses, Anthropic])


def raised(sdk, world, model: str, stream: bool = False):
    with sdk.client(world) as client, pytest.raises(sdk.sdk.APIStatusError) as caught:
        if stream:
            "".join(sdk.stream(client, model))
        else:
            sdk.ask(client, model)
    return caught.value


@every_sdk
def test_a_wrong_key_is_an_authentication_error(world, sdk):
    with sdk.client(world, key="tp_wrong_key_that_nobody_ever_had_01") as client:
        with pytest.raises(sdk.sdk.AuthenticationError) as caught:
            sdk.ask(client, "fast")
    assert caught.value.status_code == 401 and sdk.kind(caught.value) == "authentication_error"
    assert world.simulator.calls() == []


@every_provider
@every_sdk
def test_a_key_that_the_provider_refuses_is_not_the_clients_fault(world, sdk, provider):
    # Whoever saw a 401 would look for the mistake in their own key, and SDKs do not try again.
    # Amazon says 403 of keys and of models alike, and means the one or the other by the exception's name.
    fault = "status=403&error_type=UnrecognizedClientException" if provider.startswith("bedrock") else "status=401"
    error = raised(sdk, world, f"{provider}/sim?{fault}")
    assert error.status_code == 424 and sdk.kind(error) != "authentication_error"


@every_provider
@every_sdk
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(world, sdk, provider, stream):
    error = raised(sdk, world, f"{provider}/sim-unknown", stream)
    assert isinstance(error, sdk.sdk.NotFoundError) and error.status_code == 404
    if sdk is Anthropic:
        assert sdk.kind(error) == "not_found_error"
    else:
        assert error.code == "model_not_found"


@every_provider
@every_sdk
@pytest.mark.parametrize("stream", [False, True])
def test_a_limit_is_a_rate_limit_error_that_says_when(world, sdk, provider, stream):
    error = raised(sdk, world, f"{provider}/sim-{sdk.__name__}-{stream}?status=429&retry_after=7", stream)
    assert isinstance(error, sdk.sdk.RateLimitError)
    # A provider of the client's own dialect keeps its own word for it, such as `requests` or `tokens`.
    if sdk is Anthropic or provider not in ("compatible", "openai", "mistral"):
        assert sdk.kind(error) == "rate_limit_error"
    assert 1 <= int(error.response.headers["retry-after"]) <= 7


@every_provider
@every_sdk
def test_an_sdk_tries_again_after_a_limit_and_gets_its_answer(world, sdk, provider):
    model = f"sim-once-{sdk.__name__.lower()}"
    world.fail_once(model, status=429, retry_after_ms=1)
    with sdk.client(world, retries=2) as client:
        assert QUESTION in sdk.ask(client, f"{provider}/{model}")
    assert [call["status"] for call in world.simulator.calls()] == [429, 200]


@every_provider
@every_sdk
@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_that_is_too_long_is_the_clients_to_mend(world, sdk, provider, stream):
    error = raised(sdk, world, f"{provider}/sim?context=5", stream)
    assert isinstance(error, sdk.sdk.BadRequestError) and sdk.kind(error) == "invalid_request_error"
    if sdk is not Anthropic:
        assert error.code == "context_length_exceeded"


@every_provider
@every_sdk
@pytest.mark.parametrize("status", [500, 503, 529])
def test_an_outage_is_the_servers_and_worth_another_try(world, sdk, provider, status):
    error = raised(sdk, world, f"{provider}/sim?status={status}")
    assert isinstance(error, sdk.sdk.InternalServerError) and error.status_code >= 500
    assert error.response.headers.get("x-should-retry") != "false"
    if sdk is Anthropic and status == 529:
        assert isinstance(error, anthropic.OverloadedError) and sdk.kind(error) == "overloaded_error"
    if sdk is not Anthropic and status != 500:
        assert sdk.kind(error) == "overloaded_error"


@every_provider
@every_sdk
@pytest.mark.parametrize("fault", ["cut_after_events=6", "midstream_error=6", "garbage_after=6", "cut_mid_event=6"])
def test_a_stream_that_breaks_off_raises_and_never_passes_for_whole(world, sdk, provider, fault):
    pieces = []
    with sdk.client(world) as client, pytest.raises(sdk.sdk.APIError):
        for piece in sdk.stream(client, f"{provider}/sim?chunks=20&{fault}"):
            pieces.append(piece)
    with sdk.client(world) as client:
        whole = "".join(sdk.stream(client, f"{provider}/sim?chunks=20"))
    told = "".join(pieces)
    assert told and whole.startswith(told) and len(told) < len(whole)


@every_provider
@every_sdk
def test_half_a_body_is_no_answer(world, sdk, provider):
    error = raised(sdk, world, f"{provider}/sim?status=200&error=cut")
    assert isinstance(error, sdk.sdk.InternalServerError) and error.status_code == 502


@every_provider
@every_sdk
def test_a_provider_that_is_slow_to_begin_and_then_gone_is_an_error_before_the_stream(world, sdk, provider):
    error = raised(sdk, world, f"{provider}/sim?cut_before_head=1", stream=True)
    assert isinstance(error, sdk.sdk.InternalServerError)
