// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let azure: StaticString = """
        @azure https://azure.microsoft.com/en-us/pricing/details/cognitive-services/openai-service/ 2026-11-21
        ada in=110000 out=0 context=8191
        apac/gpt-6.1-sol in=2400000 out=12000000 cached=120000 write=3000000 long=272000/200/150 context=922000 \
        most=128000
        apac/gpt-6.1-terra in=1200000 out=6000000 cached=60000 write=1500000 long=272000/200/150 context=922000 \
        most=128000
        chat-latest in=5000000 out=30000000 cached=500000 context=272000 most=128000
        codex-mini in=1500000 out=6000000 cached=375000 context=200000 most=100000
        command-r-plus in=3000000 out=15000000 context=128000 most=4096
        computer-use-preview in=3000000 out=12000000 context=8192 most=1024
        global-standard/gpt-4o-2024-08-06 in=2500000 out=10000000 cached=1250000 context=128000 most=16384
        global-standard/gpt-4o-2024-11-20 in=2500000 out=10000000 cached=1250000 context=128000 most=16384
        global-standard/gpt-4o-mini in=150000 out=600000 context=128000 most=16384
        gpt-3.5-turbo in=500000 out=1500000 context=4097 most=4096
        gpt-35-turbo in=500000 out=1500000 context=4097 most=4096
        gpt-35-turbo-16k in=3000000 out=4000000 context=16385 most=4096
        gpt-35-turbo-16k-0613 in=3000000 out=4000000 context=16385 most=4096
        gpt-4 in=30000000 out=60000000 context=8192 most=4096
        gpt-4-0125-preview in=10000000 out=30000000 context=128000 most=4096
        gpt-4-0613 in=30000000 out=60000000 context=8192 most=4096
        gpt-4-1106-preview in=10000000 out=30000000 context=128000 most=4096
        gpt-4-32k in=60000000 out=120000000 context=32768 most=4096
        gpt-4-32k-0613 in=60000000 out=120000000 context=32768 most=4096
        gpt-4-turbo in=11000000 out=33000000 context=128000 most=4096
        gpt-4-turbo-vision-preview in=11000000 out=33000000 context=128000 most=4096
        gpt-4.1 in=2000000 out=8000000 cached=500000 context=1047576 most=32768
        gpt-4.1-mini in=400000 out=1600000 cached=100000 context=1047576 most=32768
        gpt-4.1-nano in=100000 out=400000 cached=25000 context=1047576 most=32768
        gpt-4.5-preview in=75000000 out=150000000 cached=37500000 context=128000 most=16384
        gpt-4o in=2500000 out=10000000 cached=1250000 context=128000 most=16384
        gpt-4o-2024-05-13 in=5000000 out=15000000 context=128000 most=4096
        gpt-4o-audio-preview-2024-12-17 in=2500000 out=10000000 audio_in=40000000 audio_out=80000000 context=128000 \
        most=16384
        gpt-4o-mini in=150000 out=600000 cached=75000 context=128000 most=16384
        gpt-4o-mini-audio-preview-2024-12-17 in=150000 out=600000 audio_in=10000000 audio_out=20000000 context=128000 \
        most=16384
        gpt-4o-mini-transcribe in=1250000 out=5000000 audio_in=3000000 context=16000 most=2000
        gpt-4o-mini-tts in=600000 out=10000000 audio_out=12000000
        gpt-4o-transcribe in=2500000 out=10000000 audio_in=6000000 context=16000 most=2000
        gpt-4o-transcribe-diarize in=2500000 out=10000000 audio_in=6000000 context=16000 most=2000
        gpt-5 in=1250000 out=10000000 cached=125000 context=272000 most=128000
        gpt-5-chat in=1250000 out=10000000 cached=125000 context=128000 most=16384
        gpt-5-codex in=1250000 out=10000000 cached=125000 context=272000 most=128000
        gpt-5-mini in=250000 out=2000000 cached=25000 context=272000 most=128000
        gpt-5-nano in=50000 out=400000 cached=5000 context=272000 most=128000
        gpt-5-pro in=15000000 out=120000000 context=272000 most=128000
        gpt-5.1 in=1250000 out=10000000 cached=125000 context=272000 most=128000
        gpt-5.1-chat in=1250000 out=10000000 cached=125000 context=111616 most=16384
        gpt-5.1-codex in=1250000 out=10000000 cached=125000 context=272000 most=128000
        gpt-5.1-codex-max in=1250000 out=10000000 cached=125000 context=272000 most=128000
        gpt-5.1-codex-mini in=250000 out=2000000 cached=25000 context=272000 most=128000
        gpt-5.2 in=1750000 out=14000000 cached=175000 context=272000 most=128000
        gpt-5.2-chat in=1750000 out=14000000 cached=175000 context=111616 most=16384
        gpt-5.2-codex in=1750000 out=14000000 cached=175000 context=272000 most=128000
        gpt-5.2-pro in=21000000 out=168000000 context=272000 most=128000
        gpt-5.3-chat in=1750000 out=14000000 cached=175000 context=111616 most=16384
        gpt-5.3-codex in=1750000 out=14000000 cached=175000 context=272000 most=128000
        gpt-5.4 in=2500000 out=15000000 cached=250000 long=272000/200/150 context=922000 most=128000
        gpt-5.4-mini in=750000 out=4500000 cached=75000 context=272000 most=128000
        gpt-5.4-nano in=200000 out=1250000 cached=20000 context=272000 most=128000
        gpt-5.4-pro in=30000000 out=180000000 cached=3000000 long=272000/200/150 context=922000 most=128000
        gpt-5.5 in=5000000 out=30000000 cached=500000 long=272000/200/150 context=922000 most=128000
        gpt-5.5-pro in=30000000 out=180000000 cached=3000000 long=272000/200/150 context=1050000 most=128000
        gpt-5.6 in=4000000 out=20000000 cached=400000 write=5000000 long=272000/200/150 context=922000 most=128000
        gpt-5.6-luna in=200000 out=1200000 cached=20000 write=250000 long=272000/200/150 context=922000 most=128000
        gpt-5.6-sol in=4000000 out=20000000 cached=400000 write=5000000 long=272000/200/150 context=922000 most=128000
        gpt-5.6-terra in=2000000 out=12000000 cached=200000 write=2500000 long=272000/200/150 context=922000 \
        most=128000
        gpt-6-astra in=10000000 out=50000000 cached=1000000 write=12500000 long=272000/200/150 context=922000 \
        most=128000
        gpt-6-luna in=100000 out=500000 cached=10000 write=125000 long=272000/200/150 context=922000 most=128000
        gpt-6-sol in=2000000 out=10000000 cached=200000 write=2500000 long=272000/200/150 context=922000 most=128000
        gpt-6.1-sol in=2000000 out=10000000 cached=100000 write=2500000 long=272000/200/150 context=922000 most=128000
        gpt-6.1-terra in=1000000 out=5000000 cached=50000 write=1250000 long=272000/200/150 context=922000 most=128000
        gpt-audio in=2500000 out=10000000 audio_in=40000000 audio_out=80000000 context=128000 most=16384
        gpt-audio-1.5 in=2500000 out=10000000 audio_in=32000000 audio_out=64000000 context=128000 most=16384
        gpt-audio-mini in=600000 out=2400000 audio_in=10000000 audio_out=20000000 context=128000 most=16384
        gpt-chat-latest in=5000000 out=30000000 cached=500000 context=128000 most=128000
        gpt-image-1 in=5000000 cached=1250000 out=40000000
        gpt-image-1-mini in=2000000 cached=200000 out=8000000
        gpt-image-1.5 in=5000000 out=32000000 cached=1250000
        gpt-image-2 in=5000000 cached=1250000 out=30000000
        gpt-image-2.5-flare in=5000000 cached=1250000 out=30000000
        gpt-image-2.5-sunburst in=5000000 cached=1250000 out=30000000
        gpt-live-transcribe in=0 out=0 minute=17000 context=32000 most=4096
        gpt-realtime-whisper in=0 out=0 minute=17000 context=32000 most=4096
        gpt-transcribe in=0 out=0 minute=4500
        mistral-large-2402 in=8000000 out=24000000 context=32000 most=32000
        mistral-large-latest in=8000000 out=24000000 context=32000 most=32000
        model-router in=140000 out=0 context=200000 most=32768
        o1 in=15000000 out=60000000 cached=7500000 context=200000 most=100000
        o1-mini in=1100000 out=4400000 cached=550000 context=128000 most=65536
        o3 in=2000000 out=8000000 cached=500000 context=200000 most=100000
        o3-mini in=1100000 out=4400000 cached=550000 context=200000 most=100000
        o3-pro in=20000000 out=80000000 context=200000 most=100000
        o4-mini in=1100000 out=4400000 cached=275000 context=200000 most=100000
        speech/azure-stt in=0 out=0 minute=16667
        speech/azure-tts in=0 out=0 characters=15000000
        speech/azure-tts-hd in=0 out=0 characters=30000000
        text-embedding-3-large in=143000 out=0 context=8192
        text-embedding-3-small in=22000 out=0 context=8192
        text-embedding-ada-002 in=110000 out=0 context=8192
        tts-1 in=0 out=0 characters=15000000
        tts-1-hd in=0 out=0 characters=33000000
        us-gov/gpt-5.1 in=1718750 out=13750000 cached=171875 context=272000 most=128000
        us-gov/o3-mini in=1513000 out=6050000 cached=757000 context=200000 most=100000
        us-gov/text-embedding-3-large in=163000 out=0 context=8191
        us-gov/text-embedding-3-small in=25000 out=0 context=8191
        whisper in=0 out=0 minute=6000
        whisper-1 in=0 out=0 minute=6000
        """
}
