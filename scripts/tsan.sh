#!/usr/bin/env bash
# The Swift tests under ThreadSanitizer, in a build folder of their own. A race ends the run with exit code 1.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages "to build" run
need_swift
flags=(--sanitize=thread --scratch-path .build-tsan)
build_tests() { swift build "${flags[@]}" --build-tests; }
run_tests() { TSAN_OPTIONS=halt_on_error=0:exitcode=1 swift test "${flags[@]}" --skip-build ${ARGS:-}; }
plan "thread sanitizer build" "thread sanitizer tests"
step "thread sanitizer build" build_tests
step "thread sanitizer tests" run_tests
grep -aE '^. Test run with' "$logs/thread-sanitizer-tests.log" || fail "no test ran"
