// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let cerebras: StaticString = """
        @cerebras https://www.cerebras.ai/pricing 2026-11-21
        gemma-4-31b in=990000 out=1490000 context=131072 most=40960
        gpt-oss-120b in=350000 out=750000 context=131072 most=32768
        llama-3.1-70b in=600000 out=600000 context=128000 most=128000
        llama-3.1-8b in=100000 out=100000 context=128000 most=128000
        llama-3.3-70b in=850000 out=1200000 context=128000 most=128000
        llama3.1-70b in=600000 out=600000 context=128000 most=128000
        llama3.1-8b in=100000 out=100000 context=128000 most=128000
        qwen-3-32b in=400000 out=800000 context=128000 most=128000
        qwen-3.8-27b in=990000 out=1490000 context=65536 most=32768
        """
}
