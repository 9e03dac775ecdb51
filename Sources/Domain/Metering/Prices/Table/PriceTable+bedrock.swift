// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let bedrock: StaticString = """
        @bedrock https://aws.amazon.com/bedrock/pricing/ 2026-11-21
        ai21.j2-mid-v1 in=12500000 out=12500000 context=8191 most=8191
        ai21.j2-ultra-v1 in=18800000 out=18800000 context=8191 most=8191
        ai21.jamba-1-5-large-v1:0 in=2000000 out=8000000 context=256000 most=4096
        ai21.jamba-1-5-mini-v1:0 in=200000 out=400000 context=256000 most=4096
        ai21.jamba-instruct-v1:0 in=500000 out=700000 context=70000 most=4096
        amazon.nova-2-lite-v1:0 in=300000 out=2500000 cached=75000 context=1000000 most=64000
        amazon.nova-2-multimodal-embeddings-v1:0 in=135000 out=0 context=8172
        amazon.nova-2-pro-preview-20251202-v1:0 in=1250000 out=10000000 cached=312500 context=1000000 most=64000
        amazon.nova-canvas-v1:0 in=0 out=0 image=60000 context=2600
        amazon.nova-lite-v1:0 in=60000 out=240000 cached=15000 context=300000 most=10000
        amazon.nova-micro-v1:0 in=35000 out=140000 cached=8750 context=128000 most=10000
        amazon.nova-premier-v1:0 in=2500000 out=12500000 cached=625000 context=1000000 most=10000
        amazon.nova-pro-v1:0 in=800000 out=3200000 cached=200000 context=300000 most=10000
        amazon.rerank-v1:0 in=0 out=0 searches=1000000 context=32000 most=32000
        amazon.titan-embed-g1-text-02 in=100000 out=0 context=8192
        amazon.titan-embed-image-v1 in=800000 out=0 context=128
        amazon.titan-embed-text-v1 in=100000 out=0 context=8192
        amazon.titan-embed-text-v2:0 in=20000 out=0 context=8192
        amazon.titan-image-generator-v1 in=0 out=0 image=8000
        amazon.titan-image-generator-v2 in=0 out=0 image=8000
        amazon.titan-image-generator-v2:0 in=0 out=0 image=8000
        amazon.titan-text-express-v1 in=200000 out=600000 context=42000 most=8000
        amazon.titan-text-lite-v1 in=150000 out=200000 context=42000 most=4000
        amazon.titan-text-premier-v1:0 in=500000 out=1500000 context=42000 most=32000
        anthropic.claude-3-5-haiku-20241022-v1:0 in=800000 out=4000000 cached=80000 write=1000000 context=200000 \
        most=8192
        anthropic.claude-3-5-sonnet-20240620-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 context=200000 \
        most=4096
        anthropic.claude-3-5-sonnet-20241022-v2:0 in=3000000 out=15000000 cached=300000 write=3750000 context=200000 \
        most=8192
        anthropic.claude-3-7-sonnet-20240620-v1:0 in=3600000 out=18000000 cached=360000 write=4500000 context=200000 \
        most=8192
        anthropic.claude-3-7-sonnet-20250219-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 context=200000 \
        most=8192
        anthropic.claude-3-opus-20240229-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=4096
        anthropic.claude-fable-5 in=10000000 out=50000000 cached=1000000 write=12500000 context=1000000 most=128000
        anthropic.claude-fable-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 most=128000
        anthropic.claude-haiku-4-5-20251001-v1:0 in=1000000 out=5000000 cached=100000 write=1250000 context=200000 \
        most=64000
        anthropic.claude-haiku-4-5@20251001 in=1000000 out=5000000 cached=100000 write=1250000 context=200000 \
        most=64000
        anthropic.claude-haiku-5-5 in=100000 out=500000 cached=10000 write=125000 long=100000/500/500 context=1000000 \
        most=128000
        anthropic.claude-instant-v1 in=800000 out=2400000 context=100000 most=8191
        anthropic.claude-mythos-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 most=128000
        anthropic.claude-mythos-preview in=27500000 out=137500000 cached=2750000 write=34375000 context=1000000 \
        most=128000
        anthropic.claude-opus-4-1-20250805-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=32000
        anthropic.claude-opus-4-20250514-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=32000
        anthropic.claude-opus-4-5-20251101-v1:0 in=5000000 out=25000000 cached=500000 write=6250000 context=200000 \
        most=64000
        anthropic.claude-opus-4-6-v1 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        anthropic.claude-opus-4-7 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        anthropic.claude-opus-4-8 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        anthropic.claude-opus-5 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        anthropic.claude-opus-5-5 in=4000000 out=20000000 cached=200000 write=5000000 context=1000000 most=128000
        anthropic.claude-sonnet-4-20250514-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        anthropic.claude-sonnet-4-5-20250929-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        anthropic.claude-sonnet-4-6 in=3000000 out=15000000 cached=300000 write=3750000 context=1000000 most=64000
        anthropic.claude-sonnet-5 in=2000000 out=10000000 cached=200000 write=2500000 context=1000000 most=128000
        anthropic.claude-sonnet-5-5 in=2000000 out=10000000 cached=100000 write=2500000 context=1000000 most=128000
        anthropic.claude-v1 in=8000000 out=24000000 context=100000 most=8191
        anthropic.claude-v2:1 in=8000000 out=24000000 context=100000 most=8191
        claude-sonnet-4-5-20250929-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 long=200000/200/150 \
        context=200000 most=64000
        cohere.command-light-text-v14 in=300000 out=600000 context=4096 most=4096
        cohere.command-text-v14 in=1000000 out=2000000 context=4096 most=4096
        cohere.embed-english-v3 in=100000 out=0 context=512
        cohere.embed-multilingual-v3 in=100000 out=0 context=512
        cohere.embed-v4:0 in=120000 out=0 context=128000
        cohere.rerank-v3-5:0 in=0 out=0 searches=2000000 context=4096 most=4096
        deepseek.r1-v1:0 in=1350000 out=5400000 context=128000 most=8192
        deepseek.v3-v1:0 in=580000 out=1680000 context=128000 most=8000
        deepseek.v3.2 in=620000 out=1850000 context=164000 most=8000
        eu.amazon.nova-2-lite-v1:0 in=429000 out=3597000 cached=107250 context=1000000 most=64000
        eu.amazon.nova-2-pro-preview-20251202-v1:0 in=1375000 out=11000000 cached=343750 context=1000000 most=64000
        eu.amazon.nova-lite-v1:0 in=78000 out=312000 cached=19500 context=300000 most=10000
        eu.amazon.nova-micro-v1:0 in=46000 out=184000 cached=11500 context=128000 most=10000
        eu.amazon.nova-pro-v1:0 in=1050000 out=4200000 cached=262500 context=300000 most=10000
        eu.anthropic.claude-3-5-haiku-20241022-v1:0 in=800000 out=4000000 cached=80000 write=1000000 context=200000 \
        most=8192
        eu.anthropic.claude-3-5-sonnet-20240620-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=4096
        eu.anthropic.claude-3-5-sonnet-20241022-v2:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=8192
        eu.anthropic.claude-3-7-sonnet-20250219-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=8192
        eu.anthropic.claude-3-opus-20240229-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=4096
        eu.anthropic.claude-fable-5 in=11000000 out=55000000 cached=1100000 write=13750000 context=1000000 most=128000
        eu.anthropic.claude-fable-5-1 in=11000000 out=55000000 cached=275000 write=13750000 context=1000000 most=128000
        eu.anthropic.claude-haiku-4-5-20251001-v1:0 in=1100000 out=5500000 cached=110000 write=1375000 context=200000 \
        most=64000
        eu.anthropic.claude-haiku-5-5 in=110000 out=550000 cached=11000 write=137500 long=100000/500/500 \
        context=1000000 most=128000
        eu.anthropic.claude-opus-4-1-20250805-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 \
        context=200000 most=32000
        eu.anthropic.claude-opus-4-20250514-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=32000
        eu.anthropic.claude-opus-4-5-20251101-v1:0 in=5500000 out=27500000 cached=550000 write=6875000 context=200000 \
        most=64000
        eu.anthropic.claude-opus-4-6-v1 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        eu.anthropic.claude-opus-4-7 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        eu.anthropic.claude-opus-4-8 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        eu.anthropic.claude-opus-5 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        eu.anthropic.claude-opus-5-5 in=4400000 out=22000000 cached=220000 write=5500000 context=1000000 most=128000
        eu.anthropic.claude-sonnet-4-20250514-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        eu.anthropic.claude-sonnet-4-5-20250929-v1:0 in=3300000 out=16500000 cached=330000 write=4125000 \
        long=200000/200/150 context=200000 most=64000
        eu.anthropic.claude-sonnet-4-6 in=3300000 out=16500000 cached=330000 write=4125000 context=1000000 most=64000
        eu.anthropic.claude-sonnet-5 in=2200000 out=11000000 cached=220000 write=2750000 context=1000000 most=128000
        eu.anthropic.claude-sonnet-5-5 in=2200000 out=11000000 cached=110000 write=2750000 context=1000000 most=128000
        eu.deepseek.v3.2 in=740000 out=2220000 context=163840 most=163840
        eu.meta.llama3-2-1b-instruct-v1:0 in=130000 out=130000 context=128000 most=4096
        eu.meta.llama3-2-3b-instruct-v1:0 in=190000 out=190000 context=128000 most=4096
        eu.mistral.pixtral-large-2502-v1:0 in=2000000 out=6000000 context=128000 most=16384
        eu.twelvelabs.marengo-embed-2-7-v1:0 out=0 in=0 request=70 context=77
        eu.twelvelabs.marengo-embed-3-0-v1:0 out=0 in=0 request=70 context=500
        eu.twelvelabs.pegasus-1-2-v1:0 out=7500000 in=0
        global.amazon.nova-2-lite-v1:0 in=300000 out=2500000 cached=75000 context=1000000 most=64000
        global.anthropic.claude-fable-5 in=10000000 out=50000000 cached=1000000 write=12500000 context=1000000 \
        most=128000
        global.anthropic.claude-fable-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 \
        most=128000
        global.anthropic.claude-haiku-4-5-20251001-v1:0 in=1000000 out=5000000 cached=100000 write=1250000 \
        context=200000 most=64000
        global.anthropic.claude-haiku-5-5 in=100000 out=500000 cached=10000 write=125000 long=100000/500/500 \
        context=1000000 most=128000
        global.anthropic.claude-mythos-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 \
        most=128000
        global.anthropic.claude-opus-4-5-20251101-v1:0 in=5000000 out=25000000 cached=500000 write=6250000 \
        context=200000 most=64000
        global.anthropic.claude-opus-4-6-v1 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 \
        most=128000
        global.anthropic.claude-opus-4-7 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 \
        most=128000
        global.anthropic.claude-opus-4-8 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 \
        most=128000
        global.anthropic.claude-opus-5 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        global.anthropic.claude-opus-5-5 in=4000000 out=20000000 cached=200000 write=5000000 context=1000000 \
        most=128000
        global.anthropic.claude-sonnet-4-20250514-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        global.anthropic.claude-sonnet-4-5-20250929-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        global.anthropic.claude-sonnet-4-6 in=3000000 out=15000000 cached=300000 write=3750000 context=1000000 \
        most=64000
        global.anthropic.claude-sonnet-5 in=2000000 out=10000000 cached=200000 write=2500000 context=1000000 \
        most=128000
        global.anthropic.claude-sonnet-5-5 in=2000000 out=10000000 cached=100000 write=2500000 context=1000000 \
        most=128000
        global.cohere.embed-v4:0 in=120000 out=0 context=128000
        global.moonshotai.kimi-k3 in=3000000 out=15000000 cached=300000 write=3750000 context=1000000 most=131072
        global.openai.gpt-5.4 in=2500000 out=15000000 cached=250000 long=272000/200/150 context=922000 most=128000
        global.openai.gpt-5.5 in=5000000 out=30000000 cached=500000 long=272000/200/150 context=922000 most=128000
        global.openai.gpt-5.6-luna in=200000 out=1200000 cached=20000 write=250000 long=272000/200/150 context=922000 \
        most=128000
        global.openai.gpt-5.6-sol in=4000000 out=20000000 cached=400000 write=5000000 long=272000/200/150 \
        context=922000 most=128000
        global.openai.gpt-5.6-terra in=2000000 out=12000000 cached=200000 write=2500000 long=272000/200/150 \
        context=922000 most=128000
        global.openai.gpt-6-astra in=10000000 out=50000000 cached=1000000 write=12500000 long=272000/200/150 \
        context=922000 most=128000
        global.openai.gpt-6-luna in=100000 out=500000 cached=10000 write=125000 long=272000/200/150 context=922000 \
        most=128000
        global.openai.gpt-6-sol in=2000000 out=10000000 cached=200000 write=2500000 long=272000/200/150 context=922000 \
        most=128000
        global.openai.gpt-6.1-sol in=2000000 out=10000000 cached=100000 write=2500000 long=272000/200/150 \
        context=1000000 most=131072
        global.openai.gpt-6.1-terra in=1000000 out=5000000 cached=50000 write=1250000 long=272000/200/150 \
        context=922000 most=128000
        global.twelvelabs.pegasus-1-2-v1:0 out=7500000 in=0
        global.twelvelabs.pegasus-1-5-v1:0 out=7500000 in=0 context=261120 most=98304
        global.xai.grok-4.6 in=2000000 out=6000000 cached=500000 context=500000 most=500000
        global.xai.grok-4.7 in=2000000 out=6000000 cached=500000 context=524288 most=524288
        global.zai.glm-5.3 in=1680000 out=5280000 cached=312000 write=2100000 context=1000000 most=128000
        google.gemma-3-12b-it in=90000 out=290000 context=128000 most=8000
        google.gemma-3-27b-it in=230000 out=380000 context=128000 most=8000
        google.gemma-3-4b-it in=40000 out=80000 context=128000 most=8000
        in.moonshotai.kimi-k3 in=3300000 out=16500000 cached=330000 write=4125000 context=1000000 most=131072
        max-x-max/50-steps/stability.stable-diffusion-xl-v0 in=0 out=0 image=36000 context=77
        max-x-max/max-steps/stability.stable-diffusion-xl-v0 in=0 out=0 image=72000 context=77
        meta.llama2-13b-chat-v1 in=750000 out=1000000 context=4096 most=4096
        meta.llama2-70b-chat-v1 in=1950000 out=2560000 context=4096 most=4096
        meta.llama3-1-405b-instruct-v1:0 in=2400000 out=2400000 context=128000 most=4096
        meta.llama3-1-70b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        meta.llama3-1-8b-instruct-v1:0 in=220000 out=220000 context=128000 most=4096
        meta.llama3-2-11b-instruct-v1:0 in=160000 out=160000 context=128000 most=4096
        meta.llama3-2-1b-instruct-v1:0 in=100000 out=100000 context=128000 most=4096
        meta.llama3-2-3b-instruct-v1:0 in=150000 out=150000 context=128000 most=4096
        meta.llama3-2-90b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        meta.llama3-3-70b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        meta.llama3-70b-instruct-v1:0 in=2650000 out=3500000 context=8192 most=8192
        meta.llama3-8b-instruct-v1:0 in=300000 out=600000 context=8192 most=8192
        meta.llama4-maverick-17b-instruct-v1:0 in=240000 out=970000 context=1000000 most=8192
        meta.llama4-scout-17b-instruct-v1:0 in=170000 out=660000 context=10000000 most=8192
        minimax.minimax-m2 in=300000 out=1200000 context=1000000 most=8000
        minimax.minimax-m2.1 in=300000 out=1200000 context=196000 most=8000
        minimax.minimax-m2.5 in=300000 out=1200000 context=196000 most=8000
        mistral.devstral-2-123b in=400000 out=2000000 context=256000 most=32000
        mistral.magistral-small-2509 in=500000 out=1500000 context=128000 most=40000
        mistral.ministral-3-14b-instruct in=200000 out=200000 context=128000 most=8000
        mistral.ministral-3-3b-instruct in=100000 out=100000 context=128000 most=8000
        mistral.ministral-3-8b-instruct in=150000 out=150000 context=128000 most=8000
        mistral.mistral-7b-instruct-v0:2 in=150000 out=200000 context=32000 most=4096
        mistral.mistral-large-2402-v1:0 in=4000000 out=12000000 context=32000 most=4096
        mistral.mistral-large-2407-v1:0 in=2000000 out=6000000 context=128000 most=8191
        mistral.mistral-large-3-675b-instruct in=500000 out=1500000 context=256000 most=32000
        mistral.mistral-small-2402-v1:0 in=1000000 out=3000000 context=32000 most=4096
        mistral.mixtral-8x7b-instruct-v0:1 in=450000 out=700000 context=32000 most=4096
        mistral.pixtral-large-2502-v1:0 in=2000000 out=6000000 context=128000 most=16384
        mistral.voxtral-mini-3b-2507 in=40000 out=40000 context=32768 most=8192
        mistral.voxtral-small-24b-2507 in=100000 out=300000 context=32768 most=8192
        moonshot.kimi-k2-thinking in=600000 out=2500000 context=256000 most=16000
        moonshotai.kimi-k2.5 in=600000 out=3000000 context=256000 most=16000
        moonshotai.kimi-k3 in=3300000 out=16500000 cached=330000 write=4125000 context=1000000 most=131072
        nvidia.nemotron-nano-12b-v2 in=200000 out=600000 context=128000 most=8000
        nvidia.nemotron-nano-3-30b in=60000 out=240000 context=256000 most=8000
        nvidia.nemotron-nano-9b-v2 in=60000 out=230000 context=128000 most=8000
        nvidia.nemotron-super-3-120b in=150000 out=650000 context=256000 most=32000
        openai.gpt-6-luna in=100000 out=500000 cached=10000 write=125000 long=272000/200/150 context=922000 most=128000
        openai.gpt-6-sol in=2000000 out=10000000 cached=200000 write=2500000 long=272000/200/150 context=922000 \
        most=128000
        openai.gpt-oss-120b-1:0 in=150000 out=600000 context=128000 most=16384
        openai.gpt-oss-20b-1:0 in=70000 out=300000 context=128000 most=16384
        openai.gpt-oss-safeguard-120b in=150000 out=600000 context=128000 most=16000
        openai.gpt-oss-safeguard-20b in=70000 out=200000 context=128000 most=16000
        qwen.qwen3-235b-a22b-2507-v1:0 in=220000 out=880000 context=262144 most=8192
        qwen.qwen3-32b-v1:0 in=150000 out=600000 context=32768 most=8192
        qwen.qwen3-coder-30b-a3b-v1:0 in=150000 out=600000 context=262144 most=16384
        qwen.qwen3-coder-480b-a35b-v1:0 in=450000 out=1800000 context=262144 most=16384
        qwen.qwen3-coder-next in=500000 out=1200000 context=256000 most=16000
        qwen.qwen3-next-80b-a3b in=150000 out=1200000 context=256000 most=8000
        qwen.qwen3-vl-235b-a22b in=530000 out=2660000 context=256000 most=8000
        stability.sd3-5-large-v1:0 in=0 out=0 image=80000 context=77
        stability.sd3-large-v1:0 in=0 out=0 image=80000 context=77
        stability.stable-image-core-v1:0 in=0 out=0 image=40000 context=77
        stability.stable-image-core-v1:1 in=0 out=0 image=40000 context=77
        stability.stable-image-ultra-v1:0 in=0 out=0 image=140000 context=77
        stability.stable-image-ultra-v1:1 in=0 out=0 image=140000 context=77
        twelvelabs.marengo-embed-2-7-v1:0 out=0 in=0 request=70 context=77
        twelvelabs.marengo-embed-3-0-v1:0 out=0 in=0 request=70 context=500
        twelvelabs.pegasus-1-2-v1:0 out=7500000 in=0
        twelvelabs.pegasus-1-5-v1:0 out=7500000 in=0 context=261120 most=98304
        us.amazon.nova-2-lite-v1:0 in=330000 out=2750000 cached=82500 context=1000000 most=64000
        us.amazon.nova-2-pro-preview-20251202-v1:0 in=1375000 out=11000000 cached=343750 context=1000000 most=64000
        us.amazon.nova-canvas-v1:0 in=0 out=0 image=60000 context=2600
        us.amazon.nova-lite-v1:0 in=60000 out=240000 cached=15000 context=300000 most=10000
        us.amazon.nova-micro-v1:0 in=35000 out=140000 cached=8750 context=128000 most=10000
        us.amazon.nova-pro-v1:0 in=800000 out=3200000 cached=200000 context=300000 most=10000
        us.anthropic.claude-3-5-haiku-20241022-v1:0 in=800000 out=4000000 cached=80000 write=1000000 context=200000 \
        most=8192
        us.anthropic.claude-3-5-sonnet-20240620-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=4096
        us.anthropic.claude-3-5-sonnet-20241022-v2:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=8192
        us.anthropic.claude-3-7-sonnet-20250219-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        context=200000 most=8192
        us.anthropic.claude-3-opus-20240229-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=4096
        us.anthropic.claude-fable-5 in=11000000 out=55000000 cached=1100000 write=13750000 context=1000000 most=128000
        us.anthropic.claude-fable-5-1 in=11000000 out=55000000 cached=275000 write=13750000 context=1000000 most=128000
        us.anthropic.claude-haiku-4-5-20251001-v1:0 in=1100000 out=5500000 cached=110000 write=1375000 context=200000 \
        most=64000
        us.anthropic.claude-haiku-5-5 in=110000 out=550000 cached=11000 write=137500 long=100000/500/500 \
        context=1000000 most=128000
        us.anthropic.claude-mythos-5 in=11000000 out=55000000 cached=1100000 write=13750000 context=1000000 most=128000
        us.anthropic.claude-mythos-5-1 in=11000000 out=55000000 cached=275000 write=13750000 context=1000000 \
        most=128000
        us.anthropic.claude-mythos-preview in=27500000 out=137500000 cached=2750000 write=34375000 context=1000000 \
        most=128000
        us.anthropic.claude-opus-4-1-20250805-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 \
        context=200000 most=32000
        us.anthropic.claude-opus-4-20250514-v1:0 in=15000000 out=75000000 cached=1500000 write=18750000 context=200000 \
        most=32000
        us.anthropic.claude-opus-4-5-20251101-v1:0 in=5500000 out=27500000 cached=550000 write=6875000 context=200000 \
        most=64000
        us.anthropic.claude-opus-4-6-v1 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        us.anthropic.claude-opus-4-7 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        us.anthropic.claude-opus-4-8 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        us.anthropic.claude-opus-5 in=5500000 out=27500000 cached=550000 write=6875000 context=1000000 most=128000
        us.anthropic.claude-opus-5-5 in=4400000 out=22000000 cached=220000 write=5500000 context=1000000 most=128000
        us.anthropic.claude-sonnet-4-20250514-v1:0 in=3000000 out=15000000 cached=300000 write=3750000 \
        long=200000/200/150 context=200000 most=64000
        us.anthropic.claude-sonnet-4-5-20250929-v1:0 in=3300000 out=16500000 cached=330000 write=4125000 \
        long=200000/200/150 context=200000 most=64000
        us.anthropic.claude-sonnet-4-6 in=3300000 out=16500000 cached=330000 write=4125000 context=1000000 most=64000
        us.anthropic.claude-sonnet-5 in=2200000 out=11000000 cached=220000 write=2750000 context=1000000 most=128000
        us.anthropic.claude-sonnet-5-5 in=2200000 out=11000000 cached=110000 write=2750000 context=1000000 most=128000
        us.cohere.embed-v4:0 in=120000 out=0 context=128000
        us.deepseek.r1-v1:0 in=1350000 out=5400000 context=128000 most=8192
        us.deepseek.v3.2 in=620000 out=1850000 context=163840 most=163840
        us.meta.llama3-1-405b-instruct-v1:0 in=2400000 out=2400000 context=128000 most=4096
        us.meta.llama3-1-70b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        us.meta.llama3-1-8b-instruct-v1:0 in=220000 out=220000 context=128000 most=4096
        us.meta.llama3-2-11b-instruct-v1:0 in=160000 out=160000 context=128000 most=4096
        us.meta.llama3-2-1b-instruct-v1:0 in=100000 out=100000 context=128000 most=4096
        us.meta.llama3-2-3b-instruct-v1:0 in=150000 out=150000 context=128000 most=4096
        us.meta.llama3-2-90b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        us.meta.llama3-3-70b-instruct-v1:0 in=720000 out=720000 context=128000 most=4096
        """
}
