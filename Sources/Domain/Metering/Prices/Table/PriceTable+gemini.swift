// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let gemini: StaticString = """
        @gemini https://ai.google.dev/gemini-api/docs/pricing 2026-11-21
        deep-research-max-preview-04-2026 in=2000000 out=12000000 request=35000 context=1048576 most=65536
        deep-research-preview-04-2026 in=2000000 out=12000000 request=35000 context=1048576 most=65536
        deep-research-pro-preview-12-2025 in=2000000 out=12000000 request=35000 context=1048576 most=65536
        gemini-2.0-flash-exp-image-generation in=0 out=0 image=39000 context=32768 most=32768
        gemini-2.5-computer-use-preview-10-2025 in=1250000 out=10000000 long=200000/200/150 context=128000 most=64000
        gemini-2.5-flash in=300000 out=2500000 cached=30000 audio_in=1000000 context=1048576 most=65536
        gemini-2.5-flash-image in=300000 out=30000000 cached=30000 reasoning=2500000 audio_in=1000000 context=65536 \
        most=32768
        gemini-2.5-flash-lite in=100000 out=400000 cached=10000 audio_in=300000 context=1048576 most=65536
        gemini-2.5-flash-preview-tts in=500000 out=10000000 context=8192 most=16384
        gemini-2.5-pro in=1250000 out=10000000 cached=125000 long=200000/200/150 context=1048576 most=65536
        gemini-2.5-pro-preview-tts in=1000000 out=20000000 cached=125000 audio_in=700000 context=8192 most=16384
        gemini-3-flash-preview in=500000 out=3000000 cached=50000 audio_in=1000000 context=1048576 most=65536
        gemini-3-pro-image in=2000000 out=120000000 context=65536 most=32768
        gemini-3-pro-image-preview in=2000000 out=120000000 context=131072 most=32768
        gemini-3.1-flash-image in=500000 out=60000000 context=131072 most=32768
        gemini-3.1-flash-image-preview in=500000 out=60000000 context=65536 most=65536
        gemini-3.1-flash-lite in=250000 out=1500000 cached=25000 audio_in=500000 context=1048576 most=65536
        gemini-3.1-flash-lite-image in=250000 out=30000000 context=65536 most=4096
        gemini-3.1-flash-lite-preview in=250000 out=1500000 cached=25000 audio_in=500000 context=1048576 most=65536
        gemini-3.1-flash-tts-preview in=1000000 out=20000000 context=8192 most=16384
        gemini-3.1-pro-preview in=2000000 out=12000000 cached=200000 long=200000/200/150 context=1048576 most=65536
        gemini-3.1-pro-preview-customtools in=2000000 out=12000000 cached=200000 long=200000/200/150 context=1048576 \
        most=65536
        gemini-3.5-flash in=1500000 out=9000000 cached=150000 context=1048576 most=65536
        gemini-3.5-flash-lite in=300000 out=2500000 cached=30000 context=1048576 most=65536
        gemini-3.5-transcribe in=2000000 out=12000000 context=98304 most=32768
        gemini-3.5-transcribe-live in=3500000 out=21000000 context=131072 most=65536
        gemini-3.6-flash in=750000 out=3750000 cached=75000 context=1048576 most=65536
        gemini-3.7-flash in=750000 out=3750000 cached=75000 context=1048576 most=65536
        gemini-3.8-flash in=750000 out=3750000 cached=75000 context=1048576 most=65536
        gemini-3.8-flash-lite-tts in=500000 out=6000000 cached=125000 context=8192 most=16384
        gemini-3.8-flash-tts in=500000 out=9000000 cached=125000 context=8192 most=16384
        gemini-4-argon in=2000000 out=10000000 cached=100000 context=1048576 most=1048576
        gemini-embedding-001 in=150000 out=0 context=2048
        gemini-embedding-2 in=200000 out=0 audio_in=6500000 context=8192
        gemini-embedding-2-preview in=200000 out=0 audio_in=6500000 context=8192
        gemini-exp-1206 in=300000 out=2500000 cached=30000 audio_in=1000000 context=1048576 most=65535
        gemini-flash-latest in=750000 out=3750000 cached=75000 context=1048576 most=65536
        gemini-flash-lite-latest in=300000 out=2500000 cached=30000 context=1048576 most=65536
        gemini-gemma-2-27b-it in=350000 out=1050000 context=8192 most=8192
        gemini-gemma-2-9b-it in=350000 out=1050000 context=8192 most=8192
        gemini-nano-banana-2.1 in=1500000 out=30000000 context=131072 most=32768
        gemini-omni-1.1-flash in=1500000 out=9000000 context=1048576 most=65536
        gemini-omni-flash-preview in=1500000 out=9000000 context=131072 most=65536
        gemini-pro-latest in=2000000 out=12000000 cached=200000 long=200000/200/150 context=1048576 most=65536
        gemini-robotics-er-2-preview in=1000000 out=5000000 cached=100000 context=131072 most=65536
        gemini-robotics-er-2-streaming-preview in=1000000 out=5000000 context=131072 most=65536
        imagen-3.0-fast-generate-001 in=0 out=0 image=20000
        imagen-3.0-generate-001 in=0 out=0 image=40000
        lyria-3-clip-preview in=0 out=0 image=40000 context=131072 most=8192
        lyria-3-pro-preview in=0 out=0 image=80000 context=131072 most=8192
        lyria-3.5 in=0 out=0 image=80000 context=131072 most=65536
        lyria-3.5-clip-preview in=0 out=0 image=40000 context=131072 most=8192
        lyria-3.5-pro-preview in=0 out=0 image=80000 context=131072 most=8192
        lyria-realtime-exp in=0 out=0 image=80000 context=1048576 most=65536
        nano-banana-pro-preview in=2000000 out=120000000 context=131072 most=32768
        """
}
