// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let bedrock2: StaticString = """
        @bedrock https://aws.amazon.com/bedrock/pricing/ 2026-11-21
        us.meta.llama4-maverick-17b-instruct-v1:0 in=240000 out=970000 context=1000000 most=8192
        us.meta.llama4-scout-17b-instruct-v1:0 in=170000 out=660000 context=10000000 most=8192
        us.mistral.pixtral-large-2502-v1:0 in=2000000 out=6000000 context=128000 most=16384
        us.moonshotai.kimi-k3 in=3300000 out=16500000 cached=330000 write=4125000 context=1000000 most=131072
        us.openai.gpt-5.4 in=2750000 out=16500000 cached=275000 long=272000/200/150 context=922000 most=128000
        us.openai.gpt-5.5 in=5500000 out=33000000 cached=550000 long=272000/200/150 context=922000 most=128000
        us.openai.gpt-5.6-luna in=220000 out=1320000 cached=22000 write=275000 long=272000/200/150 context=922000 \
        most=128000
        us.openai.gpt-5.6-sol in=4400000 out=22000000 cached=440000 write=5500000 long=272000/200/150 context=922000 \
        most=128000
        us.openai.gpt-5.6-terra in=2200000 out=13200000 cached=220000 write=2750000 long=272000/200/150 context=922000 \
        most=128000
        us.openai.gpt-6-astra in=11000000 out=55000000 cached=1100000 write=13750000 long=272000/200/150 \
        context=922000 most=128000
        us.openai.gpt-6-luna in=110000 out=550000 cached=11000 write=137500 long=272000/200/150 context=922000 \
        most=128000
        us.openai.gpt-6-sol in=2200000 out=11000000 cached=220000 write=2750000 long=272000/200/150 context=922000 \
        most=128000
        us.openai.gpt-6.1-sol in=2200000 out=11000000 cached=110000 write=2750000 long=272000/200/150 context=1000000 \
        most=131072
        us.openai.gpt-6.1-terra in=1100000 out=5500000 cached=55000 write=1375000 long=272000/200/150 context=922000 \
        most=128000
        us.twelvelabs.marengo-embed-2-7-v1:0 out=0 in=0 request=70 context=77
        us.twelvelabs.marengo-embed-3-0-v1:0 out=0 in=0 request=70 context=500
        us.twelvelabs.pegasus-1-2-v1:0 out=7500000 in=0
        us.twelvelabs.pegasus-1-5-v1:0 out=7500000 in=0 context=261120 most=98304
        us.writer.palmyra-x4-v1:0 in=2500000 out=10000000 context=128000 most=8192
        us.writer.palmyra-x5-v1:0 in=600000 out=6000000 context=128000 most=8192
        us.xai.grok-4.6 in=2200000 out=6600000 cached=550000 context=500000 most=500000
        us.xai.grok-4.7 in=2200000 out=6600000 cached=550000 context=524288 most=524288
        us.zai.glm-5.3 in=1848000 out=5808000 cached=343200 write=2310000 context=1000000 most=128000
        writer.palmyra-vision-7b in=150000 out=600000 context=4096 most=4096
        writer.palmyra-x4-v1:0 in=2500000 out=10000000 context=128000 most=8192
        writer.palmyra-x5-v1:0 in=600000 out=6000000 context=128000 most=8192
        zai.glm-4.7 in=600000 out=2200000 context=203000 most=128000
        zai.glm-4.7-flash in=70000 out=400000 context=203000 most=128000
        zai.glm-5 in=1000000 out=3200000 context=200000 most=128000
        """
}
