// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let cohere: StaticString = """
        @cohere https://cohere.com/pricing 2026-11-21
        c4ai-aya-expanse-32b in=500000 out=1500000 context=128000 most=4000
        command-a-03-2025 in=2500000 out=10000000 context=256000 most=8000
        command-nightly in=1000000 out=2000000 context=4096 most=4096
        command-r-08-2024 in=150000 out=600000 context=128000 most=4096
        command-r-plus-08-2024 in=2500000 out=10000000 context=128000 most=4096
        command-r7b-12-2024 in=37500 out=150000 context=128000 most=4096
        embed-english-light-v3.0 in=100000 out=0 context=512
        embed-english-v3.0 in=100000 out=0 context=512
        embed-multilingual-light-v3.0 in=100000000 out=0 context=512
        embed-multilingual-v3.0 in=100000 out=0 context=512
        embed-v4.0 in=120000 out=0 context=128000
        embed-v5.0-fast in=80000 out=0 context=128000
        embed-v5.0-pro in=120000 out=0 context=128000
        rerank-english-v3.0 in=0 out=0 searches=2000000 context=4096 most=4096
        rerank-multilingual-v3.0 in=0 out=0 searches=2000000 context=4096 most=4096
        rerank-v3.5 in=0 out=0 searches=2000000 context=4096 most=4096
        rerank-v4.0-fast in=0 out=0 searches=2000000 context=32768 most=32768
        rerank-v4.0-pro in=0 out=0 searches=2500000 context=32768 most=32768
        rerank-v5.0-fast in=20000 out=0 context=32768 most=32768
        rerank-v5.0-pro in=50000 out=0 context=32768 most=32768
        """
}
