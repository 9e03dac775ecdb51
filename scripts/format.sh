#!/usr/bin/env bash
# Formats all Swift sources in place.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_swift
folders=()
for folder in Package.swift Sources Tests Fuzz Benchmarks; do [[ ! -e $folder ]] || folders+=("$folder"); done
swift format format --in-place --parallel --recursive "${folders[@]}"
