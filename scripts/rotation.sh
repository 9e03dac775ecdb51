#!/usr/bin/env bash
# Kills a rotation of the encryption key at each of its writes, and looks whether every credential still opens.
# ROWS=N credentials; `make test` does the same with 20.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

prepare_client_tests
TURNPIKE_BINARY=$turnpike TURNPIKE_ROTATION_ROWS=${ROWS:-1000} exec .venv/bin/python -m pytest -q -s Tests/clients/test_rotation_kill.py
