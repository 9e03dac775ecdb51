#!/usr/bin/env bash
# Builds the fuzz targets (libFuzzer with AddressSanitizer) and runs each for FUZZ_SECONDS. TARGET=FuzzSSE runs one.
# A crash leaves its input in .build-fuzz/crashes/<target>; move it to Fuzz/Corpus/<target> together with the fix.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages "to build" run
need_swift
seconds=${FUZZ_SECONDS:-60}
targets=()
for folder in Fuzz/Fuzz*/; do
    name=$(basename "$folder")
    [[ -n ${TARGET:-} && $name != "$TARGET" ]] || targets+=("$name")
done
[[ -e Fuzz/${targets[0]} ]] || fail "no such fuzz target: ${TARGET:-none exist}"

build_fuzzers() {
    local target
    for target in "${targets[@]}"; do
        # Not gold, the default: it breaks off over the sanitizer's debug information.
        TURNPIKE_FUZZ=1 swift build -c release --scratch-path .build-fuzz --product "$target" -Xswiftc -use-ld=lld || return
    done
}

# Swift's own crash handler confuses AddressSanitizer, and once hung: it stays off, and timeout has the last word.
fuzz() {
    local target=$1 corpus=.build-fuzz/corpus/$1 crashes=.build-fuzz/crashes/$1
    local seeds=() dictionary=()
    mkdir -p "$corpus" "$crashes"
    [[ ! -d Fuzz/Corpus/$target ]] || seeds=("Fuzz/Corpus/$target")
    [[ ! -f Fuzz/Corpus/$target.dictionary ]] || dictionary=("-dict=Fuzz/Corpus/$target.dictionary")
    SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 timeout -k 2 $((seconds + 30)) \
        ".build-fuzz/release/$target" "-max_total_time=$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=65536 \
        "-artifact_prefix=$crashes/" "${dictionary[@]}" "$corpus" "${seeds[@]}"
}

plan "fuzz build" "${targets[@]}"
step "fuzz build" build_fuzzers
failures=0
for target in "${targets[@]}"; do
    if step "$target" fuzz "$target"; then
        grep -aE '^Done|DONE' "$logs/$target.log" | tail -n 1
    else
        failures=$((failures + 1))
        say "The inputs are in .build-fuzz/crashes/$target"
    fi
done
say "$((${#targets[@]} - failures)) fuzz targets without a finding, $failures with one"
((failures == 0))
