"""One gateway in front of one simulator, which it takes for eight providers that speak six dialects."""

import base64
import struct
import zlib

from conftest import GATEWAY_KEY, PROVIDER_KEY, Gateway, Program, Simulator

# A pair that Amazon would make signatures with; the simulator makes its own with the secret and compares.
ACCESS_KEY = "AKIDSIMULATED"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

# Where each provider has its API at the simulator, and how it is introduced to the gateway. `openai` and `mistral` are
# known by their names: the first takes responses as they are, the second is strict about ids and fields.
PROVIDERS = {
    "compatible": {"kind": "openai", "base_url": "/v1"},
    "openai": {"kind": "openai", "base_url": "/v1"},
    "mistral": {"kind": "openai", "base_url": "/mistral/v1"},
    "anthropic": {"kind": "anthropic", "base_url": ""},
    "gemini": {"kind": "gemini", "base_url": "/v1beta"},
    "cohere": {"kind": "cohere", "base_url": "/v2"},
    "bedrock": {"kind": "bedrock", "base_url": "", "region": "us-east-1"},
    "bedrock-signed": {"kind": "bedrock", "base_url": "", "region": "us-east-1"},
}
NAMES = list(PROVIDERS)
# Manners of OpenAI's chat, each in the form of its own URLs; few tests, since the dialect is that of `compatible`.
FLAVOURS = {
    "openrouter": {"kind": "openai", "base_url": "/api/v1"},
    "azure": {"kind": "azure", "base_url": ""},
    "azure-deployments": {"kind": "azure", "base_url": "", "urls": "deployments", "api_version": "2024-10-21"},
}

QUESTION = "What is a turnpike?"
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TIME_SCHEMA = {
    "type": "object",
    "properties": {"zone": {"type": "string"}},
    "required": ["zone"],
    "additionalProperties": False,
}


def _pixel() -> str:
    """A PNG of one pixel, in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")).decode()


PIXEL = _pixel()


def configuration(simulator: Program) -> dict:
    """All providers, each with a key; nothing is tried again or left alone, so that one call is one call."""
    providers, credentials = {}, []
    for name, place in {**PROVIDERS, **FLAVOURS}.items():
        providers[name] = {
            **place,
            "base_url": simulator.root + place["base_url"],
            "allow_private": True,
            "max_retries": 0,
            "breaker": {"enabled": False},
        }
        key = f"{ACCESS_KEY}:{SECRET_KEY}" if name == "bedrock-signed" else PROVIDER_KEY
        credentials.append({"provider": name, "api_key": key})
    return {
        "providers": providers,
        "models": {"fast": {"targets": [{"provider": "compatible", "model": "sim-mini"}]}},
        "defaults": {"model": "fast", "provider": "compatible"},
        "bootstrap": {
            "groups": [
                {"id": "demo", "credentials": credentials, "keys": [{"name": "dev", "secret": GATEWAY_KEY}]},
                # Of its own, so that what these calls use can be added up.
                {"id": "billed", "credentials": credentials, "keys": [{"name": "dev", "secret": BILLED_KEY}]},
            ]
        },
    }


def priced(simulator: Program, input_price: float, output_price: float) -> dict:
    """The same providers without a group, for a gateway that an administrator sets up, and what they cost."""
    settings = configuration(simulator)
    del settings["bootstrap"], settings["providers"]["bedrock-signed"]
    settings["prices"] = {f"{name}/*": {"input": input_price, "output": output_price} for name in settings["providers"]}
    settings["budgets"] = {"hard": {"group": "demo", "usd": 1_000_000, "per": "total", "mode": "hard"}}
    return settings


BILLED_KEY = "tp_test_the-key-whose-usage-is-added-up-71f2"


class World:
    """The simulator and the gateway, for all tests of a run."""

    def __init__(self, folder):
        self.simulator = Simulator(
            folder / "simulator", required_key=PROVIDER_KEY, arguments=["--key", f"{ACCESS_KEY}:{SECRET_KEY}"]
        )
        self.gateway = Gateway(folder / "gateway", configuration(self.simulator))

    @property
    def root(self) -> str:
        return self.gateway.root

    @property
    def url(self) -> str:
        return self.gateway.url

    def fail_once(self, model: str, **fault):
        """The next call for exactly this model fails; those after it do not."""
        answer = self.simulator.http.post("/sim/script", json=[{"match": {"model": model}, "times": 1, "fault": fault}])
        assert answer.status_code == 200, answer.text

    def seen(self) -> dict:
        """The last call that reached the provider."""
        return self.simulator.calls()[-1]

    def stop(self):
        self.gateway.stop()
        self.simulator.stop()
        written = self.gateway.written()
        assert not [secret for secret in (SECRET_KEY, BILLED_KEY) if secret in written], "a secret stands in what was written"
