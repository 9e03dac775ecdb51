// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let moonshot: StaticString = """
        @moonshot https://platform.moonshot.ai/docs/pricing/chat 2026-11-21
        kimi-k2.5 in=600000 out=3000000 cached=100000 context=262144 most=262144
        kimi-k2.6 in=950000 out=4000000 cached=160000 context=262144 most=262144
        kimi-k2.7-code in=950000 out=4000000 cached=190000 context=262144 most=262144
        kimi-k3 in=3000000 out=15000000 cached=300000 context=1048576 most=1048576
        kimi-k3.1-pro in=2000000 out=10000000 cached=200000 context=1048576 most=1048576
        moonshot-v1-128k in=2000000 out=5000000 context=131072 most=131072
        moonshot-v1-128k-vision-preview in=2000000 out=5000000 context=131072 most=131072
        moonshot-v1-32k in=1000000 out=3000000 context=32768 most=32768
        moonshot-v1-32k-vision-preview in=1000000 out=3000000 context=32768 most=32768
        moonshot-v1-8k in=200000 out=2000000 context=8192 most=8192
        moonshot-v1-8k-vision-preview in=200000 out=2000000 context=8192 most=8192
        moonshot-v1-auto in=2000000 out=5000000 context=131072 most=131072
        """
}
