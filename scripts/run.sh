#!/usr/bin/env bash
# Installs what is missing, builds if anything changed, and starts the gateway. Arguments go to `turnpike serve`.
# Without a provider key and without a configuration file it starts the simulator too, so that the first chat works offline.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh

if ! release_is_fresh; then
    need_packages "to build and run" run
    need_swift
    plan "release build"
    step "release build" build_release
    mark_release
fi

has_config() {
    [[ -n ${TURNPIKE_CONFIG:-} || -f turnpike.yaml ]] && return 0
    local argument
    for argument in "$@"; do [[ $argument == --config || $argument == --config=* ]] && return 0; done
    return 1
}

has_provider_key() {
    local name
    for name in OPENROUTER_API_KEY OPENAI_API_KEY ANTHROPIC_API_KEY COHERE_API_KEY GEMINI_API_KEY AZURE_OPENAI_API_KEY \
        AWS_BEARER_TOKEN_BEDROCK MISTRAL_API_KEY GROQ_API_KEY AI_GATEWAY_API_KEY; do
        [[ -n ${!name:-} ]] && return 0
    done
    return 1
}

simulator=()
if ! has_config "$@" && ! has_provider_key; then
    say "No provider key in the environment and no configuration file: the built-in simulator will answer."
    say "For real answers: OPENROUTER_API_KEY=sk-or-… make run"
    simulator=(--simulator)
fi
exec "$turnpike" serve "${simulator[@]}" "$@"
