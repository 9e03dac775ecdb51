// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let fireworks: StaticString = """
        @fireworks https://fireworks.ai/pricing 2026-11-21
        WhereIsAI/UAE-Large-V1 in=16000 out=0 context=512
        accounts/fireworks/models/SSD-1B in=130 out=130 context=4096 most=4096
        accounts/fireworks/models/chronos-hermes-13b-v2 in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/code-llama-13b in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-llama-13b-instruct in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-llama-13b-python in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-llama-34b in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/code-llama-34b-instruct in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/code-llama-34b-python in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/code-llama-70b in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/code-llama-70b-instruct in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/code-llama-70b-python in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/code-llama-7b in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-llama-7b-instruct in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-llama-7b-python in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/code-qwen-1p5-7b in=200000 out=200000 context=65536 most=65536
        accounts/fireworks/models/codegemma-2b in=100000 out=100000 context=8192 most=8192
        accounts/fireworks/models/codegemma-7b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/cogito-671b-v2-p1 in=1200000 out=1200000 context=163840 most=163840
        accounts/fireworks/models/cogito-v1-preview-llama-3b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/cogito-v1-preview-llama-70b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/cogito-v1-preview-llama-8b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/cogito-v1-preview-qwen-14b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/cogito-v1-preview-qwen-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/dbrx-instruct in=1200000 out=1200000 context=32768 most=32768
        accounts/fireworks/models/deepseek-coder-1b-base in=100000 out=100000 context=16384 most=16384
        accounts/fireworks/models/deepseek-coder-33b-instruct in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/deepseek-coder-7b-base in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/deepseek-coder-7b-base-v1p5 in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/deepseek-coder-7b-instruct-v1p5 in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/deepseek-coder-v2-instruct in=1200000 out=1200000 context=65536 most=65536
        accounts/fireworks/models/deepseek-coder-v2-lite-base in=500000 out=500000 context=163840 most=163840
        accounts/fireworks/models/deepseek-coder-v2-lite-instruct in=500000 out=500000 context=163840 most=163840
        accounts/fireworks/models/deepseek-prover-v2 in=1200000 out=1200000 context=163840 most=163840
        accounts/fireworks/models/deepseek-r1 in=3000000 out=8000000 context=163840 most=20480
        accounts/fireworks/models/deepseek-r1-0528 in=3000000 out=8000000 context=163840 most=160000
        accounts/fireworks/models/deepseek-r1-0528-distill-qwen3-8b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-basic in=550000 out=2190000 context=163840 most=20480
        accounts/fireworks/models/deepseek-r1-distill-llama-70b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-distill-llama-8b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-distill-qwen-14b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-distill-qwen-1p5b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-distill-qwen-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/deepseek-r1-distill-qwen-7b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/deepseek-v2-lite-chat in=500000 out=500000 context=163840 most=163840
        accounts/fireworks/models/deepseek-v2p5 in=1200000 out=1200000 context=32768 most=32768
        accounts/fireworks/models/deepseek-v3 in=900000 out=900000 context=131072 most=8192
        accounts/fireworks/models/deepseek-v3-0324 in=900000 out=900000 context=163840 most=163840
        accounts/fireworks/models/deepseek-v3p1 in=560000 out=1680000 context=128000 most=8192
        accounts/fireworks/models/deepseek-v3p1-terminus in=560000 out=1680000 context=128000 most=8192
        accounts/fireworks/models/deepseek-v3p2 in=560000 out=1680000 context=163840 most=163840
        accounts/fireworks/models/deepseek-v4-flash in=140000 out=280000 cached=28000 context=1048576 most=384000
        accounts/fireworks/models/deepseek-v4-flash-0731 in=220000 out=660000 cached=7000 context=1048576 most=131072
        accounts/fireworks/models/deepseek-v4-flash-vision-exp in=220000 out=660000 cached=7000 context=1048576 \
        most=1048576
        accounts/fireworks/models/deepseek-v4-pro in=1200000 out=1200000 cached=600000 context=1048576 most=131072
        accounts/fireworks/models/deepseek-v4-pro-0813 in=1320000 out=3960000 cached=44000 context=1048576 most=131072
        accounts/fireworks/models/deepseek-v4p1-flash in=300000 out=1200000 cached=6000 context=1048576 most=393216
        accounts/fireworks/models/deepseek-v4p1-flash-1017 in=300000 out=1200000 cached=6000 context=1048576 \
        most=393216
        accounts/fireworks/models/deepseek-v4p1-flash-1017-us in=450000 out=1800000 cached=9000 context=1048576 \
        most=393216
        accounts/fireworks/models/devstral-small-2505 in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/dobby-mini-unhinged-plus-llama-3-1-8b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/dobby-unhinged-llama-3-3-70b-new in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/dolphin-2-9-2-qwen2-72b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/dolphin-2p6-mixtral-8x7b in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/ember-1 in=3000000 out=15000000 cached=300000 context=1048576
        accounts/fireworks/models/ernie-4p5-21b-a3b-pt in=100000 out=100000 context=131072 most=4096
        accounts/fireworks/models/ernie-4p5-300b-a47b-pt in=100000 out=100000 context=131072 most=4096
        accounts/fireworks/models/fare-20b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/firefunction-v1 in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/firefunction-v2 in=900000 out=900000 context=8192 most=8192
        accounts/fireworks/models/firellava-13b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/firesearch-ocr-v6 in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/flux-1-dev in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/flux-1-dev-controlnet-union in=1000 out=1000 context=4096 most=4096
        accounts/fireworks/models/flux-1-dev-fp8 in=500 out=500 context=4096 most=4096
        accounts/fireworks/models/flux-1-schnell in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/flux-1-schnell-fp8 in=350 out=350 context=4096 most=4096
        accounts/fireworks/models/flux-kontext-max in=80000 out=80000 context=4096 most=4096
        accounts/fireworks/models/flux-kontext-pro in=40000 out=40000 context=4096 most=4096
        accounts/fireworks/models/gemma-2b-it in=100000 out=100000 context=8192 most=8192
        accounts/fireworks/models/gemma-3-27b-it in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/gemma-7b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/gemma-7b-it in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/gemma2-9b-it in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/glm-4p5 in=550000 out=2190000 context=131072 most=96000
        accounts/fireworks/models/glm-4p5-air in=220000 out=880000 context=131072 most=96000
        accounts/fireworks/models/glm-4p5v in=1200000 out=1200000 context=131072 most=131072
        accounts/fireworks/models/glm-4p6 in=550000 out=2190000 context=202752 most=202800
        accounts/fireworks/models/glm-4p7 in=600000 out=2200000 cached=300000 context=202752 most=202800
        accounts/fireworks/models/glm-5p1 in=1400000 out=4400000 cached=260000 context=202752 most=131072
        accounts/fireworks/models/glm-5p2 in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        accounts/fireworks/models/glm-5p3 in=1400000 out=4400000 cached=260000 context=1048576 most=128000
        accounts/fireworks/models/glm-5p3-flash in=150000 out=500000 cached=30000 context=1048576 most=1048576
        accounts/fireworks/models/gpt-oss-120b in=150000 out=600000 cached=15000 context=131072 most=32768
        accounts/fireworks/models/gpt-oss-20b in=70000 out=300000 cached=35000 context=131072 most=32768
        accounts/fireworks/models/gpt-oss-safeguard-120b in=1200000 out=1200000 context=131072 most=131072
        accounts/fireworks/models/gpt-oss-safeguard-20b in=500000 out=500000 context=131072 most=131072
        accounts/fireworks/models/hermes-2-pro-mistral-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/inkling in=1000000 out=4050000 cached=170000 context=1048576 most=1048576
        accounts/fireworks/models/internvl3-38b in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/internvl3-78b in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/internvl3-8b in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/japanese-stable-diffusion-xl in=130 out=130 context=4096 most=4096
        accounts/fireworks/models/kat-coder in=900000 out=900000 context=262144 most=262144
        accounts/fireworks/models/kat-dev-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/kat-dev-72b-exp in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/kimi-k2-instruct in=600000 out=2500000 context=131072 most=16384
        accounts/fireworks/models/kimi-k2-instruct-0905 in=600000 out=2500000 context=262144 most=32768
        accounts/fireworks/models/kimi-k2-thinking in=600000 out=2500000 context=262144 most=262144
        accounts/fireworks/models/kimi-k2p5 in=600000 out=3000000 cached=100000 context=262144 most=32768
        accounts/fireworks/models/kimi-k2p6 in=950000 out=4000000 cached=160000 context=262144 most=32768
        accounts/fireworks/models/kimi-k2p7-code in=950000 out=4000000 cached=190000 context=262144 most=32768
        accounts/fireworks/models/kimi-k3 in=3000000 out=15000000 cached=300000 context=1048576 most=131072
        accounts/fireworks/models/llama-guard-2-8b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/llama-guard-3-1b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/llama-guard-3-8b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/llama-v2-13b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/llama-v2-13b-chat in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/llama-v2-70b in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/llama-v2-70b-chat in=900000 out=900000 context=2048 most=2048
        accounts/fireworks/models/llama-v2-7b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/llama-v2-7b-chat in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/llama-v3-70b-instruct in=900000 out=900000 context=8192 most=8192
        accounts/fireworks/models/llama-v3-70b-instruct-hf in=900000 out=900000 context=8192 most=8192
        accounts/fireworks/models/llama-v3-8b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/llama-v3-8b-instruct-hf in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/llama-v3p1-405b-instruct in=3000000 out=3000000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p1-405b-instruct-long in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/llama-v3p1-70b-instruct in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/llama-v3p1-70b-instruct-1b in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/llama-v3p1-8b-instruct in=100000 out=100000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p1-nemotron-70b-instruct in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/llama-v3p2-11b-vision-instruct in=200000 out=200000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p2-1b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/llama-v3p2-1b-instruct in=100000 out=100000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p2-3b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/llama-v3p2-3b-instruct in=100000 out=100000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p2-90b-vision-instruct in=900000 out=900000 context=131072 most=16384
        accounts/fireworks/models/llama-v3p3-70b-instruct in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/llama4-maverick-instruct-basic in=220000 out=880000 context=131072 most=131072
        accounts/fireworks/models/llama4-scout-instruct-basic in=150000 out=600000 context=131072 most=131072
        accounts/fireworks/models/llamaguard-7b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/llava-yi-34b in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/minimax-m1-80k in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/minimax-m2 in=300000 out=1200000 context=196608 most=4096
        accounts/fireworks/models/minimax-m2p1 in=300000 out=1200000 cached=30000 context=196608 most=204800
        accounts/fireworks/models/minimax-m3 in=300000 out=1200000 cached=60000 context=512000 most=512000
        accounts/fireworks/models/minimax-m3p1-flash in=150000 out=600000 cached=15000 context=1048576 most=1048576
        accounts/fireworks/models/ministral-3-14b-instruct-2512 in=200000 out=200000 context=256000 most=256000
        accounts/fireworks/models/ministral-3-3b-instruct-2512 in=100000 out=100000 context=256000 most=256000
        accounts/fireworks/models/ministral-3-8b-instruct-2512 in=200000 out=200000 context=256000 most=256000
        accounts/fireworks/models/mistral-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/mistral-7b-instruct-4k in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/mistral-7b-instruct-v0p2 in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/mistral-7b-instruct-v3 in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/mistral-7b-v0p2 in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/mistral-large-3-fp8 in=1200000 out=1200000 context=256000 most=256000
        accounts/fireworks/models/mistral-nemo-base-2407 in=200000 out=200000 context=128000 most=128000
        accounts/fireworks/models/mistral-nemo-instruct-2407 in=200000 out=200000 context=128000 most=128000
        accounts/fireworks/models/mistral-small-24b-instruct-2501 in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/mixtral-8x22b in=1200000 out=1200000 context=65536 most=65536
        accounts/fireworks/models/mixtral-8x22b-instruct in=1200000 out=1200000 context=65536 most=65536
        accounts/fireworks/models/mixtral-8x22b-instruct-hf in=1200000 out=1200000 context=65536 most=65536
        accounts/fireworks/models/mixtral-8x7b in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/mixtral-8x7b-instruct in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/mixtral-8x7b-instruct-hf in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/muse-glimmer-30b in=350000 out=1500000 cached=40000 context=131072 most=16384
        accounts/fireworks/models/muse-spark-open in=1250000 out=4250000 cached=150000 context=1048576
        accounts/fireworks/models/mythomax-l2-13b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/nemotron-3-ultra-nvfp4 in=600000 out=2400000 cached=120000 context=262144 most=32768
        accounts/fireworks/models/nemotron-lightning-3p5-30b-a3b in=50000 out=200000 cached=10000 context=262144 \
        most=32768
        accounts/fireworks/models/nemotron-nano-v2-12b-vl in=100000 out=100000 context=131072 most=4096
        accounts/fireworks/models/nous-capybara-7b-v1p9 in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/nous-hermes-2-mixtral-8x7b-dpo in=500000 out=500000 context=32768 most=32768
        accounts/fireworks/models/nous-hermes-2-yi-34b in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/nous-hermes-llama2-13b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/nous-hermes-llama2-70b in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/nous-hermes-llama2-7b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/nvidia-nemotron-nano-12b-v2 in=200000 out=200000 context=128000 most=131072
        accounts/fireworks/models/nvidia-nemotron-nano-9b-v2 in=200000 out=200000 context=128000 most=131072
        accounts/fireworks/models/openchat-3p5-0106-7b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/openhermes-2-mistral-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/openhermes-2p5-mistral-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/openorca-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/phi-2-3b in=100000 out=100000 context=2048 most=2048
        accounts/fireworks/models/phi-3-mini-128k-instruct in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/phi-3-vision-128k-instruct in=200000 out=200000 context=32064 most=32064
        accounts/fireworks/models/phind-code-llama-34b-python-v1 in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/phind-code-llama-34b-v1 in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/phind-code-llama-34b-v2 in=900000 out=900000 context=16384 most=16384
        accounts/fireworks/models/playground-v2-1024px-aesthetic in=130 out=130 context=4096 most=4096
        accounts/fireworks/models/playground-v2-5-1024px-aesthetic in=130 out=130 context=4096 most=4096
        accounts/fireworks/models/pythia-12b in=200000 out=200000 context=2048 most=2048
        accounts/fireworks/models/qwen-qwq-32b-preview in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen-v2p5-14b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen-v2p5-7b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/qwen1p5-72b-chat in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2-72b-instruct in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2-7b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2-vl-2b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2-vl-72b-instruct in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2-vl-7b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-0p5b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-14b in=200000 out=200000 context=131072 most=131072
        accounts/fireworks/models/qwen2p5-1p5b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/qwen2p5-32b-instruct in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-72b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/qwen2p5-72b-instruct in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-7b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-0p5b in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-0p5b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-14b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-14b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-1p5b in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-1p5b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-32b in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-32b-instruct in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/qwen2p5-coder-32b-instruct-128k in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/qwen2p5-coder-32b-instruct-32k-rope in=900000 out=900000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-32b-instruct-64k in=900000 out=900000 context=65536 most=65536
        accounts/fireworks/models/qwen2p5-coder-3b in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-3b-instruct in=100000 out=100000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-coder-7b-instruct in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/qwen2p5-math-72b-instruct in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/qwen2p5-vl-32b-instruct in=900000 out=900000 context=128000 most=128000
        accounts/fireworks/models/qwen2p5-vl-3b-instruct in=200000 out=200000 context=128000 most=128000
        accounts/fireworks/models/qwen2p5-vl-72b-instruct in=900000 out=900000 context=128000 most=128000
        accounts/fireworks/models/qwen2p5-vl-7b-instruct in=200000 out=200000 context=128000 most=128000
        accounts/fireworks/models/qwen3-0p6b in=100000 out=100000 context=40960 most=40960
        accounts/fireworks/models/qwen3-14b in=200000 out=200000 context=40960 most=40960
        accounts/fireworks/models/qwen3-1p7b in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/qwen3-1p7b-fp8-draft in=100000 out=100000 context=262144 most=262144
        accounts/fireworks/models/qwen3-1p7b-fp8-draft-131072 in=100000 out=100000 context=131072 most=131072
        accounts/fireworks/models/qwen3-1p7b-fp8-draft-40960 in=100000 out=100000 context=40960 most=40960
        accounts/fireworks/models/qwen3-235b-a22b in=220000 out=880000 context=131072 most=131072
        accounts/fireworks/models/qwen3-235b-a22b-instruct-2507 in=220000 out=880000 context=262144 most=262144
        accounts/fireworks/models/qwen3-235b-a22b-thinking-2507 in=220000 out=880000 context=262144 most=262144
        accounts/fireworks/models/qwen3-30b-a3b in=150000 out=600000 context=131072 most=131072
        """
}
