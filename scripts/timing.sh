#!/usr/bin/env bash
# Whether the time of a refusal tells what is wrong with a gateway key. SAMPLES=N takes fewer or more of each class.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

if ! release_is_fresh; then
    need_packages "to build" run
    need_swift
    plan "release build"
    step "release build" build_release
    mark_release
fi
exec python3 Benchmarks/timing.py --turnpike "$turnpike" --samples "${SAMPLES:-100000}"
