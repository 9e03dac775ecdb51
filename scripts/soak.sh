#!/usr/bin/env bash
# Calls for SOAK_SECONDS (600) over providers that fail in turn; prints what became of them and how memory grew.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

need_packages "to test" run test
steps=("python environments")
release_is_fresh || steps+=("release build")
plan "${steps[@]}"
step "python environments" python_environments
if ! release_is_fresh; then
    need_swift
    step "release build" build_release
    mark_release
fi
TURNPIKE_BINARY=$turnpike TURNPIKE_SOAK_SECONDS=${SOAK_SECONDS:-600} exec .venv/bin/python -m pytest -q -s Tests/clients/test_soak.py
