#!/usr/bin/env bash
# Rewrites what is generated: docs from the settings table and the error table, and the golden files of the tests.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

need_packages "to build" run
need_swift
steps=("generated docs")
release_is_fresh || steps=("release build" "${steps[@]}")
steps+=("golden files")
plan "${steps[@]}"
if ! release_is_fresh; then
    step "release build" build_release
    mark_release
fi
step "generated docs" "$turnpike" docs --write docs
step "golden files" env TURNPIKE_GOLDEN=write swift test --filter "GoldenTableTests|LossTableTests|ErrorGoldenTests"
git --no-pager diff --stat -- docs Tests
