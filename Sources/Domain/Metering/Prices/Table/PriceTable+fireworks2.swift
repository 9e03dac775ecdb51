// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let fireworks2: StaticString = """
        @fireworks https://fireworks.ai/pricing 2026-11-21
        accounts/fireworks/models/qwen3-30b-a3b-instruct-2507 in=500000 out=500000 context=262144 most=262144
        accounts/fireworks/models/qwen3-30b-a3b-thinking-2507 in=900000 out=900000 context=262144 most=262144
        accounts/fireworks/models/qwen3-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/qwen3-4b in=200000 out=200000 context=40960 most=40960
        accounts/fireworks/models/qwen3-4b-instruct-2507 in=200000 out=200000 context=262144 most=262144
        accounts/fireworks/models/qwen3-8b in=200000 out=200000 context=40960 most=40960
        accounts/fireworks/models/qwen3-coder-30b-a3b-instruct in=150000 out=600000 context=262144 most=262144
        accounts/fireworks/models/qwen3-coder-480b-a35b-instruct in=450000 out=1800000 context=262144 most=262144
        accounts/fireworks/models/qwen3-coder-480b-instruct-bf16 in=900000 out=900000 context=262144 most=4096
        accounts/fireworks/models/qwen3-embedding-8b in=100000 out=0 context=40960
        accounts/fireworks/models/qwen3-next-80b-a3b-instruct in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/qwen3-next-80b-a3b-thinking in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/qwen3-reranker-8b in=200000 out=0 context=40960 most=40960
        accounts/fireworks/models/qwen3-vl-235b-a22b-instruct in=220000 out=880000 context=262144 most=262144
        accounts/fireworks/models/qwen3-vl-235b-a22b-thinking in=220000 out=880000 context=262144 most=262144
        accounts/fireworks/models/qwen3-vl-30b-a3b-instruct in=150000 out=600000 context=262144 most=262144
        accounts/fireworks/models/qwen3-vl-30b-a3b-thinking in=150000 out=600000 context=262144 most=262144
        accounts/fireworks/models/qwen3-vl-32b-instruct in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/qwen3-vl-8b-instruct in=200000 out=200000 context=262144 most=4096
        accounts/fireworks/models/qwen3p7-plus in=400000 out=1600000 cached=80000 context=262144 most=65536
        accounts/fireworks/models/qwen3p8-max in=2000000 out=6000000 cached=250000 context=262144
        accounts/fireworks/models/qwq-32b in=900000 out=900000 context=131072 most=131072
        accounts/fireworks/models/rolm-ocr in=200000 out=200000 context=128000 most=128000
        accounts/fireworks/models/snorkel-mistral-7b-pairrm-dpo in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/stable-diffusion-xl-1024-v1-0 in=130 out=130 context=4096 most=4096
        accounts/fireworks/models/stablecode-3b in=100000 out=100000 context=4096 most=4096
        accounts/fireworks/models/starcoder-16b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/starcoder-7b in=200000 out=200000 context=8192 most=8192
        accounts/fireworks/models/starcoder2-15b in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/starcoder2-3b in=100000 out=100000 context=16384 most=16384
        accounts/fireworks/models/starcoder2-7b in=200000 out=200000 context=16384 most=16384
        accounts/fireworks/models/toppy-m-7b in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/models/ultramarine-1-flash-us in=225000 out=750000 cached=45000 context=1048576 most=1048576
        accounts/fireworks/models/yi-34b in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/yi-34b-200k-capybara in=900000 out=900000 context=200000 most=200000
        accounts/fireworks/models/yi-34b-chat in=900000 out=900000 context=4096 most=4096
        accounts/fireworks/models/yi-6b in=200000 out=200000 context=4096 most=4096
        accounts/fireworks/models/yi-large in=3000000 out=3000000 context=32768 most=32768
        accounts/fireworks/models/zephyr-7b-beta in=200000 out=200000 context=32768 most=32768
        accounts/fireworks/routers/deepseek-v4p1-flash-1017-spot in=210000 out=840000 cached=4200 context=1048576 \
        most=393216
        accounts/fireworks/routers/deepseek-v4p1-flash-spot in=210000 out=840000 cached=4200 context=1048576 \
        most=393216
        accounts/fireworks/routers/deepseek-v4p1-flash-us in=450000 out=1800000 cached=9000 context=1048576 most=393216
        accounts/fireworks/routers/glm-5p1-fast in=2800000 out=8800000 cached=520000 context=202800 most=131072
        accounts/fireworks/routers/glm-5p2-fast in=2100000 out=6600000 cached=210000 context=1048576 most=131072
        accounts/fireworks/routers/glm-5p2-fast-us in=2100000 out=6600000 cached=210000 context=1048576 most=131072
        accounts/fireworks/routers/glm-5p3-fast in=2100000 out=6600000 cached=390000 context=1048576 most=1048576
        accounts/fireworks/routers/glm-5p3-flash-us in=225000 out=750000 cached=45000 context=1048576 most=1048576
        accounts/fireworks/routers/glm-5p3-spot in=980000 out=3080000 cached=182000 context=1048576 most=128000
        accounts/fireworks/routers/glm-5p3-us in=2100000 out=6600000 cached=390000 context=1048576 most=128000
        accounts/fireworks/routers/kimi-k2p6-fast in=2000000 out=8000000 cached=300000 context=262144 most=32768
        accounts/fireworks/routers/kimi-k2p7-code-fast in=1900000 out=8000000 cached=380000 context=262144 most=32768
        accounts/fireworks/routers/kimi-k3-fast in=4500000 out=22500000 cached=450000 context=1048576 most=131072
        accounts/fireworks/routers/kimi-k3-spot in=2100000 out=10500000 cached=210000 context=1048576 most=131072
        accounts/fireworks/routers/kimi-k3-us in=4500000 out=22500000 cached=450000 context=1048576 most=131072
        accounts/fireworks/routers/spot-deepseek-v4-flash in=105000 out=210000 cached=21000 context=1048576 most=384000
        deepseek-v4p1-flash-us in=450000 out=1800000 cached=9000 context=1048576 most=393216
        glm-5p1-fast in=2800000 out=8800000 cached=520000 context=202800 most=131072
        glm-5p2-fast in=2100000 out=6600000 cached=210000 context=1048576 most=131072
        glm-5p2-fast-us in=2100000 out=6600000 cached=210000 context=1048576 most=131072
        glm-5p3-fast in=2100000 out=6600000 cached=390000 context=1048576 most=1048576
        glm-5p3-flash-us in=225000 out=750000 cached=45000 context=1048576 most=1048576
        glm-5p3-us in=2100000 out=6600000 cached=390000 context=1048576 most=128000
        kimi-k2p6-fast in=2000000 out=8000000 cached=300000 context=262144 most=32768
        kimi-k2p7-code-fast in=1900000 out=8000000 cached=380000 context=262144 most=32768
        kimi-k3-fast in=4500000 out=22500000 cached=450000 context=1048576 most=131072
        kimi-k3-us in=4500000 out=22500000 cached=450000 context=1048576 most=131072
        nomic-ai/nomic-embed-text-v1 in=8000 out=0 context=8192
        nomic-ai/nomic-embed-text-v1.5 in=8000 out=0 context=8192
        thenlper/gte-base in=8000 out=0 context=512
        thenlper/gte-large in=16000 out=0 context=512
        """
}
