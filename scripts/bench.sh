#!/usr/bin/env bash
# The figures, beside nginx. ROW=chat,stream picks rows, QUICK=1 is short, TURNPIKE=path measures another binary.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

# Journal and ledger without sockets, built as the gateway is. The target is there only when it is asked for.
metering=$repository/.build/release/MeteringBench
metering_is_fresh() {
    [[ -x $metering && -z $(find Package.swift Sources Benchmarks/Metering scripts/release.sh -newer "$metering" -print -quit) ]]
}
build_metering() { TURNPIKE_BENCH=1 swift build "${release_flags[@]/#turnpike/MeteringBench}" && touch "$metering"; }
needs_metering() { [[ -z ${ROW:-} || ,$ROW, =~ ,(settle|recovery|report), ]]; }

arguments=()
if [[ -n ${TURNPIKE:-} ]]; then
    arguments+=(--turnpike "$TURNPIKE")
else
    need_packages "to build and measure" run bench
    need_swift
    if ! release_is_fresh; then
        plan "release build"
        step "release build" build_release
        mark_release
    fi
    arguments+=(--turnpike "$turnpike")
fi
if needs_metering && ! metering_is_fresh; then
    need_packages "to build and measure" run bench
    need_swift
    plan "build of MeteringBench"
    step "build of MeteringBench" build_metering
fi
need_packages "to measure" bench
[[ -z ${ROW:-} ]] || arguments+=(--row "$ROW")
[[ -z ${QUICK:-} ]] || arguments+=(--quick)
exec python3 Benchmarks/bench.py "${arguments[@]}" ${ARGS:-}
