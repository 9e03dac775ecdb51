// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let perplexity: StaticString = """
        @perplexity https://docs.perplexity.ai/getting-started/pricing 2026-11-21
        anthropic/claude-fable-5 in=10000000 out=50000000 cached=1000000
        anthropic/claude-fable-5-1 in=10000000 out=50000000 cached=250000
        anthropic/claude-haiku-4-5 in=1000000 out=5000000 cached=100000
        anthropic/claude-haiku-5-5 in=100000 out=500000 cached=10000
        anthropic/claude-opus-4-5 in=5000000 out=25000000 cached=500000
        anthropic/claude-opus-4-6 in=5000000 out=25000000 cached=500000
        anthropic/claude-opus-4-7 in=5000000 out=25000000 cached=500000
        anthropic/claude-opus-4-8 in=5000000 out=25000000 cached=500000
        anthropic/claude-opus-5 in=5000000 out=25000000 cached=500000
        anthropic/claude-opus-5-5 in=4000000 out=20000000 cached=200000
        anthropic/claude-sonnet-4-5 in=3000000 out=15000000 cached=300000
        anthropic/claude-sonnet-4-6 in=3000000 out=15000000 cached=300000
        anthropic/claude-sonnet-5 in=2000000 out=10000000 cached=200000
        anthropic/claude-sonnet-5-5 in=2000000 out=10000000 cached=200000
        codellama-34b-instruct in=350000 out=1400000 context=16384 most=16384
        codellama-70b-instruct in=700000 out=2800000 context=16384 most=16384
        google/gemini-3-flash-preview in=500000 out=3000000 cached=50000
        google/gemini-3.1-flash-lite in=250000 out=1500000 cached=25000
        google/gemini-3.1-pro-preview in=2000000 out=12000000 cached=200000 long=200000/200/150
        google/gemini-3.5-flash in=1500000 out=9000000 cached=150000
        google/gemini-3.5-flash-lite in=300000 out=2500000 cached=30000
        google/gemini-3.6-flash in=1500000 out=7500000 cached=150000
        google/gemini-3.7-flash in=750000 out=3750000 cached=75000
        google/gemini-3.8-flash in=750000 out=3750000 cached=75000
        llama-2-70b-chat in=700000 out=2800000 context=4096 most=4096
        llama-3.1-70b-instruct in=1000000 out=1000000 context=131072 most=131072
        llama-3.1-8b-instruct in=200000 out=200000 context=131072 most=131072
        mistral-7b-instruct in=70000 out=280000 context=4096 most=4096
        mixtral-8x7b-instruct in=70000 out=280000 context=4096 most=4096
        openai/gpt-5 in=1250000 out=10000000 cached=125000
        openai/gpt-5-mini in=250000 out=2000000 cached=25000
        openai/gpt-5-nano in=50000 out=400000 cached=5000
        openai/gpt-5.1 in=1250000 out=10000000 cached=125000
        openai/gpt-5.2 in=1750000 out=14000000 cached=175000
        openai/gpt-5.3-codex in=3500000 out=28000000 cached=350000
        openai/gpt-5.4 in=2500000 out=15000000 cached=250000 long=272000/200/150
        openai/gpt-5.4-mini in=750000 out=4500000 cached=75000
        openai/gpt-5.4-nano in=200000 out=1250000 cached=20000
        openai/gpt-5.5 in=5000000 out=30000000 cached=500000 long=272000/200/150
        openai/gpt-5.6-luna in=200000 out=1200000 cached=20000 long=272000/200/150
        openai/gpt-5.6-sol in=4000000 out=20000000 cached=400000 long=272000/200/150
        openai/gpt-5.6-terra in=2000000 out=12000000 cached=200000 long=272000/200/150
        openai/gpt-6-astra in=10000000 out=50000000 cached=1000000 write=12500000
        openai/gpt-6-luna in=100000 out=500000 cached=10000 long=272000/200/150
        openai/gpt-6-sol in=2000000 out=10000000 cached=200000 long=272000/200/150
        openai/gpt-6.1-sol in=2000000 out=10000000 cached=100000 long=272000/200/150
        perplexity/deepseek-v4-flash-0731 in=130000 out=260000 cached=28000
        perplexity/deepseek-v4-pro-0813 in=1320000 out=3960000 cached=44000
        perplexity/glm-5.2 in=1400000 out=4400000 cached=140000
        perplexity/glm-5.3 in=1400000 out=4400000 cached=260000
        perplexity/glm-5.3-flash in=150000 out=500000 cached=30000
        perplexity/kimi-k2.7-code in=950000 out=4000000 cached=190000
        perplexity/kimi-k3 in=3000000 out=15000000 cached=300000
        perplexity/nemotron-3-ultra-550b-a55b in=250000 out=2500000
        perplexity/nemotron-3.5-lightning-30b-a3b in=11500 out=170000 cached=1150
        perplexity/sonar in=250000 out=2500000 cached=62500
        pplx-70b-chat in=700000 out=2800000 context=4096 most=4096
        pplx-70b-online in=0 out=2800000 request=5000 context=4096 most=4096
        pplx-7b-chat in=70000 out=280000 context=8192 most=8192
        pplx-7b-online in=0 out=280000 request=5000 context=4096 most=4096
        pplx-embed-context-v1-0.6b in=8000 out=0 context=32768
        pplx-embed-context-v1-4b in=50000 out=0 context=32768
        pplx-embed-v1-0.6b in=4000 out=0 context=32768
        pplx-embed-v1-4b in=30000 out=0 context=32768
        sonar in=1000000 out=1000000 request=12000 context=128000 most=128000
        sonar-medium-chat in=600000 out=1800000 context=16384 most=16384
        sonar-medium-online in=0 out=1800000 request=5000 context=12000 most=12000
        sonar-pro in=3000000 out=15000000 request=14000 context=200000 most=8000
        sonar-reasoning in=1000000 out=5000000 request=14000 context=128000 most=128000
        sonar-reasoning-pro in=2000000 out=8000000 request=14000 context=128000 most=128000
        sonar-small-chat in=70000 out=280000 context=16384 most=16384
        sonar-small-online in=0 out=280000 request=5000 context=12000 most=12000
        xai/grok-4.20-multi-agent in=1250000 out=2500000 cached=200000 long=200000/200/200
        xai/grok-4.20-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200
        xai/grok-4.20-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200
        xai/grok-4.3 in=1250000 out=2500000 cached=200000 long=200000/200/200
        xai/grok-4.5 in=2000000 out=6000000 cached=300000 long=200000/200/200
        xai/grok-4.6 in=2000000 out=6000000 cached=500000 long=200000/200/200
        xai/grok-4.7 in=2000000 out=6000000 cached=500000 long=200000/200/200
        """
}
