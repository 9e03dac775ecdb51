// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let anthropic: StaticString = """
        @anthropic https://platform.claude.com/docs/en/about-claude/pricing 2026-11-21
        claude-fable-5 in=10000000 out=50000000 cached=1000000 write=12500000 context=1000000 most=128000
        claude-fable-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 most=128000
        claude-haiku-4-5 in=1000000 out=5000000 cached=100000 write=1250000 context=200000 most=64000
        claude-haiku-5-5 in=100000 out=500000 cached=10000 write=125000 long=100000/500/500 context=1000000 most=128000
        claude-mythos-5 in=10000000 out=50000000 cached=1000000 write=12500000 context=1000000 most=128000
        claude-mythos-5-1 in=10000000 out=50000000 cached=250000 write=12500000 context=1000000 most=128000
        claude-mythos-preview in=10000000 out=50000000 cached=1000000 write=12500000 context=1000000 most=128000
        claude-opus-4-5 in=5000000 out=25000000 cached=500000 write=6250000 context=200000 most=64000
        claude-opus-4-6 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        claude-opus-4-7 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        claude-opus-4-8 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        claude-opus-5 in=5000000 out=25000000 cached=500000 write=6250000 context=1000000 most=128000
        claude-opus-5-5 in=4000000 out=20000000 cached=200000 write=5000000 context=1000000 most=128000
        claude-sonnet-4-5 in=3000000 out=15000000 cached=300000 write=3750000 context=200000 most=64000
        claude-sonnet-4-6 in=3000000 out=15000000 cached=300000 write=3750000 context=1000000 most=128000
        claude-sonnet-5 in=2000000 out=10000000 cached=200000 write=2500000 context=1000000 most=128000
        claude-sonnet-5-5 in=2000000 out=10000000 cached=100000 write=2500000 context=1000000 most=128000
        """
}
