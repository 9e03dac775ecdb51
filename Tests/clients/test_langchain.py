"""langchain-openai: echoes whole messages back, and counts on usage in streams."""

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

import pytest


@pytest.fixture
def model(gateway, key):
    return ChatOpenAI(base_url=gateway.url, api_key=key, model="fast", max_retries=0, stream_usage=True)


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"Rain in {city}."


def test_invoke_and_stream_agree(model):
    plain = model.invoke("Say something.")
    assert plain.content and plain.usage_metadata["total_tokens"] > 0
    chunks = list(model.stream("Say something."))
    assert "".join(chunk.content for chunk in chunks) == plain.content
    assert sum((chunk.usage_metadata or {}).get("output_tokens", 0) for chunk in chunks) == plain.usage_metadata["output_tokens"]


def test_tools_and_the_way_back(model):
    bound = model.bind_tools([weather], tool_choice="required")
    first = bound.invoke("What is the weather in Ghent?")
    assert first.tool_calls[0]["name"] == "weather"
    results = [weather.invoke(call) for call in first.tool_calls]
    # Whole messages go back as they came: a null that the gateway had added would be a field the provider refuses.
    assert model.invoke([("user", "What is the weather in Ghent?"), first, *results]).content


def test_structured_output(model):
    class City(BaseModel):
        name: str
        inhabitants: int

    assert isinstance(model.with_structured_output(City).invoke("A city, please."), City)


def test_embeddings(gateway, key):
    # Lengths are not checked, since that would fetch a tokenizer's tables from the network.
    embeddings = OpenAIEmbeddings(
        base_url=gateway.url, api_key=key, model="sim/sim-embedding", check_embedding_ctx_length=False
    )
    vectors = embeddings.embed_documents(["one", "two"])
    assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 8
