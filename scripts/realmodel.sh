#!/usr/bin/env bash
# A real model behind the gateway: llama.cpp's server, compiled into an environment of its own the first time (minutes),
# with a tiny model of random weights that is made here; asked by the official SDKs.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

# Any machine's instructions, and nothing that could download models.
model_environment() {
    CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAMA_CURL=OFF" environment .venv-model Tests/clients/requirements-model.txt
}

prepare_client_tests
plan "the model's server"
step "the model's server" model_environment
TURNPIKE_BINARY=$turnpike TURNPIKE_MODEL_PYTHON=$repository/.venv-model/bin/python \
    exec .venv/bin/python -m pytest -q Tests/clients/real_model.py
