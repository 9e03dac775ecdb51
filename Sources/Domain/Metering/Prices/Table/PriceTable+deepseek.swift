// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let deepseek: StaticString = """
        @deepseek https://api-docs.deepseek.com/quick_start/pricing 2026-11-21
        deepseek-chat in=280000 out=420000 cached=28000 write=0 context=131072 most=8192
        deepseek-coder in=140000 out=280000 cached=14000 context=128000 most=4096
        deepseek-flash in=300000 out=1200000 cached=6000 write=0 context=1000000 most=393216
        deepseek-r1 in=550000 out=2190000 cached=140000 context=65536 most=8192
        deepseek-reasoner in=280000 out=420000 cached=28000 context=131072 most=65536
        deepseek-v3 in=270000 out=1100000 cached=70000 write=0 context=65536 most=8192
        deepseek-v3.2 in=280000 out=400000 cached=28000 context=163840 most=163840
        deepseek-v4-flash in=300000 out=1200000 cached=6000 write=0 context=1000000 most=393216
        deepseek-v4-flash-vision-exp in=300000 out=1200000 cached=6000 write=0 context=1000000 most=393216
        deepseek-v4-pro in=1320000 out=3960000 cached=44000 write=0 context=1000000 most=393216
        """
}
