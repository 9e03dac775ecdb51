#!/usr/bin/env bash
# Kills a rotation of the encryption key at each of its writes, and looks whether every credential still opens.
# ROWS=N credentials; `make test` does the same with 20.
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
TURNPIKE_BINARY=$turnpike TURNPIKE_ROTATION_ROWS=${ROWS:-1000} exec .venv/bin/python -m pytest -q -s Tests/clients/test_rotation_kill.py
