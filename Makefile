# The verbs of this repository. Each one is a script; read it there. A bare `make` lists them.
#
#   make run ARGS="--config my.yaml"     arguments for `turnpike serve`
#   make test ONLY=unit|clients|tidy     one part of the tests
#   make bench ROW=chat QUICK=1          one row of the figures, short
#   make fuzz FUZZ_SECONDS=600           longer than a minute per target

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build test bench tidy format fuzz golden live realmodel example timing rotation ledger soak tsan ci clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, start the gateway and print a key and the first call
	@exec scripts/run.sh $(ARGS)

build: ## build in release mode: .build/release/turnpike
	@exec scripts/build.sh

test: ## everything: unit, golden, scenario, tidy, real clients; installs what it needs
	@exec scripts/test.sh

bench: ## the figures beside nginx, against the thresholds that are checked in
	@exec scripts/bench.sh

tidy: ## formatter in lint mode, and the checks of Tests/TidyTests
	@exec scripts/tidy.sh

format: ## format all Swift sources in place
	@exec scripts/format.sh

fuzz: ## run every fuzz target for FUZZ_SECONDS (60) each
	@exec scripts/fuzz.sh

golden: ## rewrite golden files and generated docs; you review the diff
	@exec scripts/golden.sh

example: ## build the example application, a package of its own that uses the libraries
	@exec scripts/example.sh

timing: ## whether the time of a refusal tells what is wrong with a key
	@exec scripts/timing.sh

rotation: ## kill a rotation of the encryption key at each of its writes, with ROWS (1000) credentials
	@exec scripts/rotation.sh

ledger: ## kill the gateway LOOPS (2000) times under load and at FAULTS (300) writes, send CALLS (1000000), compare
	@exec scripts/ledger.sh

soak: ## calls for SOAK_SECONDS (600) over providers that fail in turn; how memory grows
	@exec scripts/soak.sh

live: ## one plain, one streamed, one wrong-key call for each provider key in the environment
	@exec scripts/live.sh

realmodel: ## the official SDKs through the gateway onto llama.cpp with a model of random weights
	@exec scripts/realmodel.sh

tsan: ## the Swift tests under ThreadSanitizer
	@exec scripts/tsan.sh

ci: ## exactly what CI runs
	@exec .ci/run

clean: ## remove build products and virtual environments; keeps data/
	@rm -rf .build .build-fuzz .build-tsan .venv .venv-openai1 .venv-anthropic0 .venv-agents .venv-keys .venv-model \
		bench-results
