#!/usr/bin/env bash
# The formatter in lint mode, then TidyTests. `--format-only` stops after the first.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_swift
folders=()
for folder in Package.swift Sources Tests Fuzz Benchmarks; do [[ ! -e $folder ]] || folders+=("$folder"); done
swift format lint --strict --parallel --recursive "${folders[@]}" \
    || fail "the formatter has something to say; most of it goes away with: make format"
say "The formatter has nothing to say."
[[ ${1:-} != --format-only ]] || exit 0
swift test --explicit-target-dependency-import-check error --filter TidyTests
