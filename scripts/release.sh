# shellcheck shell=bash disable=SC2034,SC2154
# The release build and the question whether it is needed. Sourced after lib.sh.

release_stamp=$repository/.build/release.stamp
# Exclusivity checks cost 9 % of a call's instructions, most of them in swift-nio, so they are off for the whole graph;
# debug builds and tests keep them. A static Swift runtime starts faster and spares each call a jump table.
release_flags=(-c release --product turnpike --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked
    --explicit-target-dependency-import-check error)

# SwiftPM takes seconds to find out that there is nothing to do; one find takes milliseconds.
# A deleted file changes its directory's time, so that is seen too. The stamp holds the time at which the build began.
release_is_fresh() {
    [[ -x $turnpike && -f $release_stamp ]] || return 1
    [[ $(< "$release_stamp") == "${release_flags[*]}" ]] || return 1
    [[ -z $(find Package.swift Sources scripts/release.sh -newer "$release_stamp" -print -quit) ]]
}

build_release() {
    printf '%s\n' "${release_flags[*]}" > "$release_stamp.new"
    swift build "${release_flags[@]}"
}

mark_release() { mv "$release_stamp.new" "$release_stamp"; }
