# shellcheck shell=bash disable=SC2034,SC2154
# Virtual environments with the official SDKs, pinned. Sourced after lib.sh.
# .venv has the current SDKs, .venv-openai1 and .venv-anthropic0 old ones: people do not upgrade their clients when we do.
# .venv-mcp1 and .venv-mcp2 have the MCP SDKs of both generations.
# .venv-agents has frameworks that want other versions of them.
# .venv-keys has what stands in for AWS and for an identity provider in the Swift tests.

# environment FOLDER REQUIREMENTS: made or brought up to date only if the requirements changed.
environment() {
    local folder=$1 requirements=$2
    if cmp -s "$requirements" "$folder/installed.txt"; then return 0; fi
    rm -rf "$folder"
    python3 -m venv "$folder" \
        && "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" \
        && cp "$requirements" "$folder/installed.txt"
}

python_environments() {
    environment .venv Tests/clients/requirements.txt \
        && environment .venv-openai1 Tests/clients/requirements-openai1.txt \
        && environment .venv-anthropic0 Tests/clients/requirements-anthropic0.txt \
        && environment .venv-agents Tests/clients/requirements-agents.txt \
        && environment .venv-mcp1 Tests/clients/requirements-mcp1.txt \
        && environment .venv-mcp2 Tests/clients/requirements-mcp2.txt \
        && environment .venv-keys Tests/Fixtures/servers/requirements.txt
}

# What a target needs that runs some of the client tests by itself: their Python, and a release binary of now.
# After lib.sh and release.sh.
prepare_client_tests() {
    need_packages "to test" run test
    local steps=("python environments")
    release_is_fresh || steps+=("release build")
    plan "${steps[@]}"
    step "python environments" python_environments
    if ! release_is_fresh; then
        need_swift
        step "release build" build_release
        mark_release
    fi
}
