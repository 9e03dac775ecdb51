// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let groq: StaticString = """
        @groq https://groq.com/pricing 2026-11-21
        canopylabs/orpheus-arabic-saudi in=0 out=0 characters=40000000 context=4000 most=50000
        canopylabs/orpheus-v1-english in=0 out=0 characters=22000000 context=4000 most=50000
        llama-guard-3-8b in=200000 out=200000 context=8192 most=8192
        meta-llama/llama-prompt-guard-2-22m in=30000 out=30000 context=512 most=512
        meta-llama/llama-prompt-guard-2-86m in=40000 out=40000 context=512 most=512
        openai/gpt-oss-120b in=150000 out=600000 cached=75000 context=131072 most=65536
        openai/gpt-oss-20b in=75000 out=300000 cached=37500 context=131072 most=65536
        openai/gpt-oss-safeguard-20b in=75000 out=300000 cached=37000 context=131072 most=65536
        qwen/qwen3.8-27b in=800000 out=4000000 context=131072 most=16384
        whisper-large-v3 in=0 out=0 minute=1850
        whisper-large-v3-turbo in=0 out=0 minute=667
        """
}
