#!/usr/bin/env bash
# The figures, beside nginx. ROW=chat,stream picks rows, QUICK=1 is short, TURNPIKE=path measures another binary.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

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
need_packages "to measure" bench
[[ -z ${ROW:-} ]] || arguments+=(--row "$ROW")
[[ -z ${QUICK:-} ]] || arguments+=(--quick)
exec python3 Benchmarks/bench.py "${arguments[@]}" ${ARGS:-}
