#!/usr/bin/env bash
# Calls for SOAK_SECONDS (600) over providers that fail in turn; prints what became of them and how memory grew.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

prepare_client_tests
TURNPIKE_BINARY=$turnpike TURNPIKE_SOAK_SECONDS=${SOAK_SECONDS:-600} exec .venv/bin/python -m pytest -q -s Tests/clients/test_soak.py
