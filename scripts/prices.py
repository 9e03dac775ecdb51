#!/usr/bin/env python3
"""Makes the built-in price table, Sources/Domain/Metering/Prices/Table/*.swift, from LiteLLM's list of prices.

    pip download --no-deps litellm && unzip litellm-*.whl 'litellm/model_prices*'
    scripts/prices.py litellm/model_prices_and_context_window_backup.json 2026-11-21

Run by hand, when prices have changed. Facts alone are taken over: what a model costs, how much it can read and write.
Each provider's own price page, named below, is what they are checked against. Rows that cost nothing at all are left
out, so that nobody takes a price that is not known for no price; so are dated names with the price of the plain one.
"""
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "Sources/Domain/Metering/Prices/Table"

# Our name of the provider: LiteLLM's names, the prefix its models have there, and the provider's page.
PROVIDERS = {
    "openai": (["openai", "text-completion-openai"], "", "https://developers.openai.com/api/docs/pricing"),
    "anthropic": (["anthropic"], "", "https://platform.claude.com/docs/en/about-claude/pricing"),
    "gemini": (["gemini"], "gemini/", "https://ai.google.dev/gemini-api/docs/pricing"),
    "mistral": (["mistral"], "mistral/", "https://mistral.ai/pricing"),
    "cohere": (["cohere", "cohere_chat"], "cohere/", "https://cohere.com/pricing"),
    "deepseek": (["deepseek"], "deepseek/", "https://api-docs.deepseek.com/quick_start/pricing"),
    "xai": (["xai"], "xai/", "https://docs.x.ai/docs/models"),
    "groq": (["groq"], "groq/", "https://groq.com/pricing"),
    "together": (["together_ai"], "together_ai/", "https://www.together.ai/pricing"),
    "fireworks": (["fireworks_ai", "fireworks_ai-embedding-models"], "fireworks_ai/", "https://fireworks.ai/pricing"),
    "perplexity": (["perplexity"], "perplexity/", "https://docs.perplexity.ai/getting-started/pricing"),
    "cerebras": (["cerebras"], "cerebras/", "https://www.cerebras.ai/pricing"),
    "moonshot": (["moonshot"], "moonshot/", "https://platform.moonshot.ai/docs/pricing/chat"),
    "vercel": (["vercel_ai_gateway"], "vercel_ai_gateway/", "https://vercel.com/ai-gateway/models"),
    "azure": (
        ["azure"],
        "azure/",
        "https://azure.microsoft.com/en-us/pricing/details/cognitive-services/openai-service/",
    ),
    "bedrock": (["bedrock", "bedrock_converse"], "", "https://aws.amazon.com/bedrock/pricing/"),
}
MODES = {
    "chat",
    "responses",
    "completion",
    "embedding",
    "image_generation",
    "rerank",
    "moderation",
    "audio_speech",
    "audio_transcription",
    None,
}
# Names that are no models of the provider, or a region's or a picture size's price of one that is there.
SKIPPED = re.compile(
    r"^(us|eu|au|global|regional)/|^(bedrock|azure_ai|together-ai|fireworks-ai)[/-]|[0-9]+-x-[0-9]+/|/[0-9]+-month"
    r"|^(low|medium|high|standard|hd)/|^ft:.*::|container|sora|search$|-commitment|^(1024|512|256)"
)
DATED = re.compile(r"(-20\d\d-?\d\d-?\d\d|@20\d{6})(-v\d+:\d+)?$")


def micros(value):
    """Dollars for one token, as millionths of a dollar for a million; Decimal of the text, so that nothing is lost."""
    number = Decimal(repr(value)) * 10**12
    rounded = int(number.to_integral_value())
    if abs(number - rounded) > Decimal("0.5"):
        raise ValueError(value)
    return rounded


def row(name, fact, notes):
    """The words behind a model's name; None for a model that has no price this table can hold."""
    if fact.get("mode") not in MODES:
        return None
    word = {}
    fields = {
        "input_cost_per_token": "in",
        "output_cost_per_token": "out",
        "cache_read_input_token_cost": "cached",
        "cache_creation_input_token_cost": "write",
        "cache_creation_input_token_cost_above_1hr": "write_1h",
        "output_cost_per_reasoning_token": "reasoning",
        "input_cost_per_audio_token": "audio_in",
        "output_cost_per_audio_token": "audio_out",
    }
    for key, short in fields.items():
        if isinstance(fact.get(key), (int, float)):
            word[short] = micros(fact[key])
    word.setdefault("in", 0)
    word.setdefault("out", 0)
    # Answers of models that draw are pictures for nearly all of their tokens.
    if fact.get("output_cost_per_image_token"):
        word["out"] = max(word["out"], micros(fact["output_cost_per_image_token"]))
    # Models that always search take a fee for each request; the dearest, so that no bound is too low.
    search = fact.get("search_context_cost_per_query")
    if isinstance(search, dict) and re.search("sonar|search", name):
        word["request"] = round(Decimal(repr(max(search.values()))) * 10**6)
    if fact.get("output_cost_per_image"):
        word["image"] = round(Decimal(repr(fact["output_cost_per_image"])) * 10**6)
    # Rerankers count searches, of which a request can be several; others count requests.
    if fact.get("input_cost_per_query"):
        dollars = Decimal(repr(fact["input_cost_per_query"]))
        if fact.get("mode") == "rerank":
            word["searches"] = round(dollars * 10**9)
        else:
            word["request"] = round(dollars * 10**6)
    # What has a price for its tokens is billed by those, which its answers name.
    if not word["in"] and not word["out"]:
        if fact.get("input_cost_per_character"):
            word["characters"] = micros(fact["input_cost_per_character"])
        seconds = fact.get("input_cost_per_second") or fact.get("output_cost_per_second")
        if fact.get("mode") == "audio_transcription" and seconds:
            word["minute"] = round(Decimal(repr(seconds)) * 60 * 10**6)
    if fact.get("input_cost_per_request"):
        word["request"] = round(Decimal(repr(fact["input_cost_per_request"])) * 10**6)
    if not any(word.values()):
        return None
    for short, whole in (("cached", "in"), ("write", "in"), ("audio_in", "in"), ("reasoning", "out"), ("audio_out", "out")):
        if word.get(short) == word[whole]:
            del word[short]
    # Twice the input is what an hour in the cache costs wherever nothing else is said.
    if "write_1h" in word and word["write_1h"] == max(2 * word["in"], word.get("write", 0)):
        del word["write_1h"]
    # What its pictures cost is part of the tokens where those are priced.
    if word["out"] and "image" in word:
        del word["image"]
    for step in (32, 100, 128, 200, 256, 272):
        above_in = fact.get(f"input_cost_per_token_above_{step}k_tokens")
        above_out = fact.get(f"output_cost_per_token_above_{step}k_tokens")
        if above_in and word["in"]:
            percent_in = round(Decimal(100) * micros(above_in) / word["in"])
            percent_out = round(Decimal(100) * micros(above_out) / word["out"]) if above_out and word["out"] else 100
            cached = fact.get(f"cache_read_input_token_cost_above_{step}k_tokens")
            if cached and "cached" in word and abs(micros(cached) * 100 - percent_in * word["cached"]) > word["cached"]:
                notes.append(f"{name}: cached tokens of long requests are priced apart")
            if (percent_in, percent_out) != (100, 100):
                word["long"] = f"{step}000/{percent_in}/{percent_out}"
            break
    for key, short in (("max_input_tokens", "context"), ("max_output_tokens", "most")):
        if isinstance(fact.get(key), int) and 0 < fact[key] < 2**31:
            word[short] = fact[key]
    if fact.get("mode") == "embedding":
        word.pop("most", None)
    return " ".join(f"{key}={value}" for key, value in word.items())


def rows(provider, facts, notes):
    sources, prefix, _ = PROVIDERS[provider]
    found = {}
    for name, fact in facts.items():
        if fact.get("litellm_provider") not in sources:
            continue
        plain = name.removeprefix(prefix)
        if SKIPPED.search(plain) or len(plain) > 90 or any(ord(c) <= 32 or ord(c) > 126 for c in plain):
            continue
        words = row(f"{provider}/{plain}", fact, notes)
        if words and (plain not in found or name.startswith(prefix)):
            found[plain] = words
    for name in list(found):
        # The same model under its short name, or from a region whose price is that of `us.`.
        short = name.removeprefix("accounts/fireworks/models/")
        if short != name and found.get(short) is not None:
            del found[short]
        elif re.match(r"(apac|au|jp|ca|us-gov)\.", name):
            del found[name]
    price = lambda words: re.sub(r" (context|most)=\d+", "", words)
    for name in sorted(found):
        plain = DATED.sub("", name)
        if plain != name and plain in found and price(found[plain]) == price(found[name]):
            del found[name]
    return found


def swift(name, providers, date):
    text = "// Made by scripts/prices.py; the words are explained at PriceTable.\n\nextension PriceTable {\n"
    text += f'    static let {name}: StaticString = """\n'
    for provider, found in providers:
        text += f"        @{provider} {PROVIDERS[provider][2]} {date}\n"
        for model in sorted(found):
            line = f"        {model} {found[model]}"
            if len(line) > 119:
                head, tail = line[:119].rsplit(" ", 1)
                text += f"{head} \\\n        {line[len(head) + 1:]}\n"
            else:
                text += line + "\n"
    return text + '        """\n}\n'


def main():
    facts = json.loads(Path(sys.argv[1]).read_text())
    date = sys.argv[2]
    notes, files, sizes = [], {}, {}
    for provider in PROVIDERS:
        found = rows(provider, facts, notes)
        sizes[provider] = len(found)
        # A file holds at most 400 lines, and long rows take two.
        names, part = sorted(found), 1
        while names:
            files[provider + (str(part) if part > 1 else "")] = [(provider, {m: found[m] for m in names[:240]})]
            names, part = names[240:], part + 1
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("PriceTable+*.swift"):
        old.unlink()
    for name, providers in files.items():
        (OUT / f"PriceTable+{name}.swift").write_text(swift(name, providers, date))
    parts = ", ".join(f"Self.{name}" for name in files)
    print(f"parts: {parts}\nrows: {sum(sizes.values())} {sizes}")
    for note in notes:
        print("note:", note)


if __name__ == "__main__":
    main()
