#!/usr/bin/env bash
# Kills the gateway LOOPS times in the midst of a storm of calls and at FAULTS writes in turn, sends CALLS through it in
# peace, and holds its ledger against what the provider saw. `make test` does the same with less of each.
# ONLY=kill|faults|million runs one part.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

case ${ONLY:-all} in
    all) files=(kill faults million) ;;
    kill | faults | million) files=("$ONLY") ;;
    *) fail "ONLY is one of kill, faults, million; it is '$ONLY'" ;;
esac
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
export TURNPIKE_BINARY=$turnpike TURNPIKE_LEDGER_LOOPS=${LOOPS:-2000} TURNPIKE_LEDGER_FAULTS=${FAULTS:-300}
export TURNPIKE_LEDGER_CALLS=${CALLS:-1000000}
files=("${files[@]/#/Tests/clients/test_ledger_}")
exec .venv/bin/python -m pytest -q -s "${files[@]/%/.py}"
