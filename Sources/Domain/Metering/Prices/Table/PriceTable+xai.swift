// Made by scripts/prices.py; the words are explained at PriceTable.

extension PriceTable {
    static let xai: StaticString = """
        @xai https://docs.x.ai/docs/models 2026-11-21
        grok-4.20 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-0309 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-0309-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-0309-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-beta in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-beta-0309 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-beta-0309-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-beta-0309-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-beta-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-beta-latest-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-beta-latest-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-beta-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-beta-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-experimental-beta-0304 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-experimental-beta-0304-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-experimental-beta-0304-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-experimental-beta-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-experimental-beta-non-reasoning-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-experimental-beta-reasoning-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-multi-agent in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-multi-agent-0309 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-multi-agent-beta-0309 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-multi-agent-beta-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-multi-agent-experimental-beta-0304 in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-multi-agent-experimental-beta-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 \
        context=1000000 most=1000000
        grok-4.20-multi-agent-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-non-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-non-reasoning-gv2 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-non-reasoning-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.20-reasoning in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-reasoning-gv2 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.20-reasoning-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 \
        most=1000000
        grok-4.3 in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.3-latest in=1250000 out=2500000 cached=200000 long=200000/200/200 context=1000000 most=1000000
        grok-4.5 in=2000000 out=6000000 cached=300000 long=200000/200/200 context=500000 most=500000
        grok-4.5-latest in=2000000 out=6000000 cached=300000 long=200000/200/200 context=500000 most=500000
        grok-4.6 in=2000000 out=6000000 cached=500000 long=200000/200/200 context=500000 most=500000
        grok-4.7 in=2000000 out=6000000 cached=500000 long=200000/200/200 context=500000 most=500000
        grok-build-0.1 in=1000000 out=2000000 cached=200000 long=200000/200/200 context=256000 most=256000
        grok-build-latest in=2000000 out=6000000 cached=300000 long=200000/200/200 context=500000 most=500000
        grok-code-fast in=1000000 out=2000000 cached=200000 long=200000/200/200 context=256000 most=256000
        grok-code-fast-1 in=1000000 out=2000000 cached=200000 long=200000/200/200 context=256000 most=256000
        grok-code-fast-1-0825 in=1000000 out=2000000 cached=200000 long=200000/200/200 context=256000 most=256000
        grok-voice-transcribe-1.0 in=0 out=0 minute=1667
        grok-voice-transcribe-2.0 in=0 out=0 minute=1667
        """
}
