// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let mistral: StaticString = """
        @mistral https://mistral.ai/pricing 2026-11-21
        codestral-2508 in=300000 out=900000 cached=30000 context=128000 most=128000
        codestral-embed in=150000 cached=15000 out=0 context=8192
        codestral-embed-2505 in=150000 cached=15000 out=0 context=8192
        codestral-latest in=300000 out=900000 cached=30000 context=128000 most=128000
        codestral-mamba-latest in=250000 out=250000 cached=25000 context=256000 most=256000
        deepseek-v4-1-flash-1017 in=300000 out=1200000 cached=7000 context=1048576 most=131072
        devstral-latest in=400000 out=2000000 cached=40000 context=256000 most=256000
        devstral-medium-latest in=400000 out=2000000 cached=40000 context=256000 most=256000
        devstral-small-latest in=100000 out=300000 cached=10000 context=256000 most=256000
        glm-5-2 in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        magistral-medium-latest in=1500000 out=7500000 cached=150000 context=262144 most=262144
        magistral-small-latest in=150000 out=600000 cached=15000 context=262144 most=262144
        ministral-14b-2512 in=200000 out=200000 cached=20000 context=262144 most=262144
        ministral-14b-latest in=200000 out=200000 cached=20000 context=262144 most=262144
        ministral-3-14b-2512 in=200000 out=200000 cached=20000 context=262144 most=262144
        ministral-3-3b-2512 in=100000 out=100000 cached=10000 context=131072 most=131072
        ministral-3-8b-2512 in=150000 out=150000 cached=15000 context=262144 most=262144
        ministral-3b-2512 in=100000 out=100000 cached=10000 context=131072 most=131072
        ministral-3b-latest in=100000 out=100000 cached=10000 context=131072 most=131072
        ministral-8b-2512 in=150000 out=150000 cached=15000 context=262144 most=262144
        ministral-8b-latest in=150000 out=150000 cached=15000 context=262144 most=262144
        mistral-code-agent-latest in=400000 out=2000000 cached=40000 context=256000 most=256000
        mistral-code-fim-latest in=300000 out=900000 cached=30000 context=128000 most=128000
        mistral-code-latest in=300000 out=900000 cached=30000 context=128000 most=128000
        mistral-embed in=100000 out=0 context=8192
        mistral-embed-2312 in=100000 out=0 context=8192
        mistral-large-2512 in=500000 out=1500000 cached=50000 context=262144 most=262144
        mistral-large-3 in=500000 out=1500000 cached=50000 context=262144 most=262144
        mistral-large-4 in=1360000 out=4180000 cached=140000 context=1048576 most=1048576
        mistral-large-4-0 in=1360000 out=4180000 cached=140000 context=1048576 most=1048576
        mistral-large-latest in=500000 out=1500000 cached=50000 context=262144 most=262144
        mistral-medium in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-medium-2604 in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-medium-3 in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-medium-3-5 in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-medium-3.5 in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-medium-latest in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-small in=100000 out=300000 cached=10000 context=32000 most=8191
        mistral-small-2603 in=150000 out=600000 cached=15000 context=262144 most=262144
        mistral-small-latest in=150000 out=600000 cached=15000 context=262144 most=262144
        mistral-tiny in=250000 out=250000 cached=25000 context=32000 most=8191
        mistral-vibe-cli-fast in=150000 out=600000 cached=15000 context=262144 most=262144
        mistral-vibe-cli-latest in=1500000 out=7500000 cached=150000 context=262144 most=262144
        mistral-vibe-cli-with-tools in=1500000 out=7500000 cached=150000 context=262144 most=262144
        open-mistral-nemo in=300000 out=300000 cached=30000 context=128000 most=128000
        pixtral-large-latest in=2000000 out=6000000 cached=200000 context=128000 most=128000
        voxtral-mini-2602 in=0 out=0 minute=3000
        voxtral-mini-latest in=0 out=0 minute=3000
        voxtral-mini-realtime-2602 in=0 out=0 minute=6000
        voxtral-mini-realtime-latest in=0 out=0 minute=6000
        voxtral-mini-transcribe-3 in=0 out=0 minute=3500
        voxtral-mini-transcribe-3-0 in=0 out=0 minute=3500
        voxtral-mini-transcribe-realtime-2602 in=0 out=0 minute=6000
        voxtral-mini-transcribe-realtime-3 in=0 out=0 minute=8000
        voxtral-mini-transcribe-realtime-3-0 in=0 out=0 minute=8000
        voxtral-mini-transcribe-realtime-latest in=0 out=0 minute=6000
        voxtral-mini-tts-2603 in=0 out=0 characters=16000000
        voxtral-mini-tts-3 in=0 out=0 characters=13000000
        voxtral-mini-tts-3-0 in=0 out=0 characters=13000000
        voxtral-mini-tts-latest in=0 out=0 characters=16000000
        voxtral-small-2507 in=100000 out=400000 cached=10000 context=32768 most=32768
        voxtral-small-latest in=100000 out=400000 cached=10000 context=32768 most=32768
        voxtral-small-transcribe-3 in=0 out=0 minute=4000
        voxtral-small-transcribe-3-0 in=0 out=0 minute=4000
        zai-glm-5 in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        zai-glm-5-2 in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        zai-glm-5-3 in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        zai-glm-5-3-flash in=150000 out=500000 cached=30000 context=1048576 most=131072
        zai-glm-latest in=1400000 out=4400000 cached=140000 context=1048576 most=131072
        """
}
