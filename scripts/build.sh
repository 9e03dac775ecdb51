#!/usr/bin/env bash
# Builds the release binary, .build/release/turnpike, and skips even asking SwiftPM when nothing has changed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

if release_is_fresh; then
    say "$turnpike is up to date."
    exit 0
fi
need_packages "to build" run
need_swift
plan "release build"
step "release build" build_release
mark_release
say "Built $turnpike"
