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
prepare_client_tests
export TURNPIKE_BINARY=$turnpike TURNPIKE_LEDGER_LOOPS=${LOOPS:-2000} TURNPIKE_LEDGER_FAULTS=${FAULTS:-300}
export TURNPIKE_LEDGER_CALLS=${CALLS:-1000000}
files=("${files[@]/#/Tests/clients/test_ledger_}")
exec .venv/bin/python -m pytest -q -s "${files[@]/%/.py}"
