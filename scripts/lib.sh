# shellcheck shell=bash disable=SC2034,SC2154
# Shared by the scripts beside it: where we are, steps with their progress, system packages.
# Source it; it changes to the root of the repository.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD
logs=$repository/.build/logs
durations=$repository/.build/durations
turnpike=$repository/.build/release/turnpike
mkdir -p "$logs"
touch "$durations"

# A terminal gets one line that is rewritten; a log file or CI gets plain lines.
if [[ -t 1 && -z ${CI:-} && ${TERM:-dumb} != dumb ]]; then live_lines=yes; else live_lines=no; fi

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# --- Steps -----------------------------------------------------------------------------------------------------------

step_index=0
step_names=()
step_child=
background=()

# plan NAME…: the steps that will run, in order, so that each can say what is left after it.
plan() { step_names=("$@"); step_index=0; }

# clock SECONDS: 7s, 1m05s
clock() {
    local seconds=$1
    if ((seconds < 60)); then printf '%ds' "$seconds"; else printf '%dm%02ds' $((seconds / 60)) $((seconds % 60)); fi
}

# How long the step took when it last did its work here; nothing if it never has.
last_duration() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$durations"; }

remember_duration() {
    local fresh=$durations.$$
    { awk -F '\t' -v name="$1" '$1 != name' "$durations"; printf '%s\t%s\n' "$1" "$2"; } > "$fresh"
    mv "$fresh" "$durations"
}

# What the steps after the current one took last time, in seconds.
seconds_after_this() {
    local sum=0 name known
    for name in "${step_names[@]:step_index}"; do
        known=$(last_duration "$name")
        sum=$((sum + ${known:-0}))
    done
    printf '%s' "$sum"
}

# The last "[n/m]" a build wrote into the log, as "n m".
build_progress() { tail -c 2000 "$1" 2>/dev/null | grep -aoE '\[[0-9]+/[0-9]+\]' | tail -n 1 | tr -d '[]' | tr '/' ' ' || true; }

# status LABEL STARTED LOG NAME: one line about a running step.
status() {
    local label=$1 started=$2 log=$3 name=$4 elapsed known left='' progress done_units all_units
    elapsed=$((SECONDS - started))
    known=$(last_duration "$name")
    progress=$(build_progress "$log")
    if [[ -n $progress ]]; then
        read -r done_units all_units <<< "$progress"
        if ((${known:-0} <= elapsed && done_units > 20 && all_units > done_units)); then
            left=$((elapsed * (all_units - done_units) / done_units))
        fi
        progress=" [$done_units/$all_units]"
    fi
    if ((${known:-0} > elapsed)); then left=$((known - elapsed)); fi
    if [[ -n $left ]]; then left=", about $(clock $((left + $(seconds_after_this)))) left"; fi
    printf '%s %s%s%s' "$label" "$(clock "$elapsed")" "$progress" "$left"
}

stop_child() {
    local code=$?
    [[ -z $step_child ]] || kill -TERM -- "-$step_child" 2>/dev/null || true
    ((${#background[@]} == 0)) || kill -TERM "${background[@]}" 2>/dev/null || true
    return "$code"
}
trap stop_child EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step NAME COMMAND…: runs it quietly into a log file and shows where we are. Fails with the end of the log.
step() {
    local name=$1 log started code=0 label total=${#step_names[@]}
    shift
    step_index=$((step_index + 1))
    ((total >= step_index)) || total=$step_index
    log=$logs/${name//[^a-zA-Z0-9]/-}.log
    label="[$step_index/$total] $name"
    started=$SECONDS
    : > "$log"
    [[ $live_lines == yes ]] || say "$(status "$label" "$started" "$log" "$name")"
    set -m  # Its own process group, so that Ctrl-C ends all of it.
    "$@" < /dev/null > "$log" 2>&1 &
    step_child=$!
    set +m
    local next_line=$((SECONDS + 60))
    while kill -0 "$step_child" 2>/dev/null; do
        if [[ $live_lines == yes ]]; then
            printf '\r\033[K%s' "$(status "$label" "$started" "$log" "$name")"
        elif ((SECONDS >= next_line)); then
            say "$(status "$label" "$started" "$log" "$name")"
            next_line=$((SECONDS + 60))
        fi
        sleep 0.2
    done
    wait "$step_child" || code=$?
    step_child=
    [[ $live_lines == no ]] || printf '\r\033[K'
    if ((code != 0)); then
        say "$label: failed after $(clock $((SECONDS - started))), exit code $code. The end of $log:"
        tail -n "${LOG_TAIL:-40}" "$log"
        return "$code"
    fi
    # A step that found nothing to do says nothing about the next time.
    ((SECONDS - started < 2)) || remember_duration "$name" $((SECONDS - started))
    say "$label: done in $(clock $((SECONDS - started)))"
}

# --- System packages -------------------------------------------------------------------------------------------------

# missing_packages SECTION…: the names that are not installed, from scripts/packages.
missing_packages() {
    local section line one found
    for section in "$@"; do
        while read -r line; do
            found=no
            for one in ${line//|/ }; do
                if dpkg-query -W -f '${db:Status-Status}' "$one" 2>/dev/null | grep -qx installed; then found=yes; fi
            done
            [[ $found == yes ]] || printf '%s\n' "${line%%|*}"
        done < <(awk -v want="[$section]" '/^\[/ { on = ($0 == want); next } on && NF && !/^#/' scripts/packages)
    done | sort -u
}

# need_packages WHY SECTION…: installs what is missing. Root does it, others are asked first, by name.
need_packages() {
    local why=$1 missing command answer
    shift
    if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
        say "This is not Debian or Ubuntu: please see to it that scripts/packages ($*) is there in your system's form."
        return 0
    fi
    missing=$(missing_packages "$@" | tr '\n' ' ')
    missing=${missing% }
    [[ -n $missing ]] || return 0
    command="apt-get install --yes --no-install-recommends $missing"
    say "Missing system packages, needed $why: $missing"
    if ((EUID == 0)); then
        install_packages env
    elif [[ ! -t 0 || -n ${CI:-} ]]; then
        fail "not root, and nobody to ask for a password. Run this once: sudo apt-get update && sudo $command"
    else
        say "This needs root. The command is: sudo apt-get update && sudo $command"
        read -r -p "Run it now? [Y/n] " answer
        [[ -z $answer || $answer == [yY]* ]] || fail "cannot go on without: $missing"
        sudo -v -p "[sudo, to install $missing] password for %u: "
        install_packages sudo
    fi
}

# install_packages env|sudo: what need_packages decided, with `missing` from its caller.
install_packages() {
    local as=$1
    # shellcheck disable=SC2086,SC2154  # A list of names, set by need_packages.
    run_apt() {
        "$as" apt-get update && "$as" DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
    }
    say "Installing: $missing"
    run_apt > "$logs/apt.log" 2>&1 || { tail -n 20 "$logs/apt.log"; fail "apt-get failed; all of it is in $logs/apt.log"; }
}

need_swift() {
    command -v swift > /dev/null || fail "no swift on the PATH. Install Swift 6.3 from https://www.swift.org/install/linux"
}
