// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let vercel: StaticString = """
        @vercel https://vercel.com/ai-gateway/models 2026-11-21
        alibaba/qwen-3-14b in=80000 out=240000 context=40960 most=16384
        alibaba/qwen-3-235b in=200000 out=600000 context=40960 most=16384
        alibaba/qwen-3-30b in=100000 out=300000 context=40960 most=16384
        alibaba/qwen-3-32b in=100000 out=300000 context=40960 most=16384
        alibaba/qwen3-coder in=400000 out=1600000 context=262144 most=66536
        amazon/nova-lite in=60000 out=240000 context=300000 most=8192
        amazon/nova-micro in=35000 out=140000 context=128000 most=8192
        amazon/nova-pro in=800000 out=3200000 context=300000 most=8192
        amazon/titan-embed-text-v2 in=20000 out=0
        anthropic/claude-3-5-sonnet in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=8192
        anthropic/claude-3-7-sonnet in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=64000
        anthropic/claude-3-haiku in=250000 out=1250000 cached=30000 write=300000 context=200000 most=4096
        anthropic/claude-3-opus in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 most=4096
        anthropic/claude-3.5-haiku in=800000 out=4000000 cached=80000 write=1000000 context=200000 most=8192
        anthropic/claude-3.5-sonnet in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=8192
        anthropic/claude-3.7-sonnet in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=64000
        anthropic/claude-4-opus in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 most=32000
        anthropic/claude-4-sonnet in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=64000
        anthropic/claude-haiku-4.5 in=1000000 out=5000000 cached=100000 write=1250000 context=200000 most=64000
        anthropic/claude-opus-4 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 most=32000
        anthropic/claude-opus-4.1 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 most=32000
        anthropic/claude-opus-4.5 in=5000000 out=25000000 cached=500000 write=6250000 context=200000 most=64000
        anthropic/claude-opus-4.6 in=5000000 out=25000000 cached=500000 write=6250000 context=200000 most=64000
        anthropic/claude-sonnet-4 in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=64000
        anthropic/claude-sonnet-4.5 in=3000000 out=15000000 cached=300000 write=3750000 context=1000000 most=64000
        cohere/command-a in=2500000 out=10000000 context=256000 most=8000
        cohere/command-r in=150000 out=600000 context=128000 most=4096
        cohere/command-r-plus in=2500000 out=10000000 context=128000 most=4096
        cohere/embed-v4.0 in=120000 out=0
        deepseek/deepseek-r1 in=550000 out=2190000 context=128000 most=8192
        deepseek/deepseek-r1-distill-llama-70b in=750000 out=990000 context=131072 most=131072
        deepseek/deepseek-v3 in=900000 out=900000 context=128000 most=8192
        google/gemini-2.5-flash in=300000 out=2500000 cached=30000 context=1000000 most=65536
        google/gemini-2.5-pro in=1250000 out=10000000 cached=125000 long=200000/200/150 context=1048576 most=65536
        google/gemini-embedding-001 in=150000 out=0
        google/gemma-2-9b in=200000 out=200000 context=8192 most=8192
        google/text-embedding-005 in=25000 out=0
        google/text-multilingual-embedding-002 in=25000 out=0
        inception/mercury-coder-small in=250000 out=1000000 context=32000 most=16384
        meta/llama-3-70b in=590000 out=790000 context=8192 most=8192
        meta/llama-3-8b in=50000 out=80000 context=8192 most=8192
        meta/llama-3.1-70b in=720000 out=720000 context=128000 most=8192
        meta/llama-3.1-8b in=50000 out=80000 context=131000 most=131072
        meta/llama-3.2-11b in=160000 out=160000 context=128000 most=8192
        meta/llama-3.2-1b in=100000 out=100000 context=128000 most=8192
        meta/llama-3.2-3b in=150000 out=150000 context=128000 most=8192
        meta/llama-3.2-90b in=720000 out=720000 context=128000 most=8192
        meta/llama-3.3-70b in=720000 out=720000 context=128000 most=8192
        meta/llama-4-maverick in=200000 out=600000 context=131072 most=8192
        meta/llama-4-scout in=100000 out=300000 context=131072 most=8192
        mistral/codestral in=300000 out=900000 context=256000 most=4000
        mistral/codestral-embed in=150000 out=0
        mistral/devstral-small in=70000 out=280000 context=128000 most=128000
        mistral/magistral-medium in=2000000 out=5000000 context=128000 most=64000
        mistral/magistral-small in=500000 out=1500000 context=128000 most=64000
        mistral/ministral-3b in=40000 out=40000 context=128000 most=4000
        mistral/ministral-8b in=100000 out=100000 context=128000 most=4000
        mistral/mistral-embed in=100000 out=0
        mistral/mistral-large in=2000000 out=6000000 context=32000 most=4000
        mistral/mistral-saba-24b in=790000 out=790000 context=32768 most=32768
        mistral/mistral-small in=100000 out=300000 context=32000 most=4000
        mistral/mixtral-8x22b-instruct in=1200000 out=1200000 context=65536 most=2048
        mistral/pixtral-12b in=150000 out=150000 context=128000 most=4000
        mistral/pixtral-large in=2000000 out=6000000 context=128000 most=4000
        moonshotai/kimi-k2 in=550000 out=2200000 context=131072 most=16384
        morph/morph-v3-fast in=800000 out=1200000 context=32768 most=16384
        morph/morph-v3-large in=900000 out=1900000 context=32768 most=16384
        openai/gpt-3.5-turbo in=500000 out=1500000 context=16385 most=4096
        openai/gpt-3.5-turbo-instruct in=1500000 out=2000000 context=8192 most=4096
        openai/gpt-4-turbo in=10000000 out=30000000 context=128000 most=4096
        openai/gpt-4.1 in=2000000 out=8000000 cached=500000 write=0 context=1047576 most=32768
        openai/gpt-4.1-mini in=400000 out=1600000 cached=100000 write=0 context=1047576 most=32768
        openai/gpt-4.1-nano in=100000 out=400000 cached=25000 write=0 context=1047576 most=32768
        openai/gpt-4o in=2500000 out=10000000 cached=1250000 write=0 context=128000 most=16384
        openai/gpt-4o-mini in=150000 out=600000 cached=75000 write=0 context=128000 most=16384
        openai/o1 in=15000000 out=60000000 cached=7500000 write=0 context=200000 most=100000
        openai/o3 in=2000000 out=8000000 cached=500000 write=0 context=200000 most=100000
        openai/o3-mini in=1100000 out=4400000 cached=550000 write=0 context=200000 most=100000
        openai/o4-mini in=1100000 out=4400000 cached=275000 write=0 context=200000 most=100000
        openai/text-embedding-3-large in=130000 out=0
        openai/text-embedding-3-small in=20000 out=0
        openai/text-embedding-ada-002 in=100000 out=0
        perplexity/sonar in=1000000 out=1000000 context=127000 most=8000
        perplexity/sonar-pro in=3000000 out=15000000 context=200000 most=8000
        perplexity/sonar-reasoning in=1000000 out=5000000 context=127000 most=8000
        perplexity/sonar-reasoning-pro in=2000000 out=8000000 context=127000 most=8000
        vercel/v0-1.0-md in=3000000 out=15000000 context=128000 most=32000
        vercel/v0-1.5-md in=3000000 out=15000000 context=128000 most=32768
        xai/grok-2 in=2000000 out=10000000 context=131072 most=4000
        xai/grok-2-vision in=2000000 out=10000000 context=32768 most=32768
        xai/grok-3 in=3000000 out=15000000 context=131072 most=131072
        xai/grok-3-fast in=5000000 out=25000000 context=131072 most=131072
        xai/grok-3-mini in=300000 out=500000 context=131072 most=131072
        xai/grok-3-mini-fast in=600000 out=4000000 context=131072 most=131072
        xai/grok-4 in=3000000 out=15000000 context=256000 most=256000
        zai/glm-4.5 in=600000 out=2200000 context=131072 most=131072
        zai/glm-4.5-air in=200000 out=1100000 context=128000 most=96000
        zai/glm-4.6 in=450000 out=1800000 cached=110000 context=200000 most=200000
        """
}
