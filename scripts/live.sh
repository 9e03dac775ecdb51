#!/usr/bin/env bash
# Real calls to the providers whose keys are in the environment, through a gateway started for the purpose.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

if ! release_is_fresh; then
    need_packages "to build" run
    need_swift
    plan "release build"
    step "release build" build_release
    mark_release
fi
exec python3 scripts/live.py --turnpike "$turnpike"
