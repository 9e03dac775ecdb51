// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let together: StaticString = """
        @together https://www.together.ai/pricing 2026-11-21
        BAAI/bge-base-en-v1.5 in=8000 out=0 context=512
        MiniMaxAI/MiniMax-M2.7 in=300000 out=1200000 cached=60000 context=196608
        MiniMaxAI/MiniMax-M3 in=300000 out=1200000 cached=60000 context=524288 most=524288
        MiniMaxAI/MiniMax-M3.1-Flash in=150000 out=600000 cached=15000 context=1048576 most=1048576
        NousResearch/Nous-Hermes-2-Mixtral-8x7B-DPO in=600000 out=600000 context=32768 most=32768
        Qwen/QwQ-32B in=1200000 out=1200000 context=131072 most=131072
        Qwen/Qwen2-1.5B-Instruct in=20000 out=20000 context=32768 most=32768
        Qwen/Qwen2-72B-Instruct in=900000 out=900000 context=32768 most=32768
        Qwen/Qwen2-VL-72B-Instruct in=1200000 out=1200000 context=32768 most=32768
        Qwen/Qwen2.5-14B-Instruct in=800000 out=800000 context=32768 most=32768
        Qwen/Qwen2.5-72B-Instruct in=1200000 out=1200000 context=32768 most=32768
        Qwen/Qwen2.5-72B-Instruct-Turbo in=1200000 out=1200000 context=131072 most=131072
        Qwen/Qwen2.5-7B-Instruct-Turbo in=300000 out=300000 context=32768
        Qwen/Qwen2.5-Coder-32B-Instruct in=800000 out=800000 context=16384 most=16384
        Qwen/Qwen2.5-VL-72B-Instruct in=1950000 out=8000000 context=32768 most=32768
        Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8 in=2000000 out=2000000 context=262144 most=262144
        Qwen/Qwen3-Coder-Next-FP8 in=500000 out=1200000 context=262144 most=262144
        Qwen/Qwen3-Next-80B-A3B-Instruct in=150000 out=1500000 context=262144 most=262144
        Qwen/Qwen3-Next-80B-A3B-Thinking in=150000 out=1500000 context=262144 most=262144
        Qwen/Qwen3-VL-32B-Instruct in=500000 out=1500000 context=262144 most=262144
        Qwen/Qwen3-VL-8B-Instruct in=180000 out=680000 context=262144 most=262144
        Qwen/Qwen3.5-397B-A17B in=600000 out=3600000 cached=350000 context=262144 most=262144
        Qwen/Qwen3.5-9B in=170000 out=250000 context=262144 most=262144
        Qwen/Qwen3.6-Plus in=500000 out=3000000 context=1000000 most=1000000
        Qwen/Qwen3.7-Max in=1500000 out=4500000 cached=300000 context=1000000 most=1000000
        Qwen/Qwen3.7-Plus in=320000 out=1280000 context=1000000 most=1000000
        Qwen/Qwen3.8-2.4T-A95B in=2000000 out=6000000 cached=250000 context=1010000 most=1010000
        Qwen/Qwen3.8-Flash in=150000 out=470000 context=1000000 most=1000000
        Salesforce/Llama-Rank-V1 in=100000 out=0 context=8192
        arcee-ai/trinity-mini in=45000 out=150000 context=128000 most=128000
        arize-ai/qwen-2-1.5b-instruct in=100000 out=100000 context=32768 most=32768
        deepseek-ai/DeepSeek-R1-0528 in=3000000 out=7000000 context=163840
        deepseek-ai/DeepSeek-R1-Distill-Llama-70B in=2000000 out=2000000 context=131072 most=131072
        deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B in=180000 out=180000 context=131072 most=131072
        deepseek-ai/DeepSeek-R1-Distill-Qwen-14B in=1600000 out=1600000 context=131072 most=131072
        deepseek-ai/DeepSeek-V3 in=1250000 out=1250000 context=65536 most=8192
        deepseek-ai/DeepSeek-V3.1 in=600000 out=1700000 context=131072 most=131072
        deepseek-ai/DeepSeek-V4-Flash-0731 in=140000 out=280000 cached=30000 context=1048576 most=1048576
        deepseek-ai/DeepSeek-V4-Pro-0813 in=1320000 out=3960000 cached=130000 context=1048576 most=1048576
        deepseek-ai/DeepSeek-V4.1-Flash in=300000 out=1200000 cached=6000 context=1048576 most=1048576
        deepseek-ai/DeepSeek-V4.1-Flash-1017 in=300000 out=1200000 cached=6000 context=1048576 most=1048576
        deepseek-ai/deepseek-coder-33b-instruct in=800000 out=800000 context=16384 most=16384
        google/gemma-2-27b-it in=800000 out=800000 context=8192 most=8192
        google/gemma-4-31B-it in=390000 out=970000 context=262144 most=262144
        meta-llama/Llama-3-8b-chat-hf in=200000 out=200000 context=8192 most=8192
        meta-llama/Llama-3.1-405B-Instruct in=3500000 out=3500000 context=4096 most=4096
        meta-llama/Llama-3.2-1B-Instruct in=60000 out=60000 context=131072 most=131072
        meta-llama/Llama-3.2-3B-Instruct in=60000 out=60000 context=131072 most=131072
        meta-llama/Llama-3.3-70B-Instruct-Turbo in=1040000 out=1040000 context=131072 most=131072
        meta-llama/Llama-4-Scout-17B-16E-Instruct in=180000 out=590000 context=1048576 most=1048576
        meta-llama/Meta-Llama-3-70B-Instruct-Turbo in=880000 out=880000 context=8192 most=8192
        meta-llama/Meta-Llama-3-8B-Instruct in=200000 out=200000 context=8192 most=8192
        meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo in=880000 out=880000 context=131072 most=131072
        meta-llama/Meta-Llama-3.1-8B in=200000 out=200000 context=16384 most=16384
        meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo in=180000 out=180000 context=131072 most=131072
        meta-models/Muse-Glimmer-30B in=350000 out=1500000 cached=40000 context=131072 most=131072
        meta-models/Muse-Spark-Open-816B-A42B in=1250000 out=4250000 cached=150000 context=1048576 most=1048576
        mistralai/Ministral-3-14B-Instruct-2512 in=200000 out=200000 context=262144
        mistralai/Mistral-7B-Instruct-v0.1 in=200000 out=200000 context=32768 most=32768
        mistralai/Mistral-7B-Instruct-v0.3 in=200000 out=200000 context=32768
        mistralai/Mistral-Small-24B-Instruct-2501 in=100000 out=300000 context=32768 most=32768
        mistralai/Mixtral-8x7B-Instruct-v0.1 in=600000 out=600000 context=32768 most=32768
        moonshotai/Kimi-K2-Instruct in=1000000 out=3000000
        moonshotai/Kimi-K2.5-fp4 in=500000 out=2800000 context=262144
        moonshotai/Kimi-K2.6 in=1200000 out=4500000 cached=200000 context=262144 most=262144
        moonshotai/Kimi-K2.7-Code in=950000 out=4000000 cached=190000 context=262144 most=262144
        moonshotai/Kimi-K3 in=3000000 out=15000000 cached=300000 context=1048576 most=1048576
        nvidia/Llama-3.1-Nemotron-70B-Instruct-HF in=880000 out=880000 context=32768 most=32768
        nvidia/NVIDIA-Nemotron-3.5-Super-VL in=150000 out=500000 cached=20000 context=262144 most=262144
        nvidia/NVIDIA-Nemotron-Nano-9B-v2 in=60000 out=250000 context=131072
        nvidia/nemotron-3-ultra-550b-a55b in=600000 out=3600000 cached=200000 context=512288 most=512288
        openai/gpt-oss-120b in=150000 out=600000 context=131072 most=131072
        openai/gpt-oss-20b in=50000 out=200000 context=131072 most=131072
        reflection/Beam-1.0-501B-A23B in=400000 out=1200000 cached=40000 context=1048576 most=1048576
        thinkingmachines/Inkling in=1000000 out=4050000 cached=170000 context=524288 most=524288
        together/Tev1-4B-experimental in=42000 out=0 context=32768
        zai-org/GLM-4.5-Air-FP8 in=200000 out=1100000 context=131072 most=131072
        zai-org/GLM-4.6 in=600000 out=2200000 context=202752 most=202752
        zai-org/GLM-4.7 in=450000 out=2000000 context=202752 most=202752
        zai-org/GLM-5 in=1000000 out=3200000 context=202752 most=202752
        zai-org/GLM-5.1 in=1400000 out=4400000 cached=260000 context=202752 most=202752
        zai-org/GLM-5.2 in=1400000 out=4400000 cached=260000 context=1048575 most=128000
        zai-org/GLM-5.3 in=1400000 out=4400000 cached=260000 context=1048575 most=128000
        zai-org/GLM-5.3-Flash in=150000 out=500000 cached=30000 context=1048575 most=128000
        """
}
