#!/usr/bin/env bash
# Everything that shows whether Turnpike works. Ends with one line, `N passed, N failed`, that adds all parts up.
# ONLY=unit|clients|tidy runs one part.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/release.sh
source scripts/python.sh

only=${ONLY:-all}
case $only in all | unit | clients | tidy) ;; *) fail "ONLY is one of unit, clients, tidy; it is '$only'" ;; esac
results=$repository/.build/test-results
rm -rf "$results"
mkdir -p "$results"

wants() { [[ $only == all || $only == "$1" ]]; }

# swift_group NAME ARGUMENT…: some of the Swift tests. Where it dies, its mark says that results are missing.
swift_group() {
    local name=$1
    shift
    : > "$results/begun-$name-swift-testing.xml"
    swift test --skip-build "$@" --xunit-output "$results/$name.xml"
}
swift_tests() {
    if [[ $only == tidy ]]; then
        swift_group swift --filter TidyTests
        return
    fi
    # What keeps both cores busy runs by itself, and so does what watches sockets and clocks: beside the other it would
    # measure the machine. A hundred that begin at once would too.
    local code=0
    local few=(--experimental-maximum-parallelization-width 8)
    local busy='^(WireTests.Differential|VaultTests|AuthTests|DatabaseTests|KeyManagementTests|MeteringTests)'
    local timed='^(NetTests|ScenarioTests)'
    swift_group swift "${few[@]}" --skip "$busy" --skip "$timed" || code=1
    swift_group timed "${few[@]}" --filter "$timed" || code=1
    swift_group busy "${few[@]}" --filter "$busy" || code=1
    return "$code"
}
debug_build() { swift build --build-tests --explicit-target-dependency-import-check error; }
client_tests() {
    TURNPIKE_BINARY=$turnpike TURNPIKE_OPENAI1_PYTHON=$repository/.venv-openai1/bin/python \
        TURNPIKE_ANTHROPIC0_PYTHON=$repository/.venv-anthropic0/bin/python \
        TURNPIKE_AGENTS_PYTHON=$repository/.venv-agents/bin/python \
        TURNPIKE_MCP1_PYTHON=$repository/.venv-mcp1/bin/python TURNPIKE_MCP2_PYTHON=$repository/.venv-mcp2/bin/python \
        .venv/bin/python -m pytest Tests/clients --junitxml "$results/clients.xml" ${PYTEST_ARGS:-}
}

if ! release_is_fresh || wants clients || wants unit; then need_packages "to build and test" run test; fi
need_swift
steps=()
if wants clients || wants unit; then steps+=("python environments"); fi
wants tidy && steps+=("format check")
if wants clients && ! release_is_fresh; then steps+=("release build"); fi
if wants unit || wants tidy; then steps+=("debug build" "swift tests"); fi
wants clients && steps+=("client tests")
plan "${steps[@]}"

# A build that fails ends the run: there is nothing to test. A test that fails does not keep the others from running.
# The line is written whatever happens, so that whoever reads only the last line is never misled.
finish() {
    local code=0
    python3 scripts/sum_results.py "$results" || code=1
    exit "$code"
}
must() { step "$@" || { printf '%s\n' "$1" > "$results/failed-${1//[^a-zA-Z0-9]/-}"; finish; }; }
may_fail() {
    local name=$1
    if step "$@"; then return 0; fi
    printf '%s\n' "$name" > "$results/failed-${name//[^a-zA-Z0-9]/-}"
}

if wants clients || wants unit; then must "python environments" python_environments; fi
if wants tidy; then
    may_fail "format check" scripts/tidy.sh --format-only
    [[ -f $results/failed-format-check ]] || : > "$results/passed-format-check"
fi
if wants clients && ! release_is_fresh; then
    must "release build" build_release
    mark_release
fi
if wants unit || wants tidy; then
    must "debug build" debug_build
    may_fail "swift tests" swift_tests
    grep -aE '^. Test run with' "$logs/swift-tests.log" || true
fi
if wants clients; then
    may_fail "client tests" client_tests
    tail -n 1 "$logs/client-tests.log"
fi
finish
